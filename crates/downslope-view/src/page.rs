//! How does a report look as a page?
//!
//! One HTML file that needs nothing else: no script, no network, no font from elsewhere, which its own security policy
//! enforces. It follows the reader's light or dark, fits a phone and prints. Words are plain text; what stands between
//! `` `backticks` `` is set as code. What a report says is not decided here.

use std::fmt::Write;

use crate::figure::{BarChart, HeatMap, LineChart};
use crate::palette::figure_css;
use crate::svg::{Size, Theme, escaped};
use crate::table::{Column, Kind, Table};

/// A report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// A few words above the title: `downslope compare · @digits`. Left out if empty.
    pub kicker: String,
    /// The finding.
    pub title: String,
    /// One or two sentences that say the most important thing.
    pub lead: String,
    /// The parts, in the order of reading.
    pub sections: Vec<Section>,
    /// Where it comes from: program, version, date. Left out if empty.
    pub footer: String,
}

/// A part of a page under its own heading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The heading; left out if empty.
    pub heading: String,
    /// What stands in it, in order.
    pub blocks: Vec<Block>,
}

/// Something in a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Paragraph(String),
    /// A few numbers to be seen first, each with what it is.
    Facts(Vec<Fact>),
    /// A verdict set apart.
    Note(Note),
    /// A table; a wide one scrolls within its own frame.
    Table(Table),
    /// A figure of lines, with its points as a table for those who cannot see it.
    Lines(LineChart),
    /// A figure of bars or dots, with its values as a table.
    Bars(BarChart),
    /// A heat map, with its values as a table.
    HeatMap(HeatMap),
    /// Terms and what they are: settings, data, machine.
    Definitions(Vec<(String, String)>),
    /// Commands to be copied, as they are.
    Commands(String),
}

/// A number to be seen first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// The number with its unit, as [`crate::quantity`] writes it.
    pub value: String,
}

/// A verdict: what was seen and what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// How it is meant.
    pub tone: Tone,
    /// The verdict.
    pub title: String,
    /// The evidence and the remedy, a paragraph each.
    pub paragraphs: Vec<String>,
}

/// How a note is meant. Only the colour of its edge follows from it: the words must say it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Something to know.
    #[default]
    Plain,
    /// Something that is well.
    Good,
    /// Something to change.
    Caution,
}

/// Rows of a figure's table of points, a series: enough to read a curve, few enough to read.
const POINTS_A_SERIES: usize = 24;

/// The hash of [`style_sheet`] by which the security policy allows it, and nothing else.
const STYLE_SHA256: &str = "qgxBvYKJFw2f6tHRZjhBsa4KyyIdGue9BMmgKqMP9uQ=";

impl Page {
    /// The whole file.
    pub fn to_html(&self) -> String {
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; style-src &#39;sha256-{STYLE_SHA256}&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta name=\"referrer\" content=\"no-referrer\"/>\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<header>\n",
            escaped(&self.title),
            style_sheet()
        );
        if !self.kicker.is_empty() {
            let _ = writeln!(out, "<p class=\"kicker\">{}</p>", words(&self.kicker));
        }
        let _ = writeln!(out, "<h1>{}</h1>", words(&self.title));
        if !self.lead.is_empty() {
            let _ = writeln!(out, "<p class=\"lead\">{}</p>", words(&self.lead));
        }
        out.push_str("</header>\n<main>\n");
        for section in &self.sections {
            section.write(&mut out);
        }
        out.push_str("</main>\n");
        if !self.footer.is_empty() {
            let _ = writeln!(out, "<footer><p>{}</p></footer>", words(&self.footer));
        }
        out + "</body>\n</html>\n"
    }
}

impl Section {
    fn write(&self, out: &mut String) {
        out.push_str("<section>\n");
        if !self.heading.is_empty() {
            let _ = writeln!(out, "<h2>{}</h2>", words(&self.heading));
        }
        for block in &self.blocks {
            block.write(out);
        }
        out.push_str("</section>\n");
    }
}

impl Block {
    fn write(&self, out: &mut String) {
        // Writing to a `String` cannot fail.
        let _ = match self {
            Self::Paragraph(text) => writeln!(out, "<p>{}</p>", words(text)),
            Self::Facts(facts) => {
                out.push_str("<dl class=\"facts\">\n");
                for Fact { label, value } in facts {
                    let _ = writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", words(label), words(value));
                }
                writeln!(out, "</dl>")
            }
            Self::Note(note) => {
                let tone = match note.tone {
                    Tone::Plain => "note",
                    Tone::Good => "note good",
                    Tone::Caution => "note caution",
                };
                let _ = writeln!(out, "<div class=\"{tone}\">\n<h3>{}</h3>", words(&note.title));
                for paragraph in &note.paragraphs {
                    let _ = writeln!(out, "<p>{}</p>", words(paragraph));
                }
                writeln!(out, "</div>")
            }
            Self::Table(table) => writeln!(out, "{}", table_html(table)),
            Self::Lines(chart) => {
                let [screen, phone] = [Size::WIDE, Size::NARROW].map(|s| chart.to_svg_sized(Theme::Adaptive, s));
                figure(out, &chart.title, &chart.description, [&screen, &phone], &points_of(chart))
            }
            Self::Bars(chart) => {
                let [screen, phone] = [Size::WIDE, Size::NARROW].map(|s| chart.to_svg_sized(Theme::Adaptive, s));
                figure(out, &chart.title, &chart.description, [&screen, &phone], &values_of(chart))
            }
            Self::HeatMap(map) => {
                let [screen, phone] = [Size::WIDE, Size::NARROW].map(|s| map.to_svg_sized(Theme::Adaptive, s));
                figure(out, &map.title, &map.description, [&screen, &phone], &cells_of(map))
            }
            Self::Definitions(pairs) => {
                out.push_str("<dl class=\"definitions\">\n");
                for (term, meaning) in pairs {
                    let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", words(term), words(meaning));
                }
                writeln!(out, "</dl>")
            }
            Self::Commands(text) => {
                writeln!(out, "<pre tabindex=\"0\"><code>{}</code></pre>", escaped(text.trim_end()))
            }
        };
    }
}

/// One drawing for screens and print, one with the same text size for phones; the style sheet shows one of them.
fn figure(out: &mut String, title: &str, description: &str, drawings: [&str; 2], table: &Table) -> std::fmt::Result {
    out.push_str("<figure>\n<figcaption>");
    for (tag, text) in [("strong", title), ("span", description)] {
        if !text.is_empty() {
            write!(out, "<{tag}>{}</{tag}>", words(text))?;
        }
    }
    let [screen, phone] = drawings;
    writeln!(out, "</figcaption>\n<div class=\"for-screen\">{screen}</div>\n<div class=\"for-phone\">{phone}</div>")?;
    if !table.rows.is_empty() {
        let table = table_html(table);
        writeln!(out, "<details>\n<summary>The figure as a table</summary>\n{table}\n</details>")?;
    }
    writeln!(out, "</figure>")
}

fn table_html(table: &Table) -> String {
    let label = escaped(if table.caption.is_empty() { "table" } else { &table.caption });
    // What scrolls must be reachable by keyboard, and so needs a name.
    let mut out = format!("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\">\n<table>\n");
    if !table.caption.is_empty() {
        let _ = writeln!(out, "<caption><span>{}</span></caption>", words(&table.caption));
    }
    let class = |column: &Column| if column.kind == Kind::Number { " class=\"number\"" } else { "" };
    out.push_str("<thead><tr>");
    for column in &table.columns {
        let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(column), words(&column.heading));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (i, column) in table.columns.iter().enumerate() {
            let (class, field) = (class(column), words(Table::field(row, i)));
            let _ = match i {
                0 => write!(out, "<th scope=\"row\"{class}>{field}</th>"),
                _ => write!(out, "<td{class}>{field}</td>"),
            };
        }
        out.push_str("</tr>\n");
    }
    out + "</tbody>\n</table>\n</div>"
}

/// A figure's points, at most [`POINTS_A_SERIES`] a series, evenly spread and with both ends.
fn points_of(chart: &LineChart) -> Table {
    let mut rows = Vec::new();
    let mut all = true;
    for series in &chart.series {
        let n = series.points.len();
        let shown = n.min(POINTS_A_SERIES);
        all &= shown == n;
        for i in 0..shown {
            let (x, y) = series.points[if shown > 1 { i * (n - 1) / (shown - 1) } else { 0 }];
            rows.push(vec![series.name.clone(), chart.x.format.write(x), chart.y.format.write(y)]);
        }
    }
    let caption =
        if all { String::new() } else { format!("Up to {POINTS_A_SERIES} points of each line, evenly spread") };
    let named = |label: &str, or: &str| if label.is_empty() { or.to_owned() } else { label.to_owned() };
    let columns = vec![
        Column::text("line"),
        Column::number(named(&chart.x.label, "x")),
        Column::number(named(&chart.y.label, "y")),
    ];
    Table { caption, columns, rows }
}

fn values_of(chart: &BarChart) -> Table {
    let heading = if chart.axis.label.is_empty() { "value" } else { &chart.axis.label };
    Table {
        caption: String::new(),
        columns: vec![Column::text("name"), Column::number(heading)],
        rows: chart.bars.iter().map(|b| vec![b.name.clone(), chart.axis.format.write(b.value)]).collect(),
    }
}

/// A heat map as it stands: a column a column, the highest row first.
fn cells_of(map: &HeatMap) -> Table {
    let cell = |cells: &Vec<f64>, row: usize| match cells.get(row) {
        Some(value) if value.is_finite() => map.value.format.write(*value),
        Some(_) => "×".to_owned(),
        None => String::new(),
    };
    let row = |(row, value): (usize, &f64)| {
        let fields = map.cells.iter().map(|cells| cell(cells, row));
        [map.y.format.write(*value)].into_iter().chain(fields).collect()
    };
    let columns = map.columns.iter().map(|value| Column::number(map.x.format.write(*value)));
    Table {
        caption: format!("{} by {} (down) and {} (across); × {}", map.value.label, map.y.label, map.x.label, map.lost),
        columns: [Column::number(map.y.label.clone())].into_iter().chain(columns).collect(),
        rows: map.rows.iter().enumerate().rev().map(row).collect(),
    }
}

/// Text as HTML, with what stands between backticks as code; a backtick without a partner stays what it is.
fn words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let escaped = |text: &str| escaped(&unbroken(text));
    while let Some((before, code, after)) =
        rest.split_once('`').and_then(|(before, tail)| tail.split_once('`').map(|(code, after)| (before, code, after)))
    {
        let _ = write!(out, "{}<code>{}</code>", escaped(before), crate::svg::escaped(code));
        rest = after;
    }
    out + &escaped(rest)
}

/// A number and its unit stay on one line.
pub(crate) fn unbroken(text: &str) -> String {
    const UNITS: [&str; 11] = ["ns", "µs", "ms", "s", "min", "h", "d", "k", "M", "G", "rows/s"];
    let mut out = String::with_capacity(text.len());
    for (i, word) in text.split(' ').enumerate() {
        let unit = UNITS.contains(&word.trim_end_matches(|c: char| !c.is_alphanumeric()));
        let after_number = out.ends_with(|c: char| c.is_ascii_digit())
            || (word.starts_with("rows/s") && out.ends_with(['k', 'M', 'G']));
        if i > 0 {
            out.push(if unit && after_number { '\u{a0}' } else { ' ' });
        }
        out.push_str(word);
    }
    out
}

fn style_sheet() -> String {
    format!(
        "\n{}:root{{--wash:#f4f6f9}}\n@media (prefers-color-scheme:dark){{@media screen{{:root{{--wash:#1a212a}}}}}}\n{}",
        figure_css(),
        include_str!("page.css")
    )
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::axis::Axis;
    use crate::figure::{Bar, Profile, Series};

    const NASTY: &str = "<script>alert('&\"\u{0}\u{1b}')</script>";

    fn base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for chunk in bytes.chunks(3) {
            let n = chunk.iter().chain([0, 0].iter()).take(3).fold(0_usize, |n, b| n << 8 | usize::from(*b));
            for i in 0..4 {
                out.push(if i <= chunk.len() { DIGITS[n >> (18 - 6 * i) & 63] as char } else { '=' });
            }
        }
        out
    }

    fn page() -> Page {
        let chart = LineChart {
            title: NASTY.to_owned(),
            description: NASTY.to_owned(),
            x: Axis::new(NASTY),
            series: vec![Series::new(NASTY, (0..1000).map(|t| (f64::from(t), 1.0 / f64::from(t + 1))).collect())],
            ..LineChart::default()
        };
        let bars = BarChart { bars: vec![Bar { name: NASTY.to_owned(), value: 1.0 }], ..BarChart::default() };
        let map = HeatMap {
            title: NASTY.to_owned(),
            x: Axis::new(NASTY),
            lost: NASTY.to_owned(),
            columns: vec![1.0, 2.0],
            rows: vec![1.0, 2.0],
            cells: vec![vec![0.5, f64::NAN], vec![0.25]],
            bounds: vec![0.3],
            profiles: vec![Profile { name: NASTY.to_owned(), values: vec![1.0, 2.0] }],
            ..HeatMap::default()
        };
        let table = Table {
            caption: NASTY.to_owned(),
            columns: vec![Column::text(NASTY), Column::number(NASTY)],
            rows: vec![vec![NASTY.to_owned(), NASTY.to_owned()], vec![]],
        };
        let blocks = vec![
            Block::Paragraph(format!("{NASTY} and `--lr 0.1` and a lone ` tick")),
            Block::Facts(vec![Fact { label: NASTY.to_owned(), value: NASTY.to_owned() }]),
            Block::Note(Note { tone: Tone::Caution, title: NASTY.to_owned(), paragraphs: vec![NASTY.to_owned()] }),
            Block::Table(table),
            Block::Lines(chart),
            Block::Bars(bars),
            Block::HeatMap(map),
            Block::Definitions(vec![(NASTY.to_owned(), NASTY.to_owned())]),
            Block::Commands(NASTY.to_owned()),
        ];
        Page {
            kicker: NASTY.to_owned(),
            title: NASTY.to_owned(),
            lead: NASTY.to_owned(),
            sections: vec![Section { heading: NASTY.to_owned(), blocks }],
            footer: NASTY.to_owned(),
        }
    }

    #[test]
    fn a_page_is_well_formed_and_runs_nothing() {
        let html = page().to_html();
        let tree = roxmltree::Document::parse_with_options(
            &html.replacen("<!doctype html>", "", 1),
            roxmltree::ParsingOptions::default(),
        )
        .map(|tree| {
            let elements = tree.descendants().filter(roxmltree::Node::is_element);
            elements
                .flat_map(|e| e.attributes().map(|a| a.name().to_owned()).chain([e.tag_name().name().to_owned()]))
                .collect::<Vec<_>>()
        })
        .unwrap();
        for forbidden in ["script", "link", "iframe", "img", "object", "style=", "href", "src", "onload", "onclick"] {
            assert!(!tree.iter().any(|name| name == forbidden), "{forbidden}");
        }
        let without_namespace = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!without_namespace.contains("http:") && !without_namespace.contains("https:"));
        assert!(!html.contains("url(") && !html.contains("@import"));
        assert!(html.contains("<code>--lr 0.1</code> and a lone ` tick"));
    }

    #[test]
    fn the_security_policy_allows_the_style_sheet_and_nothing_else() {
        assert_eq!(base64(&Sha256::digest(style_sheet())), STYLE_SHA256, "set `STYLE_SHA256` to the value on the left");
        assert!(!page().to_html().contains(" style="));
    }

    #[test]
    fn the_points_of_a_long_line_are_few_and_have_both_ends() {
        let Block::Lines(chart) = &page().sections[0].blocks[4] else { panic!("a figure of lines") };
        let table = points_of(chart);
        assert_eq!(table.rows.len(), POINTS_A_SERIES);
        assert_eq!((table.rows[0][1].as_str(), table.rows[POINTS_A_SERIES - 1][1].as_str()), ("0", "999"));
    }

    #[test]
    fn a_heat_map_is_also_a_table_with_crosses_and_gaps() {
        let Some(Block::HeatMap(map)) =
            page().sections[0].blocks.iter().find(|block| matches!(block, Block::HeatMap(_))).cloned()
        else {
            panic!("a heat map")
        };
        assert_eq!(cells_of(&map).rows, [["2", "×", ""], ["1", "0.5", "0.25"]]);
    }

    #[test]
    fn a_number_is_not_parted_from_its_unit() {
        assert_eq!(
            words("in 9.8 µs, 3.2 M rows/s, 3 min 20 s"),
            "in 9.8\u{a0}µs, 3.2\u{a0}M\u{a0}rows/s, 3\u{a0}min 20\u{a0}s"
        );
        assert_eq!(words("1,438 rows a step; `--lr 1 s`"), "1,438 rows a step; <code>--lr 1 s</code>");
    }

    #[test]
    fn an_empty_page_is_a_page() {
        let html = Page::default().to_html();
        roxmltree::Document::parse(&html.replacen("<!doctype html>", "", 1)).unwrap();
    }
}
