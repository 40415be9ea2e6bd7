//! Writes one of each figure, table and page into a directory, to be looked at: `cargo run --example gallery -- DIR`.

use std::path::PathBuf;
use std::{env, fs, io};

use downslope_view::axis::{Axis, Format};
use downslope_view::figure::{Bar, BarChart, LineChart, Mark, Series};
use downslope_view::svg::Theme;

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
        bars: vec![bar("batch", 0.912), bar("mini-batch (32)", 0.974), bar("stochastic", 0.953), bar("diverged", f64::NAN)],
        ..BarChart::default()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from(env::args_os().nth(1).ok_or_else(|| io::Error::other("name a directory"))?);
    fs::create_dir_all(&dir)?;
    for (name, chart) in [("steps", steps()), ("seconds", seconds()), ("epochs", epochs()), ("diverging", diverging())] {
        fs::write(dir.join(format!("{name}.png")), chart.to_png()?)?;
        fs::write(dir.join(format!("{name}.svg")), chart.to_svg(Theme::Light))?;
    }
    for (name, chart) in [("times", times()), ("scores", scores())] {
        fs::write(dir.join(format!("{name}.png")), chart.to_png()?)?;
    }
    fs::write(dir.join("empty.png"), LineChart { title: "Nothing yet".to_owned(), ..LineChart::default() }.to_png()?)?;
    Ok(())
}
