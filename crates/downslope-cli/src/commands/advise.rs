//! `downslope advise`: learning rate and batch size for these data, with the evidence.

use downslope::advise::advise;
use downslope::run::Experiment;
use downslope::{Result, Table};

use super::introduce;
use crate::Outcome;
use crate::args::Advise;
use crate::console::{give_json, say};

pub(crate) fn run(args: &Advise) -> Result<Outcome> {
    let settings = args.fit.settings();
    settings.check()?;
    let experiment = Experiment::prepare(&Table::read(&args.data, &settings.read_options())?, &settings)?;
    if !args.voice.quiet {
        introduce(&experiment, &args.data, &[]);
        say("measuring …");
    }
    let advice = advise(&experiment)?;
    if args.voice.json {
        give_json(&advice)?;
    }
    Ok(Outcome::Done)
}
