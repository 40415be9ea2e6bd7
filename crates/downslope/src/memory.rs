//! How much memory is there, and how much was used?
//!
//! Asked of Linux, which tells both in files; elsewhere nothing is known, and nothing is claimed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Problem};

/// A number of bytes, written as `1GiB`, `500MB` or `4096`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bytes(pub u64);

const UNITS: [(&str, u64); 13] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1000),
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
    ("B", 1),
];

impl FromStr for Bytes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let trimmed = text.trim();
        let unit = UNITS.iter().find(|(unit, _)| {
            let start = trimmed.len().saturating_sub(unit.len());
            trimmed.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(unit))
        });
        let (number, unit) =
            unit.map_or((trimmed, 1), |(unit, bytes)| (&trimmed[..trimmed.len() - unit.len()], *bytes));
        let bytes = number.trim().parse::<f64>().ok().map(|number| number * unit as f64);
        match bytes.filter(|&bytes| bytes >= 1.0 && bytes < u64::MAX as f64) {
            Some(bytes) => Ok(Self(bytes as u64)),
            None => {
                Err(ErrorKind::Settings(vec![Problem::new("memory", "a size such as `1GiB` or `500MB`", text)]).into())
            }
        }
    }
}

impl fmt::Display for Bytes {
    /// In the largest unit that leaves no remainder.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().take(4).find(|(_, unit)| self.0 > 0 && self.0.is_multiple_of(*unit)) {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl TryFrom<String> for Bytes {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        bytes.to_string()
    }
}

/// What programs may still take: of the machine, or of the group of processes this one is limited with.
pub fn available() -> Option<Bytes> {
    let of_machine = field("/proc/meminfo", "MemAvailable:");
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let of_group = number("/sys/fs/cgroup/memory.max")
        .map(|most| most.saturating_sub(number("/sys/fs/cgroup/memory.current").unwrap_or(0)));
    of_machine.into_iter().chain(of_group).min().map(Bytes)
}

/// The most memory that this process ever had resident.
pub fn peak_resident() -> Option<Bytes> {
    field("/proc/self/status", "VmHWM:").map(Bytes)
}

/// The bytes of a line such as `VmHWM:     1234 kB`.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, bytes) in [
            ("1GiB", 1 << 30),
            ("1.5 gib", 3 << 29),
            ("500MB", 500_000_000),
            ("2g", 2 << 30),
            ("4096", 4096),
            ("1 KiB", 1024),
        ] {
            assert_eq!(text.parse::<Bytes>().unwrap(), Bytes(bytes), "{text}");
            assert_eq!(Bytes(bytes).to_string().parse::<Bytes>().unwrap(), Bytes(bytes));
        }
        assert_eq!(Bytes(3 << 29).to_string(), "1536MiB");
        for wrong in ["", "GiB", "-1GiB", "0", "many", "1e30", "é"] {
            assert!(wrong.parse::<Bytes>().is_err(), "{wrong}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells_what_there_is() {
        assert!(available().unwrap() > Bytes(1 << 20) && peak_resident().unwrap() > Bytes(1 << 20));
    }
}
