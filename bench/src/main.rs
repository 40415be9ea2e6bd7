//! Downslope's own side of the measurements: one thing a call, one line of JSON a measurement.
//!
//! `bench/compare.py` calls it; `bench/README.md` says what is measured.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a measurement is told to whoever called")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use downslope::loader::BatchSize;
use serde_json::{Value, json};

use downslope_bench::cases::Case;
use downslope_bench::descent::Descent;
use downslope_bench::scaling::{self, Axis};
use downslope_bench::{Result, arrays, auto, load, make, median, probes, roofs};

const HELP: &str = "\
downslope-bench make     --case CASE --data FOLDER       the arrays of a case, in FOLDER/CASE
downslope-bench train    --case CASE --data FOLDER --batch N|full [--rows N] [--lr X] [--epochs N] [--threads N]
downslope-bench make-csv --file FILE [--rows N] [--columns N]
downslope-bench csv      --file FILE                     read a table
downslope-bench scaling  [--largest ROWS]                cost over rows and over features
downslope-bench roofs    [--repetitions N]               full batches beside what the machine could do
downslope-bench probes   [--repetitions N]               what the probes of a diagnosis cost, in epochs of 32 rows a step
downslope-bench auto     --data FOLDER [--seed N]        what auto chooses, beside a grid of 8 rates and 6 batch sizes";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((task, words)) = words.split_first() else {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    };
    let done = Options::of(words).and_then(|options| match task.as_str() {
        "make" => make::files(options.text("case")?, &options.path("data")?.join(options.text("case")?)),
        "train" => train(&options),
        "make-csv" => {
            load::write(&options.path("file")?, options.number("rows", 1_000_000)?, options.number("columns", 30)?)
        }
        "csv" => csv(&options),
        "scaling" => scale(&options),
        "roofs" => hold_against_roofs(&options),
        "auto" => auto_beside_grid(&options),
        "probes" => probe(&options),
        _ => Err(format!("no task `{task}`\n\n{HELP}")),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("downslope-bench: {reason}");
            ExitCode::from(2)
        }
    }
}

/// `--name value` pairs.
struct Options(HashMap<String, String>);

impl Options {
    fn of(words: &[String]) -> Result<Self> {
        let pair = |pair: &[String]| match pair {
            [name, value] if name.starts_with("--") => Ok((name[2..].to_owned(), value.clone())),
            _ => Err(format!("cannot make sense of `{}`\n\n{HELP}", pair.join(" "))),
        };
        words.chunks(2).map(pair).collect::<Result<_>>().map(Self)
    }

    fn text(&self, name: &str) -> Result<&str> {
        self.0.get(name).map(String::as_str).ok_or_else(|| format!("--{name} is missing"))
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T> {
        let Some(text) = self.0.get(name) else { return Ok(default) };
        text.parse().map_err(|_| format!("--{name}: cannot make sense of `{text}`"))
    }
}

fn tell(value: &Value) {
    println!("{value}");
}

fn train(options: &Options) -> Result<()> {
    let name = options.text("case")?;
    let case = Case::named(name)?;
    let batch = options.text("batch")?;
    let pace = case.pace(batch)?;
    let n_rows = options.number("rows", pace.rows.unwrap_or(case.rows))?.min(case.rows);
    let folder = options.path("data")?.join(&case.data);
    let threads = options.number("threads", 1)?;
    let descent = Descent {
        model: case.model(),
        loss: case.loss,
        data: Arc::new(arrays::dataset(&folder, &case, n_rows)?),
        batch_size: batch.parse::<BatchSize>().map_err(|error| error.to_string())?,
        lr: options.number("lr", pace.lr)?,
        epochs: options.number("epochs", pace.epochs)?,
        threads,
    };
    let measured = descent.measure(&start(&case, name, &folder)?)?;
    tell(&json!({
        "peer": "downslope",
        "case": name,
        "batch": batch,
        "rows": n_rows,
        "threads": threads,
        "ns_per_row": 1e9 * median(&measured.epoch_seconds) / n_rows as f64,
        "initial_loss": measured.initial_loss,
        "loss": measured.loss,
        "epoch_seconds": measured.epoch_seconds,
    }));
    Ok(())
}

fn start(case: &Case, name: &str, folder: &Path) -> Result<Vec<f32>> {
    let n_parameters = case.model().n_parameters();
    if case.hidden.is_empty() {
        Ok(vec![0.0; n_parameters])
    } else {
        arrays::read(folder, &format!("theta-{name}"), n_parameters)
    }
}

fn csv(options: &Options) -> Result<()> {
    let measured = load::read(&options.path("file")?)?;
    tell(&json!({
        "peer": "downslope",
        "rows": measured.n_rows,
        "columns": measured.n_columns,
        "seconds": measured.seconds,
        "peak_bytes": measured.peak_bytes,
        "bytes_before": measured.bytes_before,
    }));
    Ok(())
}

fn scale(options: &Options) -> Result<()> {
    let largest = options.number("largest", usize::MAX)?;
    let names = ["1", "256", "full"];
    let batches: Vec<BatchSize> = names.iter().filter_map(|name| name.parse().ok()).collect();
    for (axis, word) in [(Axis::Rows, "rows"), (Axis::Features, "features")] {
        let mut pairs = vec![Vec::new(); batches.len()];
        for (rows, features) in scaling::sizes(axis, largest) {
            for ((pairs, name), point) in pairs.iter_mut().zip(names).zip(scaling::point(rows, features, &batches)?) {
                tell(&json!({
                    "axis": word, "batch": name, "rows": rows, "features": features, "ns_per_row": point.ns_per_row,
                }));
                pairs.push(match axis {
                    Axis::Rows => (rows as f64, point.ns_per_row * rows as f64),
                    Axis::Features => (features as f64, point.ns_per_row),
                });
            }
        }
        for (name, pairs) in names.iter().zip(&pairs) {
            tell(&json!({ "axis": word, "batch": name, "slope": scaling::slope(pairs) }));
        }
    }
    Ok(())
}

fn probe(options: &Options) -> Result<()> {
    let repetitions = options.number("repetitions", 7)?;
    println!("table            epoch, ms  λmax (passes)  row curvatures  noise of 1/16  --lr auto   (in epochs)");
    for name in probes::TABLES {
        let costs = probes::measure(name, repetitions)?;
        let [largest, rows, noise, choose] =
            [costs.largest, costs.rows, costs.noise, costs.choose].map(|seconds| seconds / costs.epoch);
        println!(
            "{name:15} {:10.3} {largest:6.2} ({:5.2}) {rows:15.2} {noise:14.2} {choose:10.2}",
            1e3 * costs.epoch,
            costs.passes,
        );
    }
    Ok(())
}

fn hold_against_roofs(options: &Options) -> Result<()> {
    let repetitions = options.number("repetitions", 5)?;
    let threads = options.number("threads", std::thread::available_parallelism().map_or(1, usize::from))?;
    let far = vec![1.0_f32; 1 << 28];
    let mut roof = HashMap::new();
    for threads in 1..=threads {
        let bytes = roofs::most_per_second(repetitions, || roofs::read(&far, threads));
        let flops = roofs::most_per_second(repetitions, || roofs::multiply_add(threads));
        roof.insert(threads, (bytes, flops));
        tell(&json!({ "roof": "machine", "threads": threads, "bytes_per_s": bytes, "flop_per_s": flops }));
    }
    drop(far);
    for name in ["L", "M", "D"] {
        let case = Case::named(name)?;
        let data = Arc::new(make::dataset(&case)?);
        let lr = case.pace("full")?.lr;
        for threads in 1..=threads {
            let descent = Descent {
                model: case.model(),
                loss: case.loss,
                data: data.clone(),
                batch_size: BatchSize::Full,
                lr,
                epochs: 2 * repetitions as u64,
                threads,
            };
            let seconds = median(&descent.measure(&vec![0.0; case.model().n_parameters()])?.epoch_seconds);
            let values = (case.rows * case.features) as f64;
            let (bytes, flops) = (4.0 * values / seconds, 4.0 * values * case.outputs as f64 / seconds);
            let (most_bytes, most_flops) = roof[&threads];
            tell(&json!({
                "roof": name, "threads": threads, "seconds": seconds, "bytes_per_s": bytes, "flop_per_s": flops,
                "share_of_bytes": bytes / most_bytes, "share_of_flops": flops / most_flops,
            }));
        }
    }
    Ok(())
}

/// A line of JSON for each task whose table is there.
fn auto_beside_grid(options: &Options) -> Result<()> {
    let folder = options.path("data")?;
    for task in &auto::TASKS {
        match auto::run(task, &folder, options.number("seed", 0)?)? {
            Some(outcome) => tell(&json!(outcome)),
            None => eprintln!("{}: its table is not in {}", task.name, folder.display()),
        }
    }
    Ok(())
}
