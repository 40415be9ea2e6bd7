//! Builds the page of the lesson with npm where it is missing or older than its sources, and puts what is built into the
//! program. Without Node the program is built all the same, with a page that says what is missing.

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::fmt::Write as _;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What the page is made from, besides everything under `src`.
const SOURCES: [&str; 6] =
    ["index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json", "svelte.config.js"];

fn main() -> Result<(), Box<dyn Error>> {
    let web = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("web");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("page_files.rs");
    println!("cargo::rerun-if-changed=build.rs");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", web.join(source).display());
    }
    println!("cargo::rerun-if-changed={}", web.join("src").display());
    println!("cargo::rerun-if-changed={}", web.join("dist/sources.txt").display());
    let dist = web.join("dist");
    if let Err(reason) = make_current(&web, &dist) {
        println!("cargo::warning=the page of the lesson is not built: {reason}");
    }
    let files = if dist.join("index.html").exists() { listed(&dist)? } else { Vec::new() };
    let mut table = "static FILES: &[(&str, &[u8])] = &[\n".to_owned();
    for file in files.iter().filter(|file| !file.ends_with("sources.txt")) {
        let name = file.strip_prefix(&dist)?.to_string_lossy().replace('\\', "/");
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", file.display().to_string())?;
    }
    table.push_str("];\n");
    // A file that is written anew is compiled anew.
    if !fs::read_to_string(&out).is_ok_and(|found| found == table) {
        fs::write(out, table)?;
    }
    Ok(())
}

/// Builds the page unless what is there was built from these very sources.
fn make_current(web: &Path, dist: &Path) -> Result<(), Box<dyn Error>> {
    let fingerprint = fingerprint(web)?;
    let mark = dist.join("sources.txt");
    if fs::read_to_string(&mark).is_ok_and(|found| found == fingerprint) {
        return Ok(());
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let installed = web.join("node_modules/.package-lock.json");
    if !installed.exists() || is_older(&installed, &web.join("package-lock.json")) {
        run(Command::new(npm).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(web))?;
    }
    run(Command::new(npm).args(["run", "--silent", "build"]).current_dir(web))?;
    fs::write(mark, fingerprint)?;
    Ok(())
}

fn is_older(a: &Path, b: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    changed(a) < changed(b)
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let words = format!("{command:?}");
    let output = command
        .output()
        .map_err(|error| format!("{words} could not be started ({error}): Node 20.19 or newer with npm builds it"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said)
        .lines()
        .rev()
        .take(6)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect::<Vec<_>>()
        .join(" | ");
    Err(format!("{words} ended with {}: {said}", output.status).into())
}

/// What the sources hold, in a number.
fn fingerprint(web: &Path) -> Result<String, Box<dyn Error>> {
    let mut hasher = DefaultHasher::new();
    let named = SOURCES.iter().map(|source| web.join(source));
    for file in named.chain(listed(&web.join("src"))?) {
        hasher.write(file.strip_prefix(web)?.to_string_lossy().as_bytes());
        hasher.write(&fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Every file below a folder, in order.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(listed(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}
