//! How does a chore get a Python of its own?

use std::path::PathBuf;
use std::process::Stdio;

use crate::place::Place;
use crate::steps::succeeded;

/// Why there is no virtual environment.
pub(crate) enum Lack {
    /// This machine has no Python that can make one.
    Python(String),
    /// It has, and making or filling it failed.
    Failure(String),
}

/// The Python of the virtual environment `name` under the target folder, with the requirements installed.
///
/// Made once: as long as the requirements stay the same, neither `venv` nor `pip` runs again.
pub(crate) fn environment(place: &Place, name: &str, requirements: &[&str]) -> Result<PathBuf, Lack> {
    let folder = place.target.join(name);
    let python = if cfg!(windows) { folder.join("Scripts/python.exe") } else { folder.join("bin/python") };
    let filled = folder.join("requirements.txt");
    let wanted = requirements.join("\n");
    if python.exists() && std::fs::read_to_string(&filled).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    can_make_one(place).map_err(Lack::Python)?;
    succeeded(place.command("python3").args(["-m", "venv", "--clear"]).arg(&folder)).map_err(Lack::Failure)?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    succeeded(place.command(&python).args(pip).args(requirements)).map_err(Lack::Failure)?;
    std::fs::write(&filled, wanted)
        .map_err(|error| Lack::Failure(format!("cannot write {}: {error}", filled.display())))?;
    Ok(python)
}

fn can_make_one(place: &Place) -> Result<(), String> {
    let mut probe = place.command("python3");
    probe.args(["-c", "import ensurepip, venv"]).stdin(Stdio::null());
    match probe.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr);
            let last = words.lines().last().unwrap_or("no reason given");
            Err(format!("python3 cannot make a virtual environment ({last}); on Debian, install python3-venv"))
        }
        Err(error) => Err(format!("python3 cannot be started ({error})")),
    }
}
