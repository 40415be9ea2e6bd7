//! `downslope advise`: learning rate and batch size for these data, with the evidence.

use std::path::Path;

use downslope::advise::{Advice, advise};
use downslope::checkpoint::write_whole;
use downslope::run::Experiment;
use downslope::{Error, Result, Table};
use downslope_view::advise_report;

use super::form::{Form, check_reports};
use super::introduce;
use crate::Outcome;
use crate::args::Advise;
use crate::console::{canvas, give, give_json, say};

pub(crate) fn run(args: &Advise) -> Result<Outcome> {
    check_reports(&args.report)?;
    let settings = args.fit.settings();
    settings.check()?;
    let experiment = Experiment::prepare(&Table::read(&args.data, &settings.read_options())?, &settings)?;
    if !args.voice.quiet {
        introduce(&experiment, &args.data, &[]);
        say("batch sizes and rates race, then limits, noise and edges are measured …");
    }
    let advice = advise(&experiment)?;
    for path in &args.report {
        write(&advice, path)?;
        if !args.voice.quiet {
            say(format!("wrote {}", path.display()));
        }
    }
    if args.voice.json {
        give_json(&advice)?;
    } else if !args.voice.quiet {
        give(advise_report::to_text(&advice, canvas()))?;
    }
    Ok(Outcome::Done)
}

fn write(advice: &Advice, path: &Path) -> Result<()> {
    let bytes = match Form::of(path)? {
        Form::Html => advise_report::to_page(advice).to_html().into_bytes(),
        Form::Svg => advise_report::to_svg(advice).into_bytes(),
        Form::Png => advise_report::to_png(advice)?,
        Form::Csv => advise_report::to_csv(advice).into_bytes(),
        Form::Json => serde_json::to_vec_pretty(advice).map_err(|error| Error::malformed("JSON value", error))?,
    };
    write_whole(path, &bytes)
}
