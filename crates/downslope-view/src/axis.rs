//! Where does a value stand on an axis, and which values are written beside it?
//!
//! Ticks stand at 1, 2 and 5 times a power of ten, and on a logarithmic axis at the powers themselves.

use crate::quantity;

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences take equal room.
    #[default]
    Linear,
    /// Equal ratios take equal room; zero and negative values have no place.
    Log10,
}

/// How the values of an axis are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As a plain number: `0.05`, `12,000`, `1e-7`.
    #[default]
    Number,
    /// As a number of things, with all its digits: `16,512`.
    Count,
    /// As a span of time: `250 ns`, `1.2 ms`, `3 s`.
    Seconds,
    /// A share of one as a percentage: `0.5` is `50%`.
    Percent,
}

impl Format {
    /// One value in words, as [`crate::quantity`] writes it.
    pub fn write(self, value: f64) -> String {
        match self {
            Self::Number => quantity::number(value),
            Self::Count => quantity::grouped(value, 0),
            Self::Seconds => quantity::seconds(value),
            Self::Percent => quantity::percent(value),
        }
    }
}

/// One axis of a figure: what it measures, how it is laid out and how it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Axis {
    /// What is measured, in the reader's words: `steps`, `training loss`.
    pub label: String,
    /// Linear or logarithmic.
    pub scale: Scale,
    /// How its values are written.
    pub format: Format,
}

impl Axis {
    /// A linear axis of plain numbers.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// The same axis on a logarithmic scale.
    #[must_use]
    pub fn log10(mut self) -> Self {
        self.scale = Scale::Log10;
        self
    }

    /// The same axis, written in another format.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }
}

/// The part of an axis that is shown; `low < high`, and both above zero on a logarithmic scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) scale: Scale,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// A place on an axis with a line across the figure, and a label unless it only subdivides.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) at: f64,
    pub(crate) label: Option<String>,
}

impl Scale {
    /// Whether a value has a place on this scale.
    pub(crate) fn shows(self, value: f64) -> bool {
        value.is_finite() && (self == Self::Linear || value > 0.0)
    }

    fn warp(self, value: f64) -> f64 {
        if self == Self::Log10 { value.log10() } else { value }
    }

    fn unwarp(self, value: f64) -> f64 {
        if self == Self::Log10 { 10_f64.powf(value) } else { value }
    }
}

impl Span {
    /// The span of some values, with room made where they are all the same; a plain one where there are none.
    pub(crate) fn of(scale: Scale, values: impl IntoIterator<Item = f64>) -> Self {
        let mut bounds: Option<(f64, f64)> = None;
        for v in values.into_iter().filter(|v| scale.shows(*v)) {
            bounds = Some(bounds.map_or((v, v), |(low, high)| (low.min(v), high.max(v))));
        }
        let (low, high) = bounds.unwrap_or(match scale {
            Scale::Linear => (0.0, 1.0),
            Scale::Log10 => (0.1, 1.0),
        });
        let (a, b) = (scale.warp(low), scale.warp(high));
        if b - a > a.abs().max(b.abs()) * 1e-9 {
            return Self { scale, low, high };
        }
        match scale {
            Scale::Log10 => Self { scale, low: (low / 3.0).max(f64::MIN_POSITIVE), high: (high * 3.0).min(f64::MAX) },
            Scale::Linear => {
                let room = if low.abs() > 0.0 { low.abs() * 0.1 } else { 1.0 };
                Self { scale, low: low - room, high: high + room }
            }
        }
    }

    /// The same span with some of its length added at both ends, and down to zero where that is near.
    pub(crate) fn padded(self, share: f64) -> Self {
        let (a, b) = (self.scale.warp(self.low), self.scale.warp(self.high));
        // Halved first: the difference of two huge values of unlike sign is beyond f64.
        let room = (b / 2.0 - a / 2.0) * 2.0 * share;
        if !room.is_finite() {
            return self;
        }
        let reaches_zero = self.scale == Scale::Linear && self.low >= 0.0 && self.low < 0.4 * self.high;
        let low = if reaches_zero { 0.0 } else { self.scale.unwarp(a - room) };
        let high = self.scale.unwarp(b + room).min(f64::MAX);
        let low = if self.scale == Scale::Log10 { low.max(f64::MIN_POSITIVE) } else { low };
        Self { low, high, ..self }
    }

    /// The same span, longer by a share of its length at both ends.
    pub(crate) fn extended(self, share: f64) -> Self {
        let (a, b) = (self.scale.warp(self.low), self.scale.warp(self.high));
        let room = (b - a) * share;
        Self { low: self.scale.unwarp(a - room), high: self.scale.unwarp(b + room), ..self }
    }

    /// Where a value stands: 0 at the low end, 1 at the high end, beyond that outside.
    pub(crate) fn position(&self, value: f64) -> f64 {
        let (a, b, v) = (self.scale.warp(self.low), self.scale.warp(self.high), self.scale.warp(value));
        (v / 2.0 - a / 2.0) / (b / 2.0 - a / 2.0)
    }

    /// About `wanted` labelled ticks within the span, in rising order, with unlabelled ones between on a logarithm.
    pub(crate) fn ticks(&self, format: Format, wanted: usize) -> Vec<Tick> {
        let wanted = wanted.max(2);
        let mut ticks = match self.scale {
            Scale::Linear => self.linear_ticks(format, wanted),
            Scale::Log10 => self.log_ticks(format, wanted),
        };
        // Rounding can carry a tick beyond the end, at the edge of f64 even to infinity.
        ticks.retain(|tick| (-1e-6..=1.0 + 1e-6).contains(&self.position(tick.at)));
        ticks
    }

    fn linear_ticks(&self, format: Format, wanted: usize) -> Vec<Tick> {
        let unit = Unit::of(format, self.low.abs().max(self.high.abs()));
        let (low, high) = (self.low * unit.factor, self.high * unit.factor);
        let rough = (high / wanted as f64 - low / wanted as f64).max(f64::MIN_POSITIVE);
        let power = 10_f64.powf(rough.log10().floor());
        // The same factors as a person would count in; the tolerance keeps 0.2 from becoming 0.5 by rounding.
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough * 0.999).unwrap_or(power);
        let first = (low / step - 1e-9).ceil();
        let last = (high / step + 1e-9).floor();
        let mut ticks = Vec::new();
        let mut k = first;
        while k <= last && ticks.len() <= 4 * wanted {
            let value = k * step;
            ticks.push(Tick { at: value / unit.factor, label: Some(unit.write(value, step)) });
            k += 1.0;
        }
        ticks
    }

    fn log_ticks(&self, format: Format, wanted: usize) -> Vec<Tick> {
        let first = (self.low.log10() - 1e-9).ceil() as i32;
        let last = (self.high.log10() + 1e-9).floor() as i32;
        let decades = last - first + 1;
        if decades < 2 {
            return self.short_log_ticks(format, wanted);
        }
        let stride = (decades - 1).div_euclid(i32::try_from(wanted).unwrap_or(i32::MAX)) + 1;
        let mut ticks = Vec::new();
        for k in first - 1..=last {
            let power = 10_f64.powi(k);
            if k >= first {
                let label = (k.rem_euclid(stride) == 0).then(|| write_log(format, power));
                if label.is_some() || stride <= 4 {
                    ticks.push(Tick { at: power, label });
                }
            }
            if stride == 1 {
                // Two powers of ten alone say little between them: 2 and 5 are written as well.
                let written = |m: i32| decades == 2 && wanted >= 3 && (m == 2 || m == 5);
                let between = (2..10).map(|m| (m, f64::from(m) * power));
                let inside = between.filter(|(_, at)| *at >= self.low && *at <= self.high);
                ticks.extend(inside.map(|(m, at)| Tick { at, label: written(m).then(|| write_log(format, at)) }));
            }
        }
        ticks
    }

    /// Less than two powers of ten: their multiples by 1, 2 and 5, or as on a linear axis if even those are too far apart.
    fn short_log_ticks(&self, format: Format, wanted: usize) -> Vec<Tick> {
        let from = self.low.log10().floor() as i32;
        let multiples = (from..=from + 2).flat_map(|k| [1.0, 2.0, 5.0].map(|m| m * 10_f64.powi(k)));
        let inside = multiples.filter(|v| *v >= self.low * 0.999_999 && *v <= self.high * 1.000_001);
        let ticks: Vec<_> = inside.map(|at| Tick { at, label: Some(write_log(format, at)) }).collect();
        if ticks.len() < 2 { self.linear_ticks(format, wanted.min(4)) } else { ticks }
    }
}

/// The unit the ticks of one linear axis share.
struct Unit {
    factor: f64,
    name: &'static str,
    scientific: bool,
}

impl Unit {
    fn of(format: Format, largest: f64) -> Self {
        let (factor, name) = match format {
            Format::Number | Format::Count => (1.0, ""),
            Format::Percent => (100.0, "%"),
            Format::Seconds => match largest {
                s if s < 1e-6 => (1e9, " ns"),
                s if s < 1e-3 => (1e6, " µs"),
                s if s < 1.0 => (1e3, " ms"),
                s if s < 180.0 => (1.0, " s"),
                s if s < 10_800.0 => (1.0 / 60.0, " min"),
                _ => (1.0 / 3_600.0, " h"),
            },
        };
        let scientific = format == Format::Number && largest > 0.0 && !(1e-3..1e6).contains(&largest);
        Self { factor, name, scientific }
    }

    fn write(&self, value: f64, step: f64) -> String {
        if value.abs() < step * 1e-6 {
            return if self.name == "%" { "0%".to_owned() } else { "0".to_owned() };
        }
        if self.scientific {
            return quantity::number(value);
        }
        let digits = usize::try_from(-(step.log10() + 1e-9).floor() as i32).unwrap_or(0);
        format!("{}{}", quantity::grouped(value, digits), self.name)
    }
}

fn write_log(format: Format, value: f64) -> String {
    match format {
        // Powers of ten of a second stay powers of ten: "1,000 s", not "16 min 40 s".
        Format::Seconds if (1.0..1e6).contains(&value) => format!("{} s", quantity::grouped(value, 0)),
        _ => format.write(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(span: Span, format: Format, wanted: usize) -> Vec<String> {
        span.ticks(format, wanted).into_iter().filter_map(|t| t.label).collect()
    }

    fn linear(low: f64, high: f64) -> Span {
        Span { scale: Scale::Linear, low, high }
    }

    fn log(low: f64, high: f64) -> Span {
        Span { scale: Scale::Log10, low, high }
    }

    #[test]
    fn linear_ticks_count_as_a_person_would() {
        assert_eq!(labels(linear(0.0, 0.73), Format::Number, 4), ["0", "0.2", "0.4", "0.6"]);
        assert_eq!(labels(linear(-1.0, 1.0), Format::Number, 5), ["-1.0", "-0.5", "0", "0.5", "1.0"]);
        assert_eq!(labels(linear(0.0, 43_152.0), Format::Number, 5), ["0", "10,000", "20,000", "30,000", "40,000"]);
        assert_eq!(labels(linear(0.0, 1.0), Format::Percent, 5), ["0%", "20%", "40%", "60%", "80%", "100%"]);
        assert_eq!(labels(linear(0.0, 3e8), Format::Number, 3), ["0", "1e8", "2e8", "3e8"]);
    }

    #[test]
    fn an_axis_of_seconds_has_one_unit() {
        assert_eq!(labels(linear(0.0, 0.0012), Format::Seconds, 4), ["0", "0.5 ms", "1.0 ms"].map(String::from));
        assert_eq!(labels(linear(0.0, 600.0), Format::Seconds, 3), ["0", "5 min", "10 min"]);
        assert_eq!(labels(log(1e-7, 1e-3), Format::Seconds, 6), ["100 ns", "1 µs", "10 µs", "100 µs", "1 ms"]);
        assert_eq!(labels(log(1.0, 1e3), Format::Seconds, 6), ["1 s", "10 s", "100 s", "1,000 s"]);
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten_thinned_when_many() {
        assert_eq!(labels(log(1.0, 1e4), Format::Number, 6), ["1", "10", "100", "1,000", "10,000"]);
        assert_eq!(labels(log(1e-9, 1.0), Format::Number, 5), ["1e-8", "1e-6", "1e-4", "0.01", "1"]);
        assert_eq!(labels(log(0.15, 0.7), Format::Number, 5), ["0.2", "0.5"]);
        assert_eq!(labels(log(0.61, 0.69), Format::Number, 4), ["0.62", "0.64", "0.66", "0.68"]);
    }

    #[test]
    fn a_span_without_length_makes_room() {
        for span in [
            Span::of(Scale::Linear, []),
            Span::of(Scale::Linear, [0.0]),
            Span::of(Scale::Linear, [5.0, 5.0, f64::NAN]),
            Span::of(Scale::Log10, [2.0, 0.0, -1.0]),
            Span::of(Scale::Linear, [f64::MIN, f64::MAX]).padded(0.05),
            Span::of(Scale::Log10, [5e-324, f64::MAX]).padded(0.05),
        ] {
            assert!(span.low < span.high, "{span:?}");
            assert!(span.position(span.low).abs() < 1e-9 && (span.position(span.high) - 1.0).abs() < 1e-9, "{span:?}");
            assert!(span.ticks(Format::Number, 5).len() < 200);
        }
    }
}
