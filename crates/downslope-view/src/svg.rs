//! How is a figure drawn as SVG?
//!
//! Labels stand at the ends of the lines and never overlap, so nothing depends on a legend or on colour. Nothing here
//! decides what is shown: that is [`crate::plot`].

use std::fmt::Write;

use crate::axis::{Axis, Span, Tick};
use crate::figure::{BarChart, LineChart, Mark};
use crate::palette::{Ink, LIGHT, dash, name};
use crate::plot::{Exit, Line, Plot, Point, spread, whole};

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

const FONT: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans Condensed', sans-serif";
const TICK_SIZE: f64 = 12.0;
const LABEL_SIZE: f64 = 13.0;
const TITLE_SIZE: f64 = 17.0;
const LABEL_GAP: f64 = 18.0;

impl LineChart {
    /// The figure as an SVG document, to be put inline into a page or (with [`Theme::Light`]) into a file.
    pub fn to_svg(&self, theme: Theme) -> String {
        self.to_svg_sized(theme, Size::WIDE)
    }

    /// The figure as an SVG document of another size.
    pub fn to_svg_sized(&self, theme: Theme, size: Size) -> String {
        let mut pen = Pen::new(theme);
        let plot = Plot::of(self, whole(size.width / 1.5));
        let top = pen.head(&self.title, size.width) + 12.0 + LABEL_GAP;
        let y_ticks = plot.y.ticks(self.y.format, whole((size.height - top) / 55.0));
        let left = 14.0 + widest(y_ticks.iter().filter_map(|t| t.label.as_deref()), TICK_SIZE);
        let names = self.series.iter().map(|s| s.name.as_str());
        let label_width = widest(names, LABEL_SIZE).min(size.width * 0.36);
        let right = size.width - label_width - 22.0;
        let height = size.height.max(top + 60.0 + LABEL_GAP * self.series.len() as f64);
        let frame = Frame { left, right, top, bottom: height - 46.0 };

        let x_ticks = plot.x.ticks(self.x.format, whole((right - left) / 75.0).max(3));
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
        self.end_labels(&mut pen, &frame, &plot, label_width);
        if self.is_empty() {
            let (x, y) = frame.at((0.5, 0.5));
            pen.text(x, y, "middle", Ink::Muted, LABEL_SIZE, "nothing to show yet");
        }
        pen.finish(&self.title, &self.description, size.width, height)
    }

    fn end_labels(&self, pen: &mut Pen, frame: &Frame, plot: &Plot, label_width: f64) {
        let ends: Vec<(usize, Point)> =
            plot.lines.iter().enumerate().filter_map(|(i, l)| Some((i, frame.at(l.end?)))).collect();
        let wanted: Vec<f64> = ends.iter().map(|(_, end)| end.1).collect();
        let placed = spread(&wanted, LABEL_GAP, frame.top + 4.0, frame.bottom - 2.0);
        for ((i, (x, y)), label_y) in ends.into_iter().zip(placed) {
            let start = frame.right + 18.0;
            if frame.right - x > 3.0 || (label_y - y).abs() > 3.0 {
                let d = format!("M{:.1} {y:.1}H{:.1}L{:.1} {label_y:.1}", x + 6.0, frame.right + 6.0, start - 3.0);
                pen.path(&d, Ink::Series(i), 1.0, "1 3");
            }
            let name = shortened(&self.series[i].name, label_width);
            pen.text(start, label_y + LABEL_SIZE * 0.35, "start", Ink::Series(i), LABEL_SIZE, &name);
        }
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

/// The rectangle of the data within the figure.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Frame {
    fn at(&self, (x, y): Point) -> Point {
        (self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top))
    }
}

/// Where a mark crosses the frame: its x and, for one that goes across, its y; none if it has no place on the axes.
fn mark_at(frame: &Frame, plot: &Plot, mark: &Mark) -> Option<(f64, Option<f64>)> {
    let (point, across) = match mark {
        Mark::Vertical { x, .. } if plot.x.scale.shows(*x) => ((plot.x.position(*x), 0.0), false),
        Mark::Horizontal { y, .. } if plot.y.scale.shows(*y) => ((0.0, plot.y.position(*y)), true),
        _ => return None,
    };
    let inside = (0.0..=1.0).contains(&point.0) && (0.0..=1.0).contains(&point.1);
    let (x, y) = frame.at(point);
    inside.then_some((x, across.then_some(y)))
}

/// Rows of words under the upper edge, each word in the first row where it has room.
#[derive(Default)]
struct Rows(Vec<Vec<(f64, f64)>>);

impl Rows {
    /// Where words stand beside a place on the edge: how far from it, how anchored, and at which x; to its right if
    /// there is room.
    fn beside(&mut self, frame: &Frame, x: f64, gap: f64, width: f64) -> (f64, &'static str, f64) {
        let leftwards = x + gap + width > frame.right && x - gap - width > frame.left;
        let (from, anchor, at) =
            if leftwards { (x - gap - width, "end", x - gap) } else { (x + gap, "start", x + gap) };
        (16.0 * self.place(from, from + width), anchor, at)
    }

    fn place(&mut self, from: f64, to: f64) -> f64 {
        let free = |row: &Vec<(f64, f64)>| row.iter().all(|(a, b)| to + 8.0 < *a || *b + 8.0 < from);
        let row = self.0.iter().position(free).unwrap_or(self.0.len());
        if row == self.0.len() {
            self.0.push(Vec::new());
        }
        self.0[row].push((from, to));
        row as f64
    }
}

/// Writes SVG elements in the colours of a theme.
struct Pen {
    theme: Theme,
    body: String,
}

impl Pen {
    fn new(theme: Theme) -> Self {
        Self { theme, body: String::new() }
    }

    fn stroke(&self, ink: Ink) -> String {
        match self.theme {
            Theme::Adaptive => format!("class=\"stroke-{}\"", name(ink)),
            Theme::Light => format!("stroke=\"{}\"", LIGHT.colour(ink)),
        }
    }

    fn fill(&self, ink: Ink) -> String {
        match self.theme {
            Theme::Adaptive => format!("class=\"fill-{}\"", name(ink)),
            Theme::Light => format!("fill=\"{}\"", LIGHT.colour(ink)),
        }
    }

    // Writing to a `String` cannot fail, so the results below are dropped.

    fn text(&mut self, x: f64, y: f64, anchor: &str, ink: Ink, size: f64, text: &str) {
        let (fill, text) = (self.fill(ink), escaped(text));
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" {fill}>{text}</text>"
        );
    }

    /// Text over lines: the ground shines around it so that it reads.
    fn halo(&mut self, x: f64, y: f64, anchor: &str, ink: Ink, size: f64, text: &str) {
        let class = match self.theme {
            Theme::Adaptive => "class=\"halo\"".to_owned(),
            Theme::Light => format!("stroke=\"{}\"", LIGHT.paper),
        };
        // Twice, because `paint-order` is younger than some viewers.
        let shown = escaped(text);
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" {class} stroke-width=\"4\" stroke-linejoin=\"round\" aria-hidden=\"true\">{shown}</text>"
        );
        self.text(x, y, anchor, ink, size, text);
    }

    fn path(&mut self, d: &str, ink: Ink, width: f64, dash: &str) {
        let stroke = self.stroke(ink);
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        let _ = writeln!(self.body, "<path d=\"{d}\" fill=\"none\" {stroke} stroke-width=\"{width}\"{dash}/>");
    }

    fn rect(&mut self, (x, y): Point, (width, height): (f64, f64), ink: Ink) {
        let fill = self.fill(ink);
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" {fill}/>"
        );
    }

    /// The shape of a series: disc, square, triangle, diamond.
    fn shape(&mut self, series: usize, (x, y): Point, r: f64) {
        let d = match series % 4 {
            0 => format!("M{:.1} {y:.1}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 -{} 0z", x - r, 2.0 * r, 2.0 * r),
            1 => format!("M{:.1} {:.1}h{}v{}h-{}z", x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8, r * 1.8),
            2 => format!("M{x:.1} {:.1}l{:.1} {:.1}h-{:.1}z", y - r * 1.2, r * 1.15, r * 2.0, r * 2.3),
            _ => format!("M{x:.1} {:.1}l{r} {}l-{r} {}l-{r} -{}z", y - r * 1.3, r * 1.3, r * 1.3, r * 1.3),
        };
        let fill = self.fill(Ink::Series(series));
        let _ = writeln!(self.body, "<path d=\"{d}\" {fill}/>");
    }

    /// The title, where it is drawn; returns how much height it took.
    fn head(&mut self, title: &str, width: f64) -> f64 {
        if self.theme == Theme::Adaptive || title.is_empty() {
            return 6.0;
        }
        let mut y = -6.0;
        for line in wrapped(title, TITLE_SIZE * 1.06, width) {
            y += TITLE_SIZE * 1.3;
            let (fill, line) = (self.fill(Ink::Text), escaped(&line));
            let _ = writeln!(
                self.body,
                "<text x=\"0\" y=\"{y:.1}\" font-size=\"{TITLE_SIZE}\" font-weight=\"700\" {fill}>{line}</text>"
            );
        }
        y + 14.0
    }

    /// The lines across, and the values of y beside them.
    fn grid(&mut self, frame: &Frame, span: &Span, ticks: &[Tick]) {
        for tick in ticks {
            let y = frame.at((0.0, span.position(tick.at))).1;
            let Some(label) = &tick.label else { continue };
            self.path(&format!("M{:.1} {y:.1}H{:.1}", frame.left, frame.right), Ink::Grid, 1.0, "");
            self.text(frame.left - 10.0, y + TICK_SIZE * 0.35, "end", Ink::Muted, TICK_SIZE, label);
        }
    }

    /// The axis below, its values and its name.
    fn ground(&mut self, frame: &Frame, span: &Span, ticks: &[Tick], label: &str) {
        let y = frame.bottom;
        self.path(&format!("M{:.1} {y:.1}H{:.1}", frame.left, frame.right), Ink::Axis, 1.0, "");
        for tick in ticks {
            let x = frame.at((span.position(tick.at), 0.0)).0;
            let length = if tick.label.is_some() { 6.0 } else { 3.0 };
            self.path(&format!("M{x:.1} {y:.1}v{length}"), Ink::Axis, 1.0, "");
            if let Some(label) = &tick.label {
                self.text(x, y + 20.0, "middle", Ink::Muted, TICK_SIZE, label);
            }
        }
        let middle = f64::midpoint(frame.left, frame.right);
        self.text(middle, y + 40.0, "middle", Ink::Muted, LABEL_SIZE, label);
    }

    fn mark_line(&mut self, frame: &Frame, plot: &Plot, mark: &Mark) {
        let d = match mark_at(frame, plot, mark) {
            Some((x, None)) => format!("M{x:.1} {:.1}V{:.1}", frame.top, frame.bottom),
            Some((_, Some(y))) => format!("M{:.1} {y:.1}H{:.1}", frame.left, frame.right),
            None => return,
        };
        self.path(&d, Ink::Muted, 1.0, "4 4");
    }

    /// Drawn after the lines, which would otherwise cross the words.
    fn mark_label(&mut self, frame: &Frame, plot: &Plot, mark: &Mark, rows: &mut Rows) {
        let (Mark::Vertical { label, .. } | Mark::Horizontal { label, .. }) = mark;
        match mark_at(frame, plot, mark) {
            Some((x, None)) => {
                let (row, anchor, at) = rows.beside(frame, x, 6.0, text_width(label, TICK_SIZE));
                self.halo(at, frame.top + 12.0 + row, anchor, Ink::Muted, TICK_SIZE, label);
            }
            Some((x, Some(y))) => {
                let text_y = if y < frame.top + 20.0 { y + 14.0 } else { y - 6.0 };
                self.halo(x + 6.0, text_y, "start", Ink::Muted, TICK_SIZE, label);
            }
            None => {}
        }
    }

    fn line(&mut self, frame: &Frame, series: usize, line: &Line, name: &str) {
        let _ = writeln!(self.body, "<g><title>{}</title>", escaped(name));
        let (ink, width) = (Ink::Series(series), if line.noisy { 1.0 } else { 2.25 });
        let dash = if line.noisy { "" } else { dash(series) };
        let mut d = String::new();
        for piece in &line.pieces {
            if let [single] = piece.as_slice() {
                self.shape(series, frame.at(*single), 3.5);
                continue;
            }
            for (i, p) in piece.iter().enumerate() {
                let (x, y) = frame.at(*p);
                let _ = write!(d, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
            }
        }
        if !d.is_empty() {
            let stroke = self.stroke(ink);
            let opacity = if line.noisy { " stroke-opacity=\"0.7\"" } else { "" };
            let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
            let _ = writeln!(
                self.body,
                "<path d=\"{d}\" fill=\"none\" {stroke} stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"butt\"{dash}{opacity}/>"
            );
        }
        if let Some(end) = line.end.filter(|e| line.exit.is_none() || (0.001..0.999).contains(&e.1)) {
            self.shape(series, frame.at(end), 4.0);
        }
        self.body.push_str("</g>\n");
    }

    /// An arrow where a line leaves the figure, and how far it goes.
    fn exit(&mut self, frame: &Frame, series: usize, exit: Exit, axis: &Axis, rows: &mut Rows) {
        let (x, edge) = frame.at((exit.x, if exit.upwards { 1.0 } else { 0.0 }));
        let (tip, base) = if exit.upwards { (edge - 9.0, edge + 1.0) } else { (edge + 9.0, edge - 1.0) };
        let fill = self.fill(Ink::Series(series));
        let (a, b) = (x - 6.0, x + 6.0);
        let _ = writeln!(self.body, "<path d=\"M{x:.1} {tip:.1}L{b:.1} {base:.1}H{a:.1}z\" {fill}/>");
        let words = format!("leaves the figure: to {}", axis.format.write(exit.furthest));
        let width = text_width(&words, TICK_SIZE);
        let (row, anchor, at) = rows.beside(frame, x, 12.0, width);
        let y = if exit.upwards { edge + 12.0 + row } else { edge - 8.0 - row };
        self.halo(at, y, anchor, Ink::Series(series), TICK_SIZE, &words);
    }

    fn finish(self, title: &str, description: &str, width: f64, height: f64) -> String {
        let margin = if self.theme == Theme::Light { 20.0 } else { 2.0 };
        let (full_width, full_height) = (width + 2.0 * margin, height + 2.0 * margin);
        let paper = match self.theme {
            Theme::Adaptive => String::new(),
            Theme::Light => format!(
                "<rect x=\"-{margin}\" y=\"-{margin}\" width=\"{full_width}\" height=\"{full_height:.1}\" fill=\"{}\"/>\n",
                LIGHT.paper
            ),
        };
        let aloud = [title, description].map(str::trim).into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>();
        let aloud = escaped(&aloud.join(". "));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{aloud}\" viewBox=\"-{margin} -{margin} {full_width} {full_height:.1}\" width=\"{full_width}\" height=\"{full_height:.1}\" font-family=\"{FONT}\">\n<title>{}</title>\n<desc>{}</desc>\n{paper}{}</svg>\n",
            escaped(title),
            escaped(description),
            self.body
        )
    }
}

/// Text that is safe between tags and within quotes; characters that XML forbids become spaces.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

/// How wide a text is in about any sans-serif: the font that will draw it is not known here.
fn text_width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|' | '(' | ')' | '-' => 0.36,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 0.92,
        'A'..='Z' => 0.7,
        // Scripts whose characters fill a square.
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{1f300}'.. => 1.05,
        _ => 0.59,
    };
    text.chars().map(em).sum::<f64>() * size
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>, size: f64) -> f64 {
    texts.map(|t| text_width(t, size)).fold(0.0, f64::max)
}

/// The beginning of a text that fits a width, with an ellipsis if that is not all.
fn shortened(text: &str, width: f64) -> String {
    if text_width(text, LABEL_SIZE) <= width + 0.1 {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if text_width(&out, LABEL_SIZE) + LABEL_SIZE > width {
            break;
        }
    }
    out.pop();
    format!("{}…", out.trim_end())
}

fn wrapped(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line, size) + text_width(word, size) + size * 0.3 <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
