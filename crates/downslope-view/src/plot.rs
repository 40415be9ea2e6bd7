//! What part of the data does a figure show, and as which lines?
//!
//! Between the data and every drawing of it: the spans of the axes, the lines in the unit square, thinned and cut to
//! it. A line that runs away (a diverging descent) is not allowed to flatten the others: the axis stays with the rest,
//! and the line leaves through the edge of the figure, which the drawing says in words.

use crate::axis::{Axis, Scale, Span};
use crate::figure::{LineChart, Mark, Series};

/// A point in the unit square: right and up.
pub(crate) type Point = (f64, f64);

/// How many times above the rest a line must climb before it is cut, on either scale.
const TOO_FAR_LINEAR: f64 = 20.0;
const TOO_FAR_LOG: f64 = 1e4;
/// The same for lines that all run away, where there is nothing to flatten but their own beginning.
const TOO_FAR_ALONE: f64 = 1e6;
/// A logarithmic axis shows no more than this much below its top: below is what f64 rounds to.
const DEEPEST_LOG: f64 = 1e-18;

/// A figure's lines, ready to be drawn.
#[derive(Debug)]
pub(crate) struct Plot {
    pub(crate) x: Span,
    pub(crate) y: Span,
    pub(crate) lines: Vec<Line>,
}

/// One series in the unit square.
#[derive(Debug)]
pub(crate) struct Line {
    /// Unbroken pieces, all within the square.
    pub(crate) pieces: Vec<Vec<Point>>,
    /// Where the line first leaves the square, and through which edge.
    pub(crate) exit: Option<Exit>,
    /// The last point within the square.
    pub(crate) end: Option<Point>,
    /// Whether the line goes up and down so much that it reads as a band.
    pub(crate) noisy: bool,
}

/// A place where a line leaves the figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exit {
    /// Where along the edge.
    pub(crate) x: f64,
    /// Through the top, or else through the bottom.
    pub(crate) upwards: bool,
    /// How far beyond the edge the line goes, in the units of the axis.
    pub(crate) furthest: f64,
}

impl Plot {
    /// The figure's lines at a resolution of some columns.
    pub(crate) fn of(chart: &LineChart, columns: usize) -> Self {
        let shown = || chart.series.iter().flat_map(|s| &s.points).copied().filter(|p| chart.shows(*p));
        let xs = chart.marks.iter().filter_map(|m| if let Mark::Vertical { x, .. } = m { Some(*x) } else { None });
        let x = Span::of(chart.x.scale, shown().map(|p| p.0).chain(xs));
        let y = y_span(chart, shown().map(|p| p.1));
        let lines = chart.series.iter().map(|series| line(chart, series, x, y, columns)).collect();
        Self { x, y, lines }
    }
}

fn y_span(chart: &LineChart, values: impl Iterator<Item = f64> + Clone) -> Span {
    let Axis { scale, .. } = chart.y;
    let ceiling = ceiling(chart, 1.0).unwrap_or(f64::INFINITY);
    let floor = match scale {
        Scale::Linear => ceiling_below(chart),
        Scale::Log10 => values.clone().filter(|v| *v <= ceiling).fold(0.0, f64::max) * DEEPEST_LOG,
    };
    let marks = chart.marks.iter().filter_map(|m| if let Mark::Horizontal { y, .. } = m { Some(*y) } else { None });
    let mut span = Span::of(scale, values.chain(marks).filter(|v| *v <= ceiling && *v >= floor)).padded(0.04);
    // Room to see the line leave.
    if ceiling.is_finite() {
        span.high = span.high.max(ceiling);
    }
    if scale == Scale::Linear && floor.is_finite() {
        span.low = span.low.min(floor);
    }
    span
}

fn ceiling_below(chart: &LineChart) -> f64 {
    ceiling(chart, -1.0).map_or(f64::NEG_INFINITY, |c| -c)
}

/// The value at which to cut the axis so that lines that run away upwards (in the direction of `sign`) do not flatten
/// the rest; none if nothing runs away.
fn ceiling(chart: &LineChart, sign: f64) -> Option<f64> {
    let log = chart.y.scale == Scale::Log10;
    if log && sign < 0.0 {
        return None;
    }
    // Of each series: how high it goes, its first value, and its beginning. A series that began high is data; one that
    // climbs far above its beginning is running away. The beginning is the median of the first quarter, so that an
    // accuracy that starts near zero and rises is not taken for one that runs away.
    let mut heights = Vec::new();
    for series in &chart.series {
        let mut ys: Vec<f64> = series.points.iter().filter(|p| chart.shows(**p)).map(|p| p.1 * sign).collect();
        let top = ys.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let first = ys.first().copied().unwrap_or(0.0).abs();
        ys.truncate(ys.len().div_ceil(4));
        ys.sort_by(f64::total_cmp);
        if let Some(middle) = ys.get(ys.len() / 2) {
            heights.push((top, first, middle.abs()));
        }
    }
    let far = if log { TOO_FAR_LOG } else { TOO_FAR_LINEAR };
    let runs_away = |(top, _, beginning): &&(f64, f64, f64)| *top > far * *beginning;
    let calm = heights.iter().filter(|h| !runs_away(h)).map(|h| h.0).fold(f64::NEG_INFINITY, f64::max);
    let starts = heights.iter().filter(runs_away).map(|h| h.1).fold(0.0, f64::max);
    let base = calm.max(starts);
    let top = heights.iter().map(|h| h.0).fold(f64::NEG_INFINITY, f64::max);
    let alone = !calm.is_finite();
    let too_far = if alone { TOO_FAR_ALONE } else { far };
    if base <= 0.0 || top <= too_far * base {
        return None;
    }
    Some(match (log, alone) {
        (false, false) => base * 1.3,
        (false, true) => base * TOO_FAR_LINEAR,
        (true, _) => base * 100.0,
    })
}

fn line(chart: &LineChart, series: &Series, x: Span, y: Span, columns: usize) -> Line {
    let mut line = Line { pieces: Vec::new(), exit: None, end: None, noisy: false };
    let mut furthest = (y.low, y.high);
    let mut unbroken: Vec<Vec<Point>> = vec![Vec::new()];
    for p in &series.points {
        if chart.shows(*p) {
            furthest = (furthest.0.min(p.1), furthest.1.max(p.1));
            // Far outside is far enough: an infinite position could not be cut at the edge.
            let point = (x.position(p.0), y.position(p.1).clamp(-1e9, 1e9));
            unbroken.last_mut().into_iter().for_each(|piece| piece.push(point));
        } else {
            unbroken.push(Vec::new());
        }
    }
    unbroken.retain(|piece| !piece.is_empty());
    // Judged at one resolution, so that a line is the same kind of line in every drawing.
    let at_one_resolution: Vec<_> = unbroken.iter().map(|points| thin(points, 500)).collect();
    line.noisy = is_noisy(&at_one_resolution);
    let thinned: Vec<_> = unbroken.iter().map(|points| thin(points, columns)).collect();
    for points in &thinned {
        let (pieces, exit) = cut(points);
        line.pieces.extend(pieces);
        line.exit = line.exit.or(exit.map(|(x, upwards)| {
            let furthest = if upwards { furthest.1 } else { furthest.0 };
            Exit { x, upwards, furthest }
        }));
    }
    line.end = line.pieces.last().and_then(|piece| piece.last()).copied();
    line
}

/// At most four points a column: the first, the lowest, the highest and the last, so that no peak is lost.
fn thin(points: &[Point], columns: usize) -> Vec<Point> {
    let column = |p: &Point| (p.0 * columns as f64).floor();
    let mut out = Vec::new();
    for group in points.chunk_by(|a, b| (column(a) - column(b)).abs() < 0.5) {
        if group.len() <= 4 {
            out.extend_from_slice(group);
            continue;
        }
        let by_y = |a: &&(usize, Point), b: &&(usize, Point)| a.1.1.total_cmp(&b.1.1);
        let numbered: Vec<(usize, Point)> = group.iter().copied().enumerate().collect();
        let mut kept: Vec<usize> =
            [numbered.iter().min_by(by_y), numbered.iter().max_by(by_y)].into_iter().flatten().map(|p| p.0).collect();
        kept.extend([0, group.len() - 1]);
        kept.sort_unstable();
        kept.dedup();
        out.extend(kept.into_iter().map(|i| group[i]));
    }
    out
}

/// The pieces of a line within the unit square, cut exactly at its lower and upper edge, and the first way out.
pub(crate) fn cut(points: &[Point]) -> (Vec<Vec<Point>>, Option<(f64, bool)>) {
    let inside = |p: &Point| (-1e-9..=1.0 + 1e-9).contains(&p.1);
    let mut pieces = Vec::new();
    let mut piece: Vec<Point> = points.first().filter(|p| inside(p)).copied().into_iter().collect();
    let mut exit = points.first().filter(|p| !inside(p)).map(|p| (p.0, p.1 > 0.5));
    for pair in points.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let at = |edge: f64| (a.0 + (b.0 - a.0) * ((edge - a.1) / (b.1 - a.1)), edge);
        let edge = |p: &Point| if p.1 > 0.5 { 1.0 } else { 0.0 };
        match (inside(&a), inside(&b)) {
            (true, true) => piece.push(b),
            (true, false) => {
                piece.push(at(edge(&b)));
                exit = exit.or(Some((at(edge(&b)).0, b.1 > 0.5)));
                pieces.push(std::mem::take(&mut piece));
            }
            (false, true) => piece = vec![at(edge(&a)), b],
            // From beyond one edge to beyond the other: a line all the way across.
            (false, false) if (a.1 > 0.5) != (b.1 > 0.5) => pieces.push(vec![at(edge(&a)), at(edge(&b))]),
            (false, false) => {}
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    (pieces, exit)
}

fn is_noisy(pieces: &[Vec<Point>]) -> bool {
    let turns = |piece: &Vec<Point>| {
        piece
            .windows(3)
            .filter(|w| (w[1].1 - w[0].1) * (w[2].1 - w[1].1) < 0.0 && (w[1].1 - w[0].1).abs() > 0.01)
            .count()
    };
    let (points, turns) = pieces.iter().fold((0, 0), |(n, t), piece| (n + piece.len(), t + turns(piece)));
    turns > 40 && turns * 4 > points
}

/// A length as a number of things.
#[allow(clippy::cast_sign_loss, reason = "clamped to what is not negative first; NaN becomes 0")]
pub(crate) fn whole(length: f64) -> usize {
    length.clamp(0.0, 1e6) as usize
}

/// Moves values apart as little as possible until neighbours are `gap` apart and all lie within `low..=high`; the
/// order of the result is that of the input. If they cannot all fit, they share the room evenly.
pub(crate) fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let n = wanted.len();
    if n == 0 {
        return Vec::new();
    }
    let gap = if n > 1 { gap.min((high - low) / (n - 1) as f64) } else { gap };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    // Pool adjacent violators on w_i − i·gap: blocks of labels that touch sit around their common mean.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (i, &k) in order.iter().enumerate() {
        let mut block = (wanted[k] - i as f64 * gap, 1);
        while let Some(&(mean, size)) = blocks.last().filter(|(mean, _)| *mean > block.0) {
            block = ((mean * size as f64 + block.0 * block.1 as f64) / (size + block.1) as f64, size + block.1);
            blocks.pop();
        }
        blocks.push(block);
    }
    let ceiling = high - (n - 1) as f64 * gap;
    let placed = blocks.into_iter().flat_map(|(mean, size)| std::iter::repeat_n(mean.min(ceiling).max(low), size));
    let mut out = vec![0.0; n];
    for (i, (&k, base)) in order.iter().zip(placed).enumerate() {
        out[k] = base + i as f64 * gap;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(series: &[&[f64]]) -> LineChart {
        let numbered = |ys: &&[f64]| ys.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
        LineChart { series: series.iter().map(|ys| Series::new("s", numbered(ys))).collect(), ..LineChart::default() }
    }

    fn descent(start: f64, n: i32) -> Vec<f64> {
        (0..n).map(|t| start * 0.97_f64.powi(t)).collect()
    }

    #[test]
    fn a_diverging_line_leaves_the_others_their_room() {
        let diverging: Vec<f64> = (0..100).map(|t| 0.7 * 1.3_f64.powi(t)).collect();
        let plot = Plot::of(&chart(&[&descent(0.7, 100), &diverging]), 500);
        assert!(plot.y.high < 2.0, "{:?}", plot.y);
        let exit = plot.lines[1].exit.unwrap();
        assert!(exit.upwards && exit.x > 0.0 && exit.x < 0.1 && (exit.furthest - diverging[99]).abs() < 1.0);
        assert!(plot.lines[0].exit.is_none());
        for p in plot.lines.iter().flat_map(|l| &l.pieces).flatten() {
            assert!((-1e-9..=1.0 + 1e-9).contains(&p.1), "{p:?}");
        }
    }

    #[test]
    fn what_merely_starts_high_or_rises_is_not_cut() {
        let high = Plot::of(&chart(&[&descent(1e6, 400), &descent(0.7, 400)]), 500);
        assert!(high.y.high >= 1e6);
        let accuracy: Vec<f64> = (0..50).map(|t| 0.97 - 0.96 * 0.5_f64.powi(t)).collect();
        let rising = Plot::of(&chart(&[&accuracy, &accuracy]), 500);
        assert!(rising.y.high >= 0.97 && rising.lines[0].exit.is_none());
        let constant = Plot::of(&chart(&[&[0.001; 9], &[1.0; 9]]), 500);
        assert!(constant.y.high >= 1.0);
        let counter: Vec<f64> = (0..1000).map(f64::from).collect();
        assert!(Plot::of(&chart(&[&counter]), 500).lines[0].exit.is_none());
    }

    #[test]
    fn a_line_that_runs_away_alone_keeps_its_beginning_in_sight() {
        let diverging: Vec<f64> = (0..200).map(|t| 0.7 * 1.5_f64.powi(t)).collect();
        let plot = Plot::of(&chart(&[&diverging]), 500);
        assert!(plot.y.high < 1e6 * diverging[25] && plot.lines[0].exit.is_some());
    }

    #[test]
    fn a_missing_point_breaks_the_line() {
        let plot = Plot::of(&chart(&[&[3.0, 2.0, f64::NAN, 1.0, f64::INFINITY, 0.5]]), 500);
        let lengths: Vec<_> = plot.lines[0].pieces.iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 1, 1]);
        assert!(plot.y.high < 4.0);
    }

    #[test]
    fn thinning_keeps_the_lowest_and_the_highest() {
        let mut ys = vec![1.0; 100_000];
        ys[54_321] = 2.0;
        ys[54_322] = 0.5;
        let plot = Plot::of(&chart(&[&ys]), 300);
        let points = &plot.lines[0].pieces[0];
        assert!(points.len() <= 4 * 301);
        let value = |y: f64| plot.y.position(y);
        for extreme in [2.0, 0.5] {
            assert!(points.iter().any(|p| (p.1 - value(extreme)).abs() < 1e-12));
        }
    }

    #[test]
    fn labels_are_moved_apart_and_no_further() {
        assert_eq!(spread(&[10.0, 50.0], 8.0, 0.0, 100.0), [10.0, 50.0]);
        assert_eq!(spread(&[52.0, 50.0], 8.0, 0.0, 100.0), [55.0, 47.0]);
        assert_eq!(spread(&[0.0, 0.0, 0.0], 10.0, 0.0, 100.0), [0.0, 10.0, 20.0]);
        assert_eq!(spread(&[99.0, 100.0], 10.0, 0.0, 100.0), [90.0, 100.0]);
        assert_eq!(spread(&[5.0, 5.0, 5.0], 10.0, 0.0, 10.0), [0.0, 5.0, 10.0]);
    }
}
