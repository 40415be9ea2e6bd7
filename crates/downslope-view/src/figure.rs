//! What does a figure show?
//!
//! The data of a figure and nothing of how it is drawn: [`crate::svg`], [`crate::png`] and [`crate::terminal`] draw
//! the same [`LineChart`], and [`LineChart::to_csv`] gives its points away with every digit.

use std::fmt::Write;

use crate::axis::{Axis, Scale, Span};
use crate::palette::SHADES;
use crate::plot::Point;

/// A named line: points in the order in which they are joined.
///
/// A point that has no place on the axes (not finite, or not above zero on a logarithmic axis) breaks the line there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What stands at the end of the line: `mini-batch (32)`.
    pub name: String,
    /// The points as (x, y).
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// A named line through some points.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points }
    }
}

/// A reference line across the figure, with a word on it.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A line upwards from a value of x.
    Vertical {
        /// Where.
        x: f64,
        /// What it stands for: `2/λmax`.
        label: String,
    },
    /// A line across from a value of y.
    Horizontal {
        /// Where.
        y: f64,
        /// What it stands for: `target`.
        label: String,
    },
}

/// Lines over a common pair of axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineChart {
    /// The finding, rather than the axes: `Small batches get there first`.
    pub title: String,
    /// A sentence that reads the figure aloud to one who cannot see it.
    pub description: String,
    /// The axis across.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// The lines; their order gives each its colour, dashes and glyph, so keep it the same from figure to figure.
    pub series: Vec<Series>,
    /// Reference lines.
    pub marks: Vec<Mark>,
}

/// One row of a [`BarChart`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// What is measured.
    pub name: String,
    /// The value; one without a place on the axis is named as missing.
    pub value: f64,
}

/// A few named values side by side.
///
/// Bars from zero on a linear axis. On a logarithmic axis, which has no zero for a bar to start from, dots.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BarChart {
    /// The finding, rather than the axis.
    pub title: String,
    /// A sentence that reads the figure aloud to one who cannot see it.
    pub description: String,
    /// The axis of the values.
    pub axis: Axis,
    /// The values; their order gives the colours, as in [`LineChart::series`].
    pub bars: Vec<Bar>,
}

/// A line over a [`HeatMap`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// What stands at its end.
    pub name: String,
    /// A value of y for each column; one without a place on the axis breaks the line there.
    pub values: Vec<f64>,
}

/// A table of values as shades, with lines over it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeatMap {
    /// The finding, rather than the axes.
    pub title: String,
    /// A sentence that reads the figure aloud to one who cannot see it.
    pub description: String,
    /// The axis across; columns stand side by side, whatever its scale.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// What the shades are, and how it is written.
    pub value: Axis,
    /// The values of x, one a column.
    pub columns: Vec<f64>,
    /// The values of y, rising and evenly spaced on its axis.
    pub rows: Vec<f64>,
    /// The values of each column, row by row upwards. One that is not finite is lost, and marked with a cross; a column
    /// may end early.
    pub cells: Vec<Vec<f64>>,
    /// Where one shade ends and the next begins, rising; what is lowest stands out most. At most six.
    pub bounds: Vec<f64>,
    /// What became of what is lost: `diverged`.
    pub lost: String,
    /// The lines over it; their order gives each its colour, dashes and sign.
    pub profiles: Vec<Profile>,
}

impl HeatMap {
    /// The cells in long form with the header `x,y,value`, every digit kept and lines ended by CRLF (RFC 4180).
    pub fn to_csv(&self) -> String {
        let mut out = "x,y,value\r\n".to_owned();
        for (x, cells) in self.columns.iter().zip(&self.cells) {
            for (y, value) in self.rows.iter().zip(cells) {
                let _ = write!(out, "{x:?},{y:?},{value:?}\r\n");
            }
        }
        out
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() || self.columns.is_empty()
    }

    /// Which shade a value has, 0 for the lowest; none if it is lost.
    pub(crate) fn shade(&self, value: f64) -> Option<usize> {
        let shade = self.bounds.iter().filter(|bound| value > **bound).count();
        value.is_finite().then_some(shade.min(SHADES - 1))
    }

    /// From the lower edge of the first row to the upper edge of the last.
    pub(crate) fn y_span(&self) -> Span {
        let span = Span::of(self.y.scale, self.rows.iter().copied());
        match self.rows.len() {
            0 | 1 => span,
            n => span.extended(0.5 / (n - 1) as f64),
        }
    }

    /// A line in the unit square, in unbroken pieces.
    pub(crate) fn points(&self, profile: &Profile) -> Vec<Vec<Point>> {
        let span = self.y_span();
        let placed: Vec<Point> = (profile.values.iter().take(self.columns.len()).enumerate())
            .map(|(column, value)| ((column as f64 + 0.5) / self.columns.len() as f64, span.position(*value)))
            .collect();
        let is_placed = |point: &Point| point.1.is_finite();
        let pieces = placed.chunk_by(|a, b| is_placed(a) == is_placed(b)).filter(|piece| is_placed(&piece[0]));
        pieces.map(<[Point]>::to_vec).collect()
    }
}

impl LineChart {
    /// The points in long form with the header `series,x,y`, every digit kept and lines ended by CRLF (RFC 4180).
    ///
    /// What is not finite is written `inf`, `-inf` and `NaN`, as [`f64`] parses it.
    pub fn to_csv(&self) -> String {
        let mut out = "series,x,y\r\n".to_owned();
        for series in &self.series {
            let name = csv_field(&series.name);
            for (x, y) in &series.points {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "{name},{x:?},{y:?}\r\n");
            }
        }
        out
    }

    /// Whether no series has a point with a place on the axes.
    pub fn is_empty(&self) -> bool {
        !self.series.iter().flat_map(|s| &s.points).any(|p| self.shows(*p))
    }

    /// Whether a point has a place on the axes.
    pub(crate) fn shows(&self, (x, y): (f64, f64)) -> bool {
        self.x.scale.shows(x) && self.y.scale.shows(y)
    }
}

impl BarChart {
    /// The values with the header `name,value`, every digit kept and lines ended by CRLF (RFC 4180).
    pub fn to_csv(&self) -> String {
        let mut out = "name,value\r\n".to_owned();
        for bar in &self.bars {
            let _ = write!(out, "{},{:?}\r\n", csv_field(&bar.name), bar.value);
        }
        out
    }

    /// Whether the values are drawn as dots rather than bars.
    pub(crate) fn is_dots(&self) -> bool {
        self.axis.scale == Scale::Log10
    }
}

/// A field, quoted where a comma, a quotation mark or a line end asks for it.
pub(crate) fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) || text.is_empty() {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_keeps_every_digit_and_quotes_names() {
        let chart = LineChart {
            series: vec![
                Series::new("mini, \"32\"", vec![(1.0, 0.1 + 0.2), (2.0, f64::NAN)]),
                Series::new("batch", vec![(1e-300, f64::INFINITY)]),
            ],
            ..LineChart::default()
        };
        assert_eq!(
            chart.to_csv(),
            "series,x,y\r\n\"mini, \"\"32\"\"\",1.0,0.30000000000000004\r\n\"mini, \"\"32\"\"\",2.0,NaN\r\nbatch,1e-300,inf\r\n"
        );
    }

    #[test]
    fn shades_go_by_their_bounds_and_lines_by_the_middle_of_their_columns() {
        let map = HeatMap {
            y: Axis::new("rate").log10(),
            columns: vec![1.0, 4.0],
            rows: vec![1.0, 10.0],
            cells: vec![vec![0.5, f64::NAN], vec![0.1]],
            bounds: vec![0.1, 0.4],
            ..HeatMap::default()
        };
        assert_eq!([0.1, 0.2, 0.5, f64::NAN].map(|value| map.shade(value)), [Some(0), Some(1), Some(2), None]);
        assert_eq!(map.to_csv(), "x,y,value\r\n1.0,1.0,0.5\r\n1.0,10.0,NaN\r\n4.0,1.0,0.1\r\n");
        let line = Profile { name: String::new(), values: vec![1.0, 10.0] };
        let points = map.points(&line);
        assert_eq!(points[0].iter().map(|p| p.0).collect::<Vec<_>>(), [0.25, 0.75]);
        assert!((points[0][0].1 - 0.25).abs() < 1e-12 && (points[0][1].1 - 0.75).abs() < 1e-12, "{points:?}");
        assert!(map.points(&Profile { values: vec![0.0, f64::NAN], ..line }).is_empty());
    }

    #[test]
    fn a_chart_without_a_point_on_its_axes_is_empty() {
        let mut chart = LineChart { series: vec![Series::new("zero", vec![(0.0, 0.0)])], ..LineChart::default() };
        assert!(!chart.is_empty());
        chart.y = Axis::new("loss").log10();
        assert!(chart.is_empty());
    }
}
