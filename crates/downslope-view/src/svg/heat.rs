//! How is a heat map drawn?

use super::pen::{Frame, LABEL_GAP, LABEL_SIZE, Pen, TICK_SIZE, shortened, text_width, widest};
use super::{Size, Theme, end_labels};
use crate::figure::HeatMap;
use crate::palette::{Ink, over};
use crate::plot::{cut, whole};

/// The height of a row, on a screen and on a phone.
const ROW: (f64, f64) = (24.0, 20.0);
/// Between two cells.
const GAP: f64 = 1.5;
/// Colour key and room above it.
const KEY: f64 = 58.0;

impl HeatMap {
    /// The figure as an SVG document, to be put inline into a page or (with [`Theme::Light`]) into a file.
    pub fn to_svg(&self, theme: Theme) -> String {
        self.to_svg_sized(theme, Size::WIDE)
    }

    /// The figure as an SVG document of another width; the height follows from the number of rows.
    pub fn to_svg_sized(&self, theme: Theme, size: Size) -> String {
        let mut pen = Pen::new(theme);
        let is_narrow = size.width < Size::WIDE.width;
        let row = if is_narrow { ROW.1 } else { ROW.0 };
        let top = pen.head(&self.title, size.width) + 12.0 + LABEL_GAP;
        let bottom = top + row * self.rows.len().max(4) as f64;
        let span = self.y_span();
        let mut ticks = span.ticks(self.y.format, whole((bottom - top) / 55.0));
        if self.is_empty() {
            ticks.clear();
        }
        let left = 14.0 + widest(ticks.iter().filter_map(|tick| tick.label.as_deref()), TICK_SIZE);
        let label_width =
            widest(self.profiles.iter().map(|line| line.name.as_str()), LABEL_SIZE).min(size.width * 0.36);
        // Where names would take the room of the map they stand below it.
        let right = size.width - if is_narrow { 2.0 } else { label_width + 30.0 };
        let frame = Frame { left, right, top, bottom };

        pen.text(0.0, top - LABEL_GAP, "start", Ink::Muted, LABEL_SIZE, &self.y.label);
        for tick in &ticks {
            let y = frame.at((0.0, span.position(tick.at))).1;
            if let Some(label) = &tick.label {
                pen.path(&format!("M{:.1} {y:.1}h6", frame.left - 6.0), Ink::Axis, 1.0, "");
                pen.text(frame.left - 10.0, y + TICK_SIZE * 0.35, "end", Ink::Muted, TICK_SIZE, label);
            }
        }
        self.paint_columns(&mut pen, &frame);
        let ends = self.paint_profiles(&mut pen, &frame);
        let mut height = frame.bottom + KEY + 36.0;
        if is_narrow {
            height += self.paint_names(&mut pen, height + LABEL_GAP, size.width);
        } else {
            end_labels(&mut pen, &frame, &ends, label_width);
        }
        self.paint_key(&mut pen, frame.bottom + KEY, size.width);
        pen.finish(&self.title, &self.description, size.width, height)
    }

    /// The names of the lines, as many a row as have room; returns how much height they took.
    fn paint_names(&self, pen: &mut Pen, y: f64, width: f64) -> f64 {
        let (mut x, mut row) = (0.0, 0.0);
        for (i, profile) in self.profiles.iter().enumerate() {
            let name = shortened(&profile.name, width - 16.0);
            let needed = 16.0 + text_width(&name, LABEL_SIZE);
            if x > 0.0 && x + needed > width {
                (x, row) = (0.0, row + LABEL_GAP);
            }
            pen.sign(i, (x + 5.0, y + row - LABEL_SIZE * 0.35));
            pen.text(x + 16.0, y + row, "start", over(i), LABEL_SIZE, &name);
            x += needed + 16.0;
        }
        if self.profiles.is_empty() { 0.0 } else { row + LABEL_GAP + 8.0 }
    }

    /// The cells, and the values of x below them.
    fn paint_columns(&self, pen: &mut Pen, frame: &Frame) {
        let width = (frame.right - frame.left) / self.columns.len().max(1) as f64;
        let height = (frame.bottom - frame.top) / self.rows.len().max(1) as f64;
        // The last one is named whatever the room.
        let last = self.columns.last().map_or(0.0, |value| text_width(&self.x.format.write(*value), TICK_SIZE));
        let (mut free_from, free_to) = (0.0, frame.right - width / 2.0 - last / 2.0);
        for (i, (value, cells)) in self.columns.iter().zip(&self.cells).enumerate() {
            let x = frame.left + width * i as f64;
            for (row, cell) in cells.iter().enumerate() {
                let y = frame.bottom - height * (row + 1) as f64;
                self.paint_cell(pen, (x + GAP / 2.0, y + GAP / 2.0), (width - GAP, height - GAP), *cell);
            }
            let (label, middle) = (self.x.format.write(*value), x + width / 2.0);
            let half = text_width(&label, TICK_SIZE) / 2.0;
            let is_last = i + 1 == self.columns.len();
            if is_last || (middle - half >= free_from && middle + half + 6.0 <= free_to) {
                pen.text(middle, frame.bottom + 18.0, "middle", Ink::Muted, TICK_SIZE, &label);
                free_from = middle + half + 6.0;
            }
        }
        let middle = f64::midpoint(frame.left, frame.right);
        pen.text(middle, frame.bottom + 37.0, "middle", Ink::Muted, LABEL_SIZE, &self.x.label);
    }

    fn paint_cell(&self, pen: &mut Pen, (x, y): (f64, f64), (width, height): (f64, f64), value: f64) {
        if let Some(shade) = self.shade(value) {
            return pen.rect((x, y), (width, height), Ink::Shade(shade));
        }
        let (x, y, r) = (x + width / 2.0, y + height / 2.0, height.min(width) * 0.17);
        let d = format!(
            "M{:.1} {:.1}l{:.1} {:.1}m0 -{:.1}l-{:.1} {:.1}",
            x - r,
            y - r,
            2.0 * r,
            2.0 * r,
            2.0 * r,
            2.0 * r,
            2.0 * r
        );
        pen.path(&d, Ink::Muted, 1.25, "");
    }

    /// The lines over the cells; returns what stands at their ends.
    fn paint_profiles<'a>(&'a self, pen: &mut Pen, frame: &Frame) -> Vec<(Ink, &'a str, (f64, f64))> {
        let mut ends = Vec::new();
        for (i, profile) in self.profiles.iter().enumerate() {
            let pieces: Vec<_> = self.points(profile).iter().flat_map(|piece| cut(piece).0).collect();
            pen.over(frame, i, &pieces, &profile.name);
            let end = pieces.last().and_then(|piece| piece.last());
            ends.extend(end.map(|end| (over(i), profile.name.as_str(), frame.at(*end))));
        }
        ends
    }

    /// What the colours and the cross mean.
    fn paint_key(&self, pen: &mut Pen, y: f64, width: f64) {
        let lost = text_width(&self.lost, TICK_SIZE);
        let n_shades = self.bounds.len() + 1;
        let room = (width - lost - 38.0).min(54.0 * n_shades as f64);
        let each = room / n_shades as f64;
        pen.text(0.0, y, "start", Ink::Muted, TICK_SIZE, &self.value.label);
        let mut free_from = 0.0;
        for shade in 0..n_shades {
            let x = each * shade as f64;
            pen.rect((x, y + 7.0), (each - GAP, 12.0), Ink::Shade(shade));
            let Some(bound) = self.bounds.get(shade) else { continue };
            let (label, edge) = (self.value.format.write(*bound), x + each);
            let half = text_width(&label, TICK_SIZE) / 2.0;
            if edge - half >= free_from {
                pen.text(edge, y + 33.0, "middle", Ink::Muted, TICK_SIZE, &label);
                free_from = edge + half + 3.0;
            }
        }
        if !self.lost.is_empty() {
            self.paint_cell(pen, (room + 8.0, y + 4.0), (20.0, 18.0), f64::NAN);
            pen.text(room + 34.0, y + 17.5, "start", Ink::Muted, TICK_SIZE, &self.lost);
        }
    }
}
