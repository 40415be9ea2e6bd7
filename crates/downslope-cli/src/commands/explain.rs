//! `downslope explain`: a page on a verdict.

use downslope::diagnosis::{RULES, Rule};
use downslope::error::Problem;
use downslope::{ErrorKind, Result};
use downslope_view::explain::{list_text, page_text};

use crate::Outcome;
use crate::args::Explain;
use crate::console::{canvas, give};

pub(crate) fn run(args: &Explain) -> Result<Outcome> {
    match &args.finding {
        Some(slug) => give(page_text(rule(slug, "finding")?, canvas()))?,
        None => give(list_text(canvas()))?,
    }
    Ok(Outcome::Done)
}

/// The rule of a name, which was asked for by a flag or an argument.
pub(crate) fn rule(slug: &str, setting: &'static str) -> Result<&'static Rule> {
    let known = || RULES.iter().map(|rule| rule.slug).collect::<Vec<_>>().join(", ");
    RULES
        .iter()
        .find(|rule| rule.slug == slug)
        .ok_or_else(|| ErrorKind::Settings(vec![Problem::new(setting, format!("one of {}", known()), slug)]).into())
}
