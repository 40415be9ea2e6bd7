//! How is a figure drawn as SVG?
//!
//! Labels stand at the ends of the lines and never overlap, so nothing depends on a legend or on colour. Nothing here
//! decides what part of the data is shown: that is the module `plot`.

mod heat;
mod pen;

use crate::axis::Span;
use crate::figure::{BarChart, LineChart};
use crate::palette::Ink;
use crate::plot::{Plot, Point, spread, whole};
pub(crate) use pen::escaped;
use pen::{Frame, LABEL_GAP, LABEL_SIZE, Pen, Rows, TICK_SIZE, shortened, widest};

/// Where a figure's colours come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Classes coloured by [`crate::palette::figure_css`]: for a figure inline in a page, in light and dark. The title
    /// is not drawn, since the page's caption has it.
    #[default]
    Adaptive,
    /// Its own colours on white paper, with its title: for a file.
    Light,
}

/// How large a figure is drawn, in CSS pixels; it scales.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Across.
    pub width: f64,
    /// Upwards; a figure with many labels takes more.
    pub height: f64,
}

impl Size {
    /// For a page or a file.
    pub const WIDE: Self = Self { width: 760.0, height: 400.0 };
    /// For a phone held upright.
    pub const NARROW: Self = Self { width: 360.0, height: 320.0 };
}

/// Panels are flatter than figures that stand alone.
const PANEL: Size = Size { width: 760.0, height: 280.0 };
/// The size of a panel's title.
const PANEL_TITLE: f64 = 15.0;
/// Between two panels.
const PANEL_GAP: f64 = 30.0;

/// Figures below one another under a common title, as an SVG file in light colours.
pub fn stacked(title: &str, charts: &[LineChart]) -> String {
    let mut all = Pen::new(Theme::Light);
    let mut height = all.head(title, PANEL.width);
    for chart in charts {
        if !chart.title.is_empty() && chart.title != title {
            height += PANEL_TITLE;
            all.text(0.0, height, "start", Ink::Text, PANEL_TITLE, &chart.title);
        }
        let (panel, panel_height) = LineChart { title: String::new(), ..chart.clone() }.painted(Theme::Light, PANEL);
        all.place(&panel, height);
        height += panel_height + PANEL_GAP;
    }
    let aloud: Vec<&str> = charts.iter().map(|chart| chart.description.as_str()).collect();
    all.finish(title, &aloud.join(" "), PANEL.width, height - PANEL_GAP)
}

impl LineChart {
    /// The figure as an SVG document, to be put inline into a page or (with [`Theme::Light`]) into a file.
    pub fn to_svg(&self, theme: Theme) -> String {
        self.to_svg_sized(theme, Size::WIDE)
    }

    /// The figure as an SVG document of another size.
    pub fn to_svg_sized(&self, theme: Theme, size: Size) -> String {
        let (pen, height) = self.painted(theme, size);
        pen.finish(&self.title, &self.description, size.width, height)
    }

    /// The figure before it becomes a document, and its height.
    fn painted(&self, theme: Theme, size: Size) -> (Pen, f64) {
        let mut pen = Pen::new(theme);
        let plot = Plot::of(self, whole(size.width / 1.5));
        let top = pen.head(&self.title, size.width) + 12.0 + LABEL_GAP;
        let mut y_ticks = plot.y.ticks(self.y.format, whole((size.height - top) / 55.0));
        let left = 14.0 + widest(y_ticks.iter().filter_map(|t| t.label.as_deref()), TICK_SIZE);
        let names = self.series.iter().map(|s| s.name.as_str());
        let label_width = widest(names, LABEL_SIZE).min(size.width * 0.36);
        let right = size.width - label_width - 22.0;
        let height = size.height.max(top + 60.0 + LABEL_GAP * self.series.len() as f64);
        let frame = Frame { left, right, top, bottom: height - 46.0 };

        let mut x_ticks = plot.x.ticks(self.x.format, whole((right - left) / 75.0).max(3));
        if self.is_empty() {
            // Values beside an axis that has none would be invented.
            x_ticks.clear();
            y_ticks.clear();
        }
        pen.grid(&frame, &plot.y, &y_ticks);
        pen.ground(&frame, &plot.x, &x_ticks, &self.x.label);
        pen.text(0.0, top - LABEL_GAP, "start", Ink::Muted, LABEL_SIZE, &self.y.label);
        let mut rows = Rows::default();
        for mark in &self.marks {
            pen.mark_line(&frame, &plot, mark);
        }
        // Noise beneath, the calm lines above it.
        for noisy in [true, false] {
            for (i, line) in plot.lines.iter().enumerate().filter(|(_, l)| l.noisy == noisy) {
                pen.line(&frame, i, line, &self.series[i].name);
            }
        }
        for mark in &self.marks {
            pen.mark_label(&frame, &plot, mark, &mut rows);
        }
        for (i, exit) in plot.lines.iter().enumerate().filter_map(|(i, l)| Some((i, l.exit?))) {
            pen.exit(&frame, i, exit, &self.y, &mut rows);
        }
        let ends = plot.lines.iter().enumerate().filter_map(|(i, line)| Some((i, frame.at(line.end?))));
        let ends: Vec<_> = ends.map(|(i, end)| (Ink::Series(i), self.series[i].name.as_str(), end)).collect();
        end_labels(&mut pen, &frame, &ends, label_width);
        if self.is_empty() {
            let (x, y) = frame.at((0.5, 0.5));
            pen.text(x, y, "middle", Ink::Muted, LABEL_SIZE, "nothing to show yet");
        }
        (pen, height)
    }
}

/// Names at the ends of lines, beside the frame and apart from each other.
fn end_labels(pen: &mut Pen, frame: &Frame, ends: &[(Ink, &str, Point)], label_width: f64) {
    let wanted: Vec<f64> = ends.iter().map(|(_, _, end)| end.1).collect();
    let placed = spread(&wanted, LABEL_GAP, frame.top + 4.0, frame.bottom - 2.0);
    for (&(ink, name, (x, y)), label_y) in ends.iter().zip(placed) {
        let start = frame.right + 18.0;
        if frame.right - x > 3.0 || (label_y - y).abs() > 3.0 {
            let d = format!("M{:.1} {y:.1}H{:.1}L{:.1} {label_y:.1}", x + 6.0, frame.right + 6.0, start - 3.0);
            pen.path(&d, ink, 1.0, "1 3");
        }
        let name = shortened(name, label_width);
        pen.text(start, label_y + LABEL_SIZE * 0.35, "start", ink, LABEL_SIZE, &name);
    }
}

impl BarChart {
    /// The figure as an SVG document, to be put inline into a page or (with [`Theme::Light`]) into a file.
    pub fn to_svg(&self, theme: Theme) -> String {
        self.to_svg_sized(theme, Size::WIDE)
    }

    /// The figure as an SVG document of another width; the height follows from the number of values.
    pub fn to_svg_sized(&self, theme: Theme, size: Size) -> String {
        let mut pen = Pen::new(theme);
        let row_height = 34.0;
        let top = pen.head(&self.title, size.width) + 8.0;
        let height = top + row_height * self.bars.len().max(1) as f64 + 52.0;
        let name_width = widest(self.bars.iter().map(|b| b.name.as_str()), LABEL_SIZE).min(size.width * 0.36);
        let written: Vec<String> = self.bars.iter().map(|b| self.write(b.value)).collect();
        let value_width = widest(written.iter().map(String::as_str), LABEL_SIZE);
        let frame =
            Frame { left: name_width + 14.0, right: size.width - value_width - 14.0, top, bottom: height - 46.0 };

        let zero = (!self.is_dots()).then_some(0.0);
        let span = Span::of(self.axis.scale, self.bars.iter().map(|b| b.value).chain(zero));
        let span = if self.is_dots() { span.padded(0.08) } else { span };
        let ticks = span.ticks(self.axis.format, whole((frame.right - frame.left) / 75.0).max(3));
        for tick in ticks.iter().filter(|t| t.label.is_some()) {
            let x = frame.at((span.position(tick.at), 0.0)).0;
            pen.path(&format!("M{x:.1} {:.1}V{:.1}", frame.top, frame.bottom), Ink::Grid, 1.0, "");
        }
        pen.ground(&frame, &span, &ticks, &self.axis.label);
        for (i, (bar, written)) in self.bars.iter().zip(&written).enumerate() {
            let y = top + row_height * (i as f64 + 0.5);
            let name = shortened(&bar.name, name_width);
            pen.text(frame.left - 12.0, y + LABEL_SIZE * 0.35, "end", Ink::Text, LABEL_SIZE, &name);
            if !self.axis.scale.shows(bar.value) {
                pen.text(frame.left + 8.0, y + LABEL_SIZE * 0.35, "start", Ink::Muted, LABEL_SIZE, "no value");
                continue;
            }
            let x = frame.at((span.position(bar.value), 0.0)).0;
            if self.is_dots() {
                pen.path(&format!("M{:.1} {y:.1}H{x:.1}", frame.left), Ink::Series(i), 1.5, "1 4");
                pen.shape(i, (x, y), 5.0);
            } else {
                let origin = frame.at((span.position(0.0), 0.0)).0;
                pen.rect((origin.min(x), y - 9.0), ((x - origin).abs().max(1.0), 18.0), Ink::Series(i));
            }
            let beside = if bar.value < 0.0 { frame.at((span.position(0.0), 0.0)).0 } else { x };
            pen.halo(beside + 10.0, y + LABEL_SIZE * 0.35, "start", Ink::Text, LABEL_SIZE, written);
        }
        pen.finish(&self.title, &self.description, size.width, height)
    }

    fn write(&self, value: f64) -> String {
        if self.axis.scale.shows(value) { self.axis.format.write(value) } else { "no value".to_owned() }
    }
}

#[cfg(test)]
pub(crate) mod tests;
