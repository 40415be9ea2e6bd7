//! Does the page of the lesson hold together, and can it be played?
//!
//! `web` checks its types; `browser` plays the lesson in the system's own Chromium. Node's packages are installed as the
//! lock file has them; Chromium comes from Debian where this runs as root.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::place::Place;
use crate::steps::{Outcome, Step, succeed, succeeded};

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
const CHROMIUMS: [&str; 4] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"];
/// The largest that the page may be, in bytes as gzip packs it.
const MOST_BYTES: usize = 200_000;

pub(crate) fn steps() -> Vec<Step> {
    vec![Step { name: "web", run: check }, Step { name: "browser", run: play }]
}

fn web(place: &Place) -> PathBuf {
    place.root.join("crates/downslope-view/web")
}

/// Node's packages, or why there are none.
fn install(place: &Place) -> Result<(), Outcome> {
    let version = place.command("node").arg("--version").stdin(Stdio::null()).output();
    let version = version.map_err(|error| Outcome::Skipped(format!("node cannot be started ({error})")))?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let major: u32 = version.trim_start_matches('v').split('.').next().unwrap_or("").parse().unwrap_or(0);
    if major < 20 {
        return Err(Outcome::Skipped(format!("the page needs Node 20.19 or newer, and this is {version}")));
    }
    let web = web(place);
    let changed = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let installed = changed(&web.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= changed(&web.join("package-lock.json")) {
        return Ok(());
    }
    let mut command = place.command(NPM);
    command.args(["ci", "--no-audit", "--no-fund"]).current_dir(&web);
    succeeded(&mut command).map_err(Outcome::Failed)
}

fn check(place: &Place) -> Outcome {
    if let Err(outcome) = install(place) {
        return outcome;
    }
    succeed(place.command(NPM).args(["run", "--silent", "check"]).current_dir(web(place)))
}

fn play(place: &Place) -> Outcome {
    if let Err(outcome) = install(place) {
        return outcome;
    }
    let chromium = match chromium(place) {
        Ok(chromium) => chromium,
        Err(outcome) => return outcome,
    };
    if let Err(reason) = succeeded(place.command("cargo").args(["build", "--workspace", "--exclude", "xtask"])) {
        return Outcome::Failed(reason);
    }
    if let Err(reason) = is_small(&web(place).join("dist/assets")) {
        return Outcome::Failed(reason);
    }
    let downslope = place.programs.join(format!("downslope{}", std::env::consts::EXE_SUFFIX));
    let mut command = place.command(NPM);
    command.args(["test", "--silent"]).current_dir(web(place));
    succeed(command.env("DOWNSLOPE", downslope).env("CHROMIUM", chromium))
}

/// A browser that is there, or could be installed.
fn chromium(place: &Place) -> Result<PathBuf, Outcome> {
    let own = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let find = || own.iter().cloned().chain(CHROMIUMS.map(PathBuf::from)).find(|path| path.exists());
    if let Some(found) = find() {
        return Ok(found);
    }
    let is_root = place.command("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"));
    if is_root && Path::new("/usr/bin/apt-get").exists() {
        let apt =
            |words: &[&str]| succeeded(place.command("apt-get").args(words).env("DEBIAN_FRONTEND", "noninteractive"));
        apt(&["update", "-qq"])
            .and_then(|()| apt(&["install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"]))
            .map_err(Outcome::Failed)?;
    }
    find().ok_or_else(|| Outcome::Skipped("there is no Chromium: install it, or name it in CHROMIUM".to_owned()))
}

/// Whether the page is small enough, as node's own gzip has it.
fn is_small(assets: &Path) -> Result<(), String> {
    let script = "const fs=require('fs'),z=require('zlib');let n=0;for(const f of fs.readdirSync('.'))n+=z.gzipSync(fs.readFileSync(f)).length;console.log(n)";
    let output = std::process::Command::new("node").args(["-e", script]).current_dir(assets).output();
    let output = output.map_err(|error| format!("node cannot be started: {error}"))?;
    let bytes: usize = String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| {
        format!("the size of {} cannot be told: {}", assets.display(), String::from_utf8_lossy(&output.stderr))
    })?;
    if bytes > MOST_BYTES {
        return Err(format!("the page is {bytes} bytes as gzip packs it, more than {MOST_BYTES}"));
    }
    Ok(())
}
