//! Which character stands in which cell?

use crate::plot::{Line, Point, whole};
use crate::terminal::{Canvas, Glyphs};

/// A character and the series it belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) glyph: char,
    pub(super) series: Option<usize>,
}

/// The cells of the plot, row by row from above.
pub(super) struct Grid {
    pub(super) columns: usize,
    pub(super) rows: usize,
    cells: Vec<Cell>,
}

/// The characters of one weight of line: flat, upright, and the four corners by the sides they join.
struct Weight {
    flat: char,
    upright: char,
    left_down: char,
    left_up: char,
    up_right: char,
    down_right: char,
}

const fn weight(c: [char; 6]) -> Weight {
    Weight { flat: c[0], upright: c[1], left_down: c[2], left_up: c[3], up_right: c[4], down_right: c[5] }
}

const WEIGHTS: [Weight; 5] = [
    weight(['─', '│', '╮', '╯', '╰', '╭']),
    weight(['━', '┃', '┓', '┛', '┗', '┏']),
    weight(['═', '║', '╗', '╝', '╚', '╔']),
    weight(['╌', '╎', '╮', '╯', '╰', '╭']),
    weight(['╍', '╏', '┓', '┛', '┗', '┏']),
];
const ASCII: [char; 6] = ['*', '+', 'o', 'x', '#', '@'];

/// The row of a position, 0 being the upper edge.
pub(super) fn row_of(position: f64, rows: usize) -> usize {
    whole(((1.0 - position) * (rows - 1) as f64).round()).min(rows - 1)
}

fn column_of(position: f64, columns: usize) -> usize {
    whole((position * (columns - 1) as f64).round()).min(columns - 1)
}

/// What a series' line looks like, for the legend.
pub(super) fn sample(series: usize, canvas: Canvas) -> String {
    let glyph = match canvas.glyphs {
        Glyphs::Unicode => WEIGHTS[series % WEIGHTS.len()].flat,
        Glyphs::Ascii => ASCII[series % ASCII.len()],
    };
    glyph.to_string().repeat(2)
}

impl Grid {
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows, cells: vec![Cell { glyph: ' ', series: None }; columns * rows] }
    }

    pub(super) fn column_of(&self, position: f64) -> usize {
        column_of(position, self.columns)
    }

    pub(super) fn put(&mut self, column: usize, row: usize, cell: Cell) {
        self.cells[row * self.columns + column] = cell;
    }

    /// A row without the spaces at its end, coloured where the canvas says so.
    pub(super) fn row(&self, row: usize, canvas: Canvas) -> String {
        let cells = &self.cells[row * self.columns..(row + 1) * self.columns];
        let end = cells.iter().rposition(|cell| cell.glyph != ' ').map_or(0, |last| last + 1);
        let runs = cells[..end].chunk_by(|a, b| a.series == b.series);
        runs.map(|run| {
            let text: String = run.iter().map(|cell| cell.glyph).collect();
            run[0].series.map_or(text.clone(), |series| canvas.coloured(series, &text))
        })
        .collect()
    }

    pub(super) fn upright(&mut self, position: f64, glyph: char) {
        let column = self.column_of(position);
        (0..self.rows).for_each(|row| self.put(column, row, Cell { glyph, series: None }));
    }

    pub(super) fn across(&mut self, position: f64, glyph: char) {
        if (0.0..=1.0).contains(&position) {
            let row = row_of(position, self.rows);
            (0..self.columns).for_each(|column| self.put(column, row, Cell { glyph, series: None }));
        }
    }

    /// All cells between the lowest and the highest point of each column.
    pub(super) fn band(&mut self, series: usize, line: &Line, glyph: char) {
        for piece in &line.pieces {
            let columns = self.columns;
            let column_of = |p: &Point| column_of(p.0, columns);
            for points in piece.chunk_by(|a, b| column_of(a) == column_of(b)) {
                let rows = points.iter().map(|p| row_of(p.1, self.rows));
                let (top, bottom) = rows.fold((self.rows, 0), |(top, bottom), r| (top.min(r), bottom.max(r)));
                for row in top..=bottom {
                    self.put(column_of(&points[0]), row, Cell { glyph, series: Some(series) });
                }
            }
        }
    }

    pub(super) fn line(&mut self, series: usize, line: &Line, canvas: Canvas) {
        for piece in &line.pieces {
            let heights = self.heights(piece);
            if let [(column, row)] = heights.as_slice() {
                let glyph = if canvas.glyphs == Glyphs::Unicode { '•' } else { ASCII[series % ASCII.len()] };
                self.put(*column, *row, Cell { glyph, series: Some(series) });
            }
            for pair in heights.windows(2) {
                self.stroke(series, pair[0], pair[1].1, canvas);
            }
            // The last column has no next one to lead to.
            if let [.., _, last] = heights.as_slice() {
                self.stroke(series, *last, last.1, canvas);
            }
        }
    }

    /// The row of the line in each column it passes: the mean of its points there, or where it crosses the middle.
    fn heights(&self, piece: &[Point]) -> Vec<(usize, usize)> {
        let Some((first, last)) = piece.first().zip(piece.last()) else { return Vec::new() };
        let mut out = Vec::new();
        let mut next = 0;
        let (from, to) = (self.column_of(first.0.min(last.0)), self.column_of(first.0.max(last.0)));
        for column in from..=to {
            let start = next;
            while next < piece.len() && self.column_of(piece[next].0) <= column {
                next += 1;
            }
            let here = &piece[start..next];
            let height = if here.is_empty() {
                let x = column as f64 / (self.columns - 1) as f64;
                let (Some(a), Some(b)) = (piece.get(start.wrapping_sub(1)), piece.get(start)) else { continue };
                a.1 + (b.1 - a.1) * ((x - a.0) / (b.0 - a.0)).clamp(0.0, 1.0)
            } else {
                here.iter().map(|p| p.1).sum::<f64>() / here.len() as f64
            };
            out.push((column, row_of(height, self.rows)));
        }
        out
    }

    /// One column of a line: in at one row, out towards the next column at another.
    fn stroke(&mut self, series: usize, (column, row): (usize, usize), to: usize, canvas: Canvas) {
        let w = &WEIGHTS[series % WEIGHTS.len()];
        for r in row.min(to)..=row.max(to) {
            let glyph = match canvas.glyphs {
                Glyphs::Ascii => ASCII[series % ASCII.len()],
                Glyphs::Unicode if row == to => w.flat,
                Glyphs::Unicode if r == row => {
                    if to > row {
                        w.left_down
                    } else {
                        w.left_up
                    }
                }
                Glyphs::Unicode if r == to => {
                    if to > row {
                        w.up_right
                    } else {
                        w.down_right
                    }
                }
                Glyphs::Unicode => w.upright,
            };
            // Two lines in the same row take turns, so that neither hides the other.
            let taken = self.cells[r * self.columns + column];
            let flat = |glyph: char| WEIGHTS.iter().any(|w| w.flat == glyph) || ASCII.contains(&glyph);
            let other = taken.series.is_some_and(|s| s != series) && flat(taken.glyph);
            if !(other && flat(glyph) && (column / 2).is_multiple_of(2)) {
                self.put(column, r, Cell { glyph, series: Some(series) });
            }
        }
    }
}
