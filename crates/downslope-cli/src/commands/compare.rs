//! `downslope compare`: what does the batch size cost, and what does it give? Or as a map: at which rates?

use std::path::Path;

use downslope::advise;
use downslope::checkpoint::write_whole;
use downslope::compare::{Comparison, compare};
use downslope::diagnosis::Finding;
use downslope::error::Problem;
use downslope::loader::BatchSize;
use downslope::map::{self, Grid, LearningRateMap, MapOptions};
use downslope::run::{BatchSetting, Experiment};
use downslope::stop::StopReason;
use downslope::{Error, ErrorKind, Place, Result, Table};
use downslope_view::learning_rate::race_words;
use downslope_view::{compare_report, map_report};
use serde::Serialize;

use super::form::{Form, check_reports};
use super::{check_deny, introduce, is_allowed};
use crate::args::Compare;
use crate::console::{canvas, give, give_json, say};
use crate::progress::{MapProgress, Progress};
use crate::{Outcome, interrupt};

pub(crate) fn run(args: &Compare) -> Result<Outcome> {
    check_reports(&args.report)?;
    if let Some(out) = &args.out
        && std::fs::symlink_metadata(out).is_ok()
    {
        return Err(Error::from(ErrorKind::RunExists).at(Place::source(out.to_string_lossy())));
    }
    let settings = args.fit.settings();
    settings.check()?;
    if args.map {
        map::check(&settings)?;
        if let Some(slug) = args.judge.deny.first() {
            let problem = Problem::new("deny", "none for a map, which has no findings", slug);
            return Err(ErrorKind::Settings(vec![problem]).into());
        }
    }
    check_deny(&args.judge)?;
    if !args.voice.quiet {
        let what = if args.map { "learning rate and batch size" } else { "batch size" };
        say(format!("downslope {} · gradient descent by {what} on {}", env!("CARGO_PKG_VERSION"), args.data));
    }
    let experiment = Experiment::prepare(&Table::read(&args.data, &settings.read_options())?, &settings)?;
    let batch_sizes = sizes(&experiment, args)?;
    if !args.voice.quiet {
        introduce(&experiment, &args.data, &batch_sizes);
    }
    let found =
        if args.map { mapped(args, &experiment, batch_sizes)? } else { compared(args, &experiment, &batch_sizes)? };

    for path in &args.report {
        write(&found, path)?;
        if !args.voice.quiet {
            say(format!("wrote {}", path.display()));
        }
    }
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).map_err(|error| Error::io("create", out, error))?;
        write(&found, &out.join(found.file_name()))?;
        write(&found, &out.join("report.html"))?;
    }
    if args.voice.json {
        give_json(&found)?;
    } else if !args.voice.quiet {
        give(found.to_text())?;
    }
    if found.is_interrupted() && !args.voice.quiet {
        say(match found {
            Found::Comparison(_) => "interrupted: the methods did not do all their epochs",
            Found::Map(_) => "interrupted: the map is not whole",
        });
    }
    let allowed = is_allowed(found.findings(), &args.judge, &args.voice);
    Ok(if found.succeeded() && allowed { Outcome::Done } else { Outcome::NotAsAsked })
}

/// The batch sizes asked for, with the winner of a race for `auto`; else the three methods, or those a map chooses.
fn sizes(experiment: &Experiment, args: &Compare) -> Result<Vec<BatchSize>> {
    if args.batch_sizes.is_empty() && !args.map {
        return ["full", "32", "1"].into_iter().map(str::parse).collect();
    }
    let mut sizes = Vec::new();
    for setting in &args.batch_sizes {
        sizes.push(match setting {
            BatchSetting::Fixed(batch_size) => *batch_size,
            BatchSetting::Auto => {
                let plan = advise::choose(experiment)?;
                if let (Some(race), false) = (&plan.race, args.voice.quiet) {
                    say(race_words(race, plan.batch_size.of(experiment.summary().n_train)));
                }
                plan.batch_size
            }
        });
    }
    Ok(sizes)
}

fn compared(args: &Compare, experiment: &Experiment, batch_sizes: &[BatchSize]) -> Result<Found> {
    let mut progress = Progress::new(experiment.summary().n_train, args.voice.quiet);
    compare(experiment, batch_sizes, &mut [&mut progress, &mut interrupt::observer()]).map(Found::Comparison)
}

fn mapped(args: &Compare, experiment: &Experiment, batch_sizes: Vec<BatchSize>) -> Result<Found> {
    let grid = Grid::new(experiment, &MapOptions { batch_sizes, epochs: args.fit.epochs })?;
    let mut progress = MapProgress::new(grid.n_runs(), args.voice.quiet);
    grid.map(experiment, &mut [&mut progress, &mut interrupt::observer()]).map(Found::Map)
}

/// What was found, and the ways to show it.
#[derive(Serialize)]
#[serde(untagged)]
enum Found {
    Comparison(Comparison),
    Map(LearningRateMap),
}

impl Found {
    fn file_name(&self) -> &'static str {
        match self {
            Self::Comparison(_) => "comparison.json",
            Self::Map(_) => "map.json",
        }
    }

    fn to_text(&self) -> String {
        match self {
            Self::Comparison(comparison) => compare_report::to_text(comparison, canvas()),
            Self::Map(map) => map_report::to_text(map, canvas()),
        }
    }

    fn written(&self, form: Form) -> Result<Vec<u8>> {
        Ok(match (self, form) {
            (Self::Comparison(comparison), Form::Html) => compare_report::to_page(comparison).to_html().into_bytes(),
            (Self::Map(map), Form::Html) => map_report::to_page(map).to_html().into_bytes(),
            (Self::Comparison(comparison), Form::Svg) => compare_report::to_svg(comparison).into_bytes(),
            (Self::Map(map), Form::Svg) => map_report::to_svg(map).into_bytes(),
            (Self::Comparison(comparison), Form::Png) => compare_report::to_png(comparison)?,
            (Self::Map(map), Form::Png) => map_report::to_png(map)?,
            (Self::Comparison(comparison), Form::Csv) => compare_report::to_csv(comparison).into_bytes(),
            (Self::Map(map), Form::Csv) => map_report::to_csv(map).into_bytes(),
            (_, Form::Json) => {
                serde_json::to_vec_pretty(self).map_err(|error| Error::malformed("JSON value", error))?
            }
        })
    }

    /// What is worth saying of it; a map has its border instead.
    fn findings(&self) -> Vec<&Finding> {
        match self {
            Self::Comparison(comparison) => comparison.methods.iter().flat_map(|method| &method.findings).collect(),
            Self::Map(_) => Vec::new(),
        }
    }

    fn is_interrupted(&self) -> bool {
        match self {
            Self::Comparison(comparison) => {
                comparison.methods.iter().any(|method| method.reason == StopReason::Interrupted)
            }
            Self::Map(map) => !map.is_whole(),
        }
    }

    fn succeeded(&self) -> bool {
        match self {
            Self::Comparison(comparison) => comparison.succeeded(),
            Self::Map(map) => map.is_whole(),
        }
    }
}

fn write(found: &Found, path: &Path) -> Result<()> {
    write_whole(path, &found.written(Form::of(path)?)?)
}
