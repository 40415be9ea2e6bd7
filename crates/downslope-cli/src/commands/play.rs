//! How is a lesson played in the browser?

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use downslope::Result;
use downslope_view::lesson::Lesson;
use downslope_view::server::{self, Listen, Options, Server};

use crate::Outcome;
use crate::args::Serve;
use crate::console::{give, say};

/// Serves a lesson until the program ends.
pub(super) fn serve(lesson: Lesson, args: &Serve) -> Result<Outcome> {
    let answers = args.answers.clone().unwrap_or_else(|| server::default_path(&lesson.title));
    let listen = match args.host {
        None => Listen::Loopback,
        Some(address) => Listen::Everyone { address, token: token() },
    };
    if !server::is_built() {
        say("note: this build has no page: build it again where Node 20.19 or newer and npm are installed");
    }
    let server = Server::bind(Options { lesson, answers: answers.clone(), listen, port: args.port })?;
    let url = server.url();
    // The address is what a program that starts this one waits for.
    give(format!("{url}\n"))?;
    say(format!("answers are kept in {}; Ctrl-C ends", answers.display()));
    if args.open || !args.no_open && std::io::stdout().is_terminal() {
        open(&url);
    }
    server.serve()?;
    Ok(Outcome::Done)
}

/// A word that nobody guesses: what the system draws at random for every new hash map, in several helpings.
fn token() -> String {
    use std::hash::{BuildHasher, RandomState};
    let [a, b, c] = [0_u8, 1, 2].map(|part| RandomState::new().hash_one(part));
    format!("{a:016x}{b:016x}{c:016x}")
}

/// Asks the system to show a page. If it cannot, the address stands in the terminal.
fn open(url: &str) {
    let (program, arguments): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("cmd", &["/C", "start", ""])
    } else {
        ("xdg-open", &[])
    };
    let quiet = || Stdio::null();
    let _ = Command::new(program).args(arguments).arg(url).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
}
