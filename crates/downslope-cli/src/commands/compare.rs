//! `downslope compare`: what does the batch size cost, and what does it give?

use std::path::Path;

use downslope::advise;
use downslope::checkpoint::write_whole;
use downslope::compare::{Comparison, compare};
use downslope::loader::BatchSize;
use downslope::run::{BatchSetting, Experiment};
use downslope::stop::StopReason;
use downslope::{Error, ErrorKind, Place, Result, Table};
use downslope_view::compare_report;
use downslope_view::learning_rate::race_words;

use super::form::{Form, check_reports};
use super::{check_deny, introduce, is_allowed};
use crate::args::{Compare, Voice};
use crate::console::{canvas, give, give_json, say};
use crate::progress::Progress;
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
    check_deny(&args.judge)?;
    if !args.voice.quiet {
        say(format!("downslope {} · gradient descent by batch size on {}", env!("CARGO_PKG_VERSION"), args.data));
    }
    let experiment = Experiment::prepare(&Table::read(&args.data, &settings.read_options())?, &settings)?;
    let batch_sizes = sizes(&experiment, &args.batch_sizes, &args.voice)?;
    if !args.voice.quiet {
        introduce(&experiment, &args.data, &batch_sizes);
    }
    let mut progress = Progress::new(experiment.summary().n_train, args.voice.quiet);
    let comparison = compare(&experiment, &batch_sizes, &mut [&mut progress, &mut interrupt::observer()])?;

    for path in &args.report {
        write(&comparison, path)?;
        if !args.voice.quiet {
            say(format!("wrote {}", path.display()));
        }
    }
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).map_err(|error| Error::io("create", out, error))?;
        write(&comparison, &out.join("comparison.json"))?;
        write(&comparison, &out.join("report.html"))?;
    }
    if args.voice.json {
        give_json(&comparison)?;
    } else if !args.voice.quiet {
        give(compare_report::to_text(&comparison, canvas()))?;
    }
    let interrupted = comparison.methods.iter().any(|method| method.reason == StopReason::Interrupted);
    if interrupted && !args.voice.quiet {
        say("interrupted: the methods did not do all their epochs");
    }
    let findings = comparison.methods.iter().flat_map(|method| &method.findings);
    let allowed = is_allowed(findings, &args.judge, &args.voice);
    Ok(if comparison.succeeded() && allowed { Outcome::Done } else { Outcome::NotAsAsked })
}

/// The batch sizes asked for, with the winner of a race for `auto`.
fn sizes(experiment: &Experiment, asked: &[BatchSetting], voice: &Voice) -> Result<Vec<BatchSize>> {
    let mut sizes = Vec::new();
    for setting in asked {
        sizes.push(match setting {
            BatchSetting::Fixed(batch_size) => *batch_size,
            BatchSetting::Auto => {
                let plan = advise::choose(experiment)?;
                if let (Some(race), false) = (&plan.race, voice.quiet) {
                    say(race_words(race, plan.batch_size.of(experiment.summary().n_train)));
                }
                plan.batch_size
            }
        });
    }
    Ok(sizes)
}

fn write(comparison: &Comparison, path: &Path) -> Result<()> {
    let bytes = match Form::of(path)? {
        Form::Html => compare_report::to_page(comparison).to_html().into_bytes(),
        Form::Svg => compare_report::to_svg(comparison).into_bytes(),
        Form::Png => compare_report::to_png(comparison)?,
        Form::Csv => compare_report::to_csv(comparison).into_bytes(),
        Form::Json => serde_json::to_vec_pretty(comparison).map_err(|error| Error::malformed("JSON value", error))?,
    };
    write_whole(path, &bytes)
}
