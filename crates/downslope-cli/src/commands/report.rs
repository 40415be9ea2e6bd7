//! `downslope report`: one run or several, for people.

use std::path::PathBuf;

use downslope::checkpoint::write_whole;
use downslope::error::Problem;
use downslope::run::RunDirectory;
use downslope::{ErrorKind, Result};
use downslope_view::run_report::{self, Run};

use crate::Outcome;
use crate::args::Report;
use crate::console::say;

pub(crate) fn run(args: &Report) -> Result<Outcome> {
    let out = args.out.clone().unwrap_or_else(|| match args.runs.as_slice() {
        [run] => run.join("report.html"),
        _ => PathBuf::from("report.html"),
    });
    let write: fn(&[Run<'_>]) -> Result<Vec<u8>> = match out.extension().and_then(|extension| extension.to_str()) {
        Some("html") => |runs| Ok(run_report::to_page(runs).to_html().into_bytes()),
        Some("svg") => |runs| Ok(run_report::to_svg(runs).into_bytes()),
        Some("png") => run_report::to_png,
        Some("csv") => |runs| Ok(run_report::to_csv(runs).into_bytes()),
        _ => {
            let problem = Problem::new("out", "a file that ends in .html, .svg, .png or .csv", out.display());
            return Err(ErrorKind::Settings(vec![problem]).into());
        }
    };
    let mut read = Vec::new();
    for path in &args.runs {
        let directory = RunDirectory::open(path)?;
        read.push((path.display().to_string(), directory.record()?, directory.events()?));
    }
    let runs: Vec<Run<'_>> = read.iter().map(|(name, record, events)| Run { name, record, events }).collect();
    write_whole(&out, &write(&runs)?)?;
    if !args.quiet {
        say(format!("wrote {}", out.display()));
    }
    Ok(Outcome::Done)
}
