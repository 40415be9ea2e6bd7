//! What can the terminal show, and where do words go?
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the one place that prints")]

use std::io::{IsTerminal, Write};

use downslope::{Error, ErrorKind, Result};
use downslope_view::terminal::{Canvas, Colour, Glyphs, wrapped};

use crate::hint::hint;

/// The room and the means of standard output.
pub(crate) fn canvas() -> Canvas {
    let is_terminal = std::io::stdout().is_terminal();
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let size = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let width = columns.or(size.filter(|_| is_terminal)).unwrap_or(80).clamp(20, 100);
    Canvas { width, glyphs: glyphs(), colour: colour(is_terminal), ..Canvas::default() }
}

fn colour(is_terminal: bool) -> Colour {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if is_terminal && !refused && !dumb { Colour::Always } else { Colour::Never }
}

/// ASCII only where the locale says so: a locale that is not set at all says nothing.
fn glyphs() -> Glyphs {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    match locale {
        Some(locale)
            if !locale.to_lowercase().replace('-', "").contains("utf8") && locale != "C" && locale != "POSIX" =>
        {
            Glyphs::Ascii
        }
        _ => Glyphs::Unicode,
    }
}

/// Says something to the person, on standard error; what goes elsewhere than to a terminal stays on one line.
pub(crate) fn say(words: impl AsRef<str>) {
    let width = terminal_size::terminal_size_of(std::io::stderr()).map_or(usize::MAX, |(width, _)| width.0.into());
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{}", wrapped(words.as_ref(), width));
}

/// Gives out data, on standard output.
pub(crate) fn give(data: impl AsRef<[u8]>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let refused = |error| Error::io("write", std::path::Path::new("standard output"), error);
    out.write_all(data.as_ref()).and_then(|()| out.flush()).map_err(refused)
}

/// Gives out data that are written one after the other.
pub(crate) fn give_through(write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>) -> Result<()> {
    let name = std::path::Path::new("standard output");
    let mut out = std::io::BufWriter::new(std::io::stdout());
    write(&mut out).map_err(|error| error.at_path(name))?;
    out.flush().map_err(|error| Error::io("write", name, error))
}

/// Gives out one JSON object.
pub(crate) fn give_json(value: &impl serde::Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Error::malformed("JSON value", error))?;
    text.push('\n');
    give(text)
}

/// Whether nobody reads any more, as in `downslope … | head`.
pub(crate) fn is_broken_pipe(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Tells an error of a command and what may help.
pub(crate) fn complain(error: &Error, command: &str) {
    say(format!("error: {error}"));
    if let Some(hint) = hint(error, command) {
        say(format!("hint: {hint}"));
    }
}
