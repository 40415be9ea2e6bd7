//! `downslope explain`: a page on a verdict.

use downslope::diagnosis::{RULES, Rule};
use downslope::error::Problem;
use downslope::{ErrorKind, Result};

use crate::Outcome;
use crate::args::Explain;
use crate::console::give;

pub(crate) fn run(args: &Explain) -> Result<Outcome> {
    match &args.finding {
        Some(slug) => give(rule(slug, "finding")?.page)?,
        None => give(list())?,
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

/// Every finding with the words its page begins with.
fn list() -> String {
    let width = RULES.iter().map(|rule| rule.slug.len()).max().unwrap_or(0);
    let words = |rule: &Rule| {
        let title = rule.page.lines().next().unwrap_or_default();
        title.split_once(": ").map_or(String::new(), |(_, words)| words.to_owned())
    };
    RULES.iter().map(|rule| format!("{:width$}  {}\n", rule.slug, words(rule))).collect()
}
