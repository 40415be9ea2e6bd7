//! Compares the three methods and trains once on a table, prints both reports and writes them as files, to be looked
//! at: `cargo run --release --example report -- DATA DIR [WIDTH] [SETTING=VALUE …]`.

use std::path::PathBuf;
use std::{env, fs, io};

use downslope::Table;
use downslope::compare::compare;
use downslope::loader::BatchSize;
use downslope::observer::JsonLines;
use downslope::run::{Experiment, Record, Settings};
use downslope::state::State;
use downslope_view::run_report::Run;
use downslope_view::terminal::{Canvas, Colour, Glyphs};
use downslope_view::{compare_report, run_report};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let mut arguments = env::args().skip(1);
    let data = arguments.next().unwrap_or_else(|| "@digits".to_owned());
    let directory = arguments.next().map_or_else(|| PathBuf::from("report"), PathBuf::from);
    let mut canvas = Canvas { width: 80, ..Canvas::default() };
    let mut sizes = "full,32,1".to_owned();
    // Settings are given as JSON, as they stand in `run.json`.
    let mut settings = serde_json::to_value(Settings::default())?;
    for argument in arguments {
        match argument.split_once('=') {
            Some(("sizes", list)) => list.clone_into(&mut sizes),
            Some((name, value)) => settings[name] = serde_json::from_str(value)?,
            None if argument == "ascii" => canvas.glyphs = Glyphs::Ascii,
            None if argument == "colour" => canvas.colour = Colour::Always,
            None => canvas.width = argument.parse()?,
        }
    }
    let settings: Settings = serde_json::from_value(settings)?;
    let sizes: Vec<BatchSize> = sizes.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let experiment = Experiment::prepare(&Table::read(&data, &settings.read_options())?, &settings)?;
    fs::create_dir_all(&directory)?;

    let comparison = compare(&experiment, &sizes, &mut [])?;
    io::Write::write_all(&mut io::stdout(), compare_report::to_text(&comparison, canvas).as_bytes())?;
    fs::write(directory.join("compare.html"), compare_report::to_page(&comparison).to_html())?;
    fs::write(directory.join("compare.svg"), compare_report::to_svg(&comparison))?;
    fs::write(directory.join("compare.png"), compare_report::to_png(&comparison)?)?;
    fs::write(directory.join("compare.csv"), compare_report::to_csv(&comparison))?;

    let plan = experiment.plan()?;
    let begun = Record::new(&experiment, plan.clone(), 1);
    let mut lines = Vec::new();
    let mut state = State::new(experiment.start().to_vec());
    let mut observer = JsonLines::new(&mut lines, 10, 0);
    let trained = experiment.descend(&experiment.trainer_of(&plan), plan.lr_from, &mut state, &mut [&mut observer])?;
    let record = begun.clone().ended(&trained);
    let events: Vec<_> =
        lines.split(|byte| *byte == b'\n').map_while(|line| serde_json::from_slice(line).ok()).collect();
    let run = Run { name: "runs/one", record: &record, events: &events };
    io::Write::write_all(&mut io::stdout(), format!("\n{}", run_report::summary_text(&run, canvas)).as_bytes())?;
    fs::write(directory.join("run.html"), run_report::to_page(&[run]).to_html())?;
    fs::write(directory.join("run.svg"), run_report::to_svg(&[run]))?;
    fs::write(directory.join("run.png"), run_report::to_png(&[run])?)?;
    fs::write(directory.join("run.csv"), run_report::to_csv(&[run]))?;
    let killed = Run { name: "runs/killed", record: &begun, events: &events[..events.len() / 2] };
    fs::write(directory.join("killed.html"), run_report::to_page(&[killed]).to_html())?;
    fs::write(directory.join("runs.html"), run_report::to_page(&[run, killed]).to_html())?;
    Ok(())
}
