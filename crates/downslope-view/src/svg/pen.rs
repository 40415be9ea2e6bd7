//! Which elements draw the parts of a figure?
//!
//! The grid, the axis, the lines and the words, in the colours of a theme. Where they stand is [`super`]'s to say.

use std::fmt::Write;

use crate::axis::{Axis, Span, Tick};
use crate::figure::Mark;
use crate::palette::{Ink, LIGHT, dash, name, over};
use crate::plot::{Exit, Line, Plot, Point};
use crate::svg::Theme;

const FONT: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans Condensed', sans-serif";
pub(super) const TICK_SIZE: f64 = 12.0;
pub(super) const LABEL_SIZE: f64 = 13.0;
const TITLE_SIZE: f64 = 17.0;
pub(super) const LABEL_GAP: f64 = 18.0;

/// The rectangle of the data within the figure.
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Frame {
    pub(super) fn at(&self, (x, y): Point) -> Point {
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
pub(super) struct Rows(Vec<Vec<(f64, f64)>>);

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
pub(super) struct Pen {
    theme: Theme,
    body: String,
}

impl Pen {
    pub(super) fn new(theme: Theme) -> Self {
        Self { theme, body: String::new() }
    }

    pub(super) fn stroke(&self, ink: Ink) -> String {
        match self.theme {
            Theme::Adaptive => format!("class=\"stroke-{}\"", name(ink)),
            Theme::Light => format!("stroke=\"{}\"", LIGHT.colour(ink)),
        }
    }

    pub(super) fn fill(&self, ink: Ink) -> String {
        match self.theme {
            Theme::Adaptive => format!("class=\"fill-{}\"", name(ink)),
            Theme::Light => format!("fill=\"{}\"", LIGHT.colour(ink)),
        }
    }

    fn ground_stroke(&self) -> String {
        match self.theme {
            Theme::Adaptive => "class=\"halo\"".to_owned(),
            Theme::Light => format!("stroke=\"{}\"", LIGHT.paper),
        }
    }

    // Writing to a `String` cannot fail, so the results below are dropped.

    pub(super) fn text(&mut self, x: f64, y: f64, anchor: &str, ink: Ink, size: f64, text: &str) {
        let (fill, text) = (self.fill(ink), escaped(text));
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" {fill}>{text}</text>"
        );
    }

    /// Text over lines: the ground shines around it so that it reads.
    pub(super) fn halo(&mut self, x: f64, y: f64, anchor: &str, ink: Ink, size: f64, text: &str) {
        let class = self.ground_stroke();
        // Twice, because `paint-order` is younger than some viewers.
        let shown = escaped(text);
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" {class} stroke-width=\"4\" stroke-linejoin=\"round\" aria-hidden=\"true\">{shown}</text>"
        );
        self.text(x, y, anchor, ink, size, text);
    }

    pub(super) fn path(&mut self, d: &str, ink: Ink, width: f64, dash: &str) {
        let stroke = self.stroke(ink);
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        let _ = writeln!(self.body, "<path d=\"{d}\" fill=\"none\" {stroke} stroke-width=\"{width}\"{dash}/>");
    }

    pub(super) fn rect(&mut self, (x, y): Point, (width, height): (f64, f64), ink: Ink) {
        let fill = self.fill(ink);
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" {fill}/>"
        );
    }

    /// The shape of a series: disc, square, triangle, diamond.
    pub(super) fn shape(&mut self, series: usize, at: Point, r: f64) {
        let (d, fill) = (outline(series, at, r), self.fill(Ink::Series(series)));
        let _ = writeln!(self.body, "<path d=\"{d}\" {fill}/>");
    }

    /// A line over shades: the ground shines around it, so that it stands out from all of them, and each of its points
    /// has its sign.
    pub(super) fn over(&mut self, frame: &Frame, line: usize, pieces: &[Vec<Point>], name: &str) {
        let (ink, halo) = (over(line), self.ground_stroke());
        let d: String = pieces.iter().map(|piece| joined(frame, piece)).collect();
        let _ = writeln!(self.body, "<g><title>{}</title>", escaped(name));
        let _ =
            writeln!(self.body, "<path d=\"{d}\" fill=\"none\" {halo} stroke-width=\"5\" stroke-opacity=\"0.85\"/>");
        self.path(&d, ink, 2.25, dash(line));
        for point in pieces.iter().flatten() {
            self.sign(line, frame.at(*point));
        }
        self.body.push_str("</g>\n");
    }

    /// The sign of a line over shades.
    pub(super) fn sign(&mut self, line: usize, at: Point) {
        let (d, halo, fill) = (outline([0, 2, 3][line % 3], at, 4.5), self.ground_stroke(), self.fill(over(line)));
        let _ =
            writeln!(self.body, "<path d=\"{d}\" fill=\"none\" {halo} stroke-width=\"3\"/>\n<path d=\"{d}\" {fill}/>");
    }

    /// The title, where it is drawn; returns how much height it took.
    pub(super) fn head(&mut self, title: &str, width: f64) -> f64 {
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
    pub(super) fn grid(&mut self, frame: &Frame, span: &Span, ticks: &[Tick]) {
        for tick in ticks {
            let y = frame.at((0.0, span.position(tick.at))).1;
            let Some(label) = &tick.label else { continue };
            self.path(&format!("M{:.1} {y:.1}H{:.1}", frame.left, frame.right), Ink::Grid, 1.0, "");
            self.text(frame.left - 10.0, y + TICK_SIZE * 0.35, "end", Ink::Muted, TICK_SIZE, label);
        }
    }

    /// The axis below, its values and its name.
    pub(super) fn ground(&mut self, frame: &Frame, span: &Span, ticks: &[Tick], label: &str) {
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

    pub(super) fn mark_line(&mut self, frame: &Frame, plot: &Plot, mark: &Mark) {
        let d = match mark_at(frame, plot, mark) {
            Some((x, None)) => format!("M{x:.1} {:.1}V{:.1}", frame.top, frame.bottom),
            Some((_, Some(y))) => format!("M{:.1} {y:.1}H{:.1}", frame.left, frame.right),
            None => return,
        };
        self.path(&d, Ink::Muted, 1.0, "4 4");
    }

    /// Drawn after the lines, which would otherwise cross the words.
    pub(super) fn mark_label(&mut self, frame: &Frame, plot: &Plot, mark: &Mark, rows: &mut Rows) {
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

    pub(super) fn line(&mut self, frame: &Frame, series: usize, line: &Line, name: &str) {
        let _ = writeln!(self.body, "<g><title>{}</title>", escaped(name));
        let (ink, width) = (Ink::Series(series), if line.noisy { 1.0 } else { 2.25 });
        let dash = if line.noisy { "" } else { dash(series) };
        let mut d = String::new();
        for piece in &line.pieces {
            if let [single] = piece.as_slice() {
                self.shape(series, frame.at(*single), 3.5);
                continue;
            }
            d.push_str(&joined(frame, piece));
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
    pub(super) fn exit(&mut self, frame: &Frame, series: usize, exit: Exit, axis: &Axis, rows: &mut Rows) {
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

    /// Another drawing, further down on this one.
    pub(super) fn place(&mut self, other: &Pen, y: f64) {
        let _ = write!(self.body, "<g transform=\"translate(0 {y:.1})\">\n{}</g>\n", other.body);
    }

    pub(super) fn finish(self, title: &str, description: &str, width: f64, height: f64) -> String {
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

/// Points of the unit square, joined by straight lines.
fn joined(frame: &Frame, points: &[Point]) -> String {
    let mut d = String::new();
    for (i, point) in points.iter().enumerate() {
        let (x, y) = frame.at(*point);
        let _ = write!(d, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
    }
    d
}

/// The outline of a series' shape.
fn outline(series: usize, (x, y): Point, r: f64) -> String {
    match series % 4 {
        0 => format!("M{:.1} {y:.1}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 -{} 0z", x - r, 2.0 * r, 2.0 * r),
        1 => format!("M{:.1} {:.1}h{}v{}h-{}z", x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8, r * 1.8),
        2 => format!("M{x:.1} {:.1}l{:.1} {:.1}h-{:.1}z", y - r * 1.2, r * 1.15, r * 2.0, r * 2.3),
        _ => format!("M{x:.1} {:.1}l{r} {}l-{r} {}l-{r} -{}z", y - r * 1.3, r * 1.3, r * 1.3, r * 1.3),
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
pub(super) fn text_width(text: &str, size: f64) -> f64 {
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

pub(super) fn widest<'a>(texts: impl Iterator<Item = &'a str>, size: f64) -> f64 {
    texts.map(|t| text_width(t, size)).fold(0.0, f64::max)
}

/// The beginning of a text that fits a width, with an ellipsis if that is not all.
pub(super) fn shortened(text: &str, width: f64) -> String {
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
