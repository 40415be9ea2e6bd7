//! Writes one of each figure, table and page into a directory, to be looked at: `cargo run --example gallery -- DIR`.

use std::path::PathBuf;
use std::{env, fs, io};

use downslope_view::axis::{Axis, Format};
use downslope_view::figure::{Bar, BarChart, LineChart, Mark, Series};
use downslope_view::page::{Block, Fact, Note, Page, Section, Tone};
use downslope_view::svg::Theme;
use downslope_view::table::{Column, Table};
use downslope_view::terminal::{Canvas, Colour, Glyphs};

/// A descent that looks like one: falls towards a floor, with noise that a fixed recurrence makes.
fn descent(n: u32, every: f64, speed: f64, floor: f64, noise: f64) -> Vec<(f64, f64)> {
    let mut state = 12_345_u64;
    let mut wander = 0.0;
    (0..=n)
        .map(|t| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let uniform = (state >> 33) as f64 / f64::from(1_u32 << 31) - 0.5;
            wander = 0.6 * wander + uniform;
            let t = f64::from(t);
            let smooth = floor + (0.69 - floor) * (-speed * t).exp();
            (t * every, smooth * (noise * wander).exp())
        })
        .collect()
}

fn steps() -> LineChart {
    let mut series = vec![
        Series::new("batch", descent(300, 1.0, 0.012, 0.05, 0.0)),
        Series::new("mini-batch (32)", descent(300, 1.0, 0.016, 0.045, 0.12)),
        Series::new("stochastic", descent(300, 1.0, 0.02, 0.06, 0.9)),
    ];
    for s in &mut series {
        s.points.remove(0);
    }
    LineChart {
        title: "Every step counts the same: smooth steps waste the least".to_owned(),
        description: "Training loss against steps: batch falls smoothly, mini-batch trembles, stochastic jumps about."
            .to_owned(),
        x: Axis::new("steps").log10(),
        y: Axis::new("training loss").log10(),
        series,
        marks: vec![Mark::Vertical { x: 30.0, label: "one epoch of mini-batch".to_owned() }],
    }
}

fn seconds() -> LineChart {
    LineChart {
        title: "Small batches get there first: after a tenth of a second mini-batch has a third of the loss of batch"
            .to_owned(),
        description: "Training loss against seconds.".to_owned(),
        x: Axis::new("time").format(Format::Seconds),
        y: Axis::new("training loss"),
        series: vec![
            Series::new("batch", descent(40, 0.004, 0.02, 0.05, 0.0)),
            Series::new("mini-batch (32)", descent(400, 0.000_4, 0.012, 0.045, 0.1)),
            Series::new("stochastic", descent(4_000, 0.000_025, 0.002, 0.08, 0.4)),
        ],
        marks: vec![Mark::Horizontal { y: 0.1, label: "target".to_owned() }],
    }
}

fn epochs() -> LineChart {
    LineChart {
        title: "Every pass over the data counts the same".to_owned(),
        description: "Training loss against epochs.".to_owned(),
        x: Axis::new("epochs"),
        y: Axis::new("training loss"),
        series: vec![
            Series::new("batch", descent(20, 1.0, 0.04, 0.05, 0.0)),
            Series::new("mini-batch (32)", descent(20, 1.0, 0.5, 0.046, 0.01)),
            Series::new("stochastic", descent(20, 1.0, 0.8, 0.05, 0.1)),
        ],
        marks: Vec::new(),
    }
}

fn diverging() -> LineChart {
    let away = (0..60).map(|t| (f64::from(t), 0.69 * 1.35_f64.powi(t) * if t % 2 == 0 { 1.0 } else { 0.8 })).collect();
    LineChart {
        title: "A learning rate of 4.1 leaps out of the valley".to_owned(),
        description: "Training loss against steps for three learning rates; the largest diverges.".to_owned(),
        x: Axis::new("steps"),
        y: Axis::new("training loss"),
        series: vec![
            Series::new("rate 0.1", descent(60, 1.0, 0.02, 0.05, 0.0)),
            Series::new("rate 1", descent(60, 1.0, 0.09, 0.05, 0.0)),
            Series::new("rate 4.1", away),
        ],
        marks: Vec::new(),
    }
}

fn times() -> BarChart {
    let bar = |name: &str, value| Bar { name: name.to_owned(), value };
    BarChart {
        title: "A step costs what its rows cost".to_owned(),
        description: "Time per step: batch 4.1 ms, mini-batch 9.8 µs, stochastic 310 ns.".to_owned(),
        axis: Axis::new("time per step").log10().format(Format::Seconds),
        bars: vec![bar("batch", 4.1e-3), bar("mini-batch (32)", 9.8e-6), bar("stochastic", 3.1e-7)],
    }
}

fn scores() -> BarChart {
    let bar = |name: &str, value| Bar { name: name.to_owned(), value };
    BarChart {
        title: "Accuracy on rows not trained on".to_owned(),
        axis: Axis::new("accuracy").format(Format::Percent),
        bars: vec![
            bar("batch", 0.912),
            bar("mini-batch (32)", 0.974),
            bar("stochastic", 0.953),
            bar("diverged", f64::NAN),
        ],
        ..BarChart::default()
    }
}

fn page() -> Page {
    let row = |fields: [&str; 6]| fields.map(str::to_owned).to_vec();
    let table = Table {
        caption: "The three methods on the same 1,438 training rows, each for 0.16 s".to_owned(),
        columns: vec![
            Column::text("method"),
            Column::number("batch size"),
            Column::number("time per step"),
            Column::number("rows per second"),
            Column::number("final loss"),
            Column::number("validation accuracy"),
        ],
        rows: vec![
            row(["batch", "1,438", "4.1 ms", "351 k rows/s", "0.337", "91.2%"]),
            row(["mini-batch", "32", "9.8 µs", "3.27 M rows/s", "0.0462", "97.4%"]),
            row(["stochastic", "1", "310 ns", "3.23 M rows/s", "0.0812", "95.3%"]),
        ],
    };
    let fact = |label: &str, value: &str| Fact { label: label.to_owned(), value: value.to_owned() };
    let pair = |term: &str, meaning: &str| (term.to_owned(), meaning.to_owned());
    let note = |tone, title: &str, text: &str| {
        Block::Note(Note { tone, title: title.to_owned(), paragraphs: vec![text.to_owned()] })
    };
    Page {
        kicker: "downslope compare · @digits".to_owned(),
        title: "Mini-batches of 32 go down fastest on this data".to_owned(),
        lead:
            "After the same 0.16 seconds mini-batch descent has a loss of 0.046, batch descent still 0.34. One row at \
               a time is the quickest at first and then rattles around its floor."
                .to_owned(),
        sections: vec![
            Section {
                heading: "What was measured".to_owned(),
                blocks: vec![
                    Block::Facts(vec![
                        fact("lowest loss", "0.0462"),
                        fact("validation accuracy", "97.4%"),
                        fact("time to target", "74.2 ms"),
                        fact("steps taken", "16,350"),
                    ]),
                    Block::Table(table),
                    note(
                        Tone::Good,
                        "Mini-batch arrives first",
                        "It reaches the target loss of 0.1 after 74.2 ms; batch descent does not reach it in the time given.",
                    ),
                    note(
                        Tone::Caution,
                        "Stochastic descent stops at a noise floor",
                        "Its loss trembles around 0.08 and no longer falls. Halve the learning rate (`--lr 0.05`) or let it \
                         fall over time (`--schedule inverse-sqrt`).",
                    ),
                ],
            },
            Section {
                heading: "The same race, three clocks".to_owned(),
                blocks: vec![
                    Block::Paragraph(
                        "Which method wins depends on what is counted. A step of batch descent sees all rows and costs \
                         accordingly; a step of stochastic descent sees one."
                            .to_owned(),
                    ),
                    Block::Lines(seconds()),
                    Block::Lines(steps()),
                    Block::Lines(epochs()),
                    Block::Bars(times()),
                    Block::Bars(scores()),
                ],
            },
            Section { heading: "Too large a step".to_owned(), blocks: vec![Block::Lines(diverging())] },
            Section {
                heading: "How to see this again".to_owned(),
                blocks: vec![
                    Block::Commands(
                        "downslope compare @digits --seconds 0.16 --seed 7 --batch-sizes full,32,1".to_owned(),
                    ),
                    Block::Definitions(vec![
                        pair("data", "digits, 1,797 rows, 64 features, 10 classes"),
                        pair("model", "softmax regression, 650 parameters, from zero"),
                        pair("learning rate", "0.1, found by `--lr auto`"),
                        pair("seed", "7"),
                    ]),
                ],
            },
        ],
        footer: "downslope 0.1.0 · 23 November 2026".to_owned(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or_else(|| io::Error::other("name a directory"))?);
    fs::create_dir_all(&dir)?;
    for (name, chart) in [("steps", steps()), ("seconds", seconds()), ("epochs", epochs()), ("diverging", diverging())]
    {
        fs::write(dir.join(format!("{name}.png")), chart.to_png()?)?;
        fs::write(dir.join(format!("{name}.svg")), chart.to_svg(Theme::Light))?;
    }
    for (name, chart) in [("times", times()), ("scores", scores())] {
        fs::write(dir.join(format!("{name}.png")), chart.to_png()?)?;
    }
    fs::write(dir.join("empty.png"), LineChart { title: "Nothing yet".to_owned(), ..LineChart::default() }.to_png()?)?;
    let mut text = String::new();
    for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
        let canvas = Canvas { glyphs, colour: Colour::Always, ..Canvas::default() };
        for chart in [steps(), seconds(), epochs(), diverging()] {
            text += &(chart.to_text(canvas) + "\n");
        }
        text += &(times().to_text(canvas) + "\n" + &scores().to_text(canvas) + "\n");
    }
    fs::write(dir.join("terminal.txt"), text)?;
    fs::write(dir.join("page.html"), page().to_html())?;
    Ok(())
}
