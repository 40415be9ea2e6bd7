//! How long does a table take from a file to numbers, and how much memory?

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use downslope::data::{EncodeOptions, Preprocessing, ReadOptions, Scale, Table, Target, TaskKind};
use downslope::random::{Purpose, Stream};

use crate::Result;

/// What reading took.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Rows of the table.
    pub n_rows: usize,
    /// Columns of the table, the target among them.
    pub n_columns: usize,
    /// Seconds from the path to a data set of `f32`.
    pub seconds: f64,
    /// The most memory the process has held, where the system tells.
    pub peak_bytes: Option<u64>,
    /// The same before it read.
    pub bytes_before: Option<u64>,
}

/// Writes a table of standard normal numbers, six digits behind the point, under a header.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, n_rows: usize, n_columns: usize) -> Result<()> {
    let mut draw = Stream::new(6, Purpose::Generate, 1);
    let mut write = || -> std::io::Result<()> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let names: Vec<String> = (0..n_columns).map(|column| format!("x{column}")).collect();
        writeln!(file, "{}", names.join(","))?;
        for _ in 0..n_rows {
            for column in 0..n_columns {
                let separator = if column + 1 == n_columns { '\n' } else { ',' };
                write!(file, "{:.6}{separator}", draw.normal())?;
            }
        }
        file.flush()
    };
    write().map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads a table and makes a data set of it, as it stands, its last column the target, on as many threads as there are.
///
/// # Errors
/// What the engine refuses.
pub fn read(path: &Path) -> Result<Measured> {
    let path = path.to_str().ok_or("the path is not UTF-8")?;
    let bytes_before = peak_bytes();
    let start = Instant::now();
    let read = || -> downslope::Result<(usize, usize)> {
        let table = Table::read(path, &ReadOptions::default())?;
        let target = table.columns().last().map(|column| column.name.clone());
        let (target, _) = Target::choose(&table, target.as_deref(), Some(TaskKind::Regression))?;
        let options = EncodeOptions { scale: Scale::None, ..EncodeOptions::default() };
        let rows = table.rows();
        let (preprocessing, _) = Preprocessing::learn(&table, &target, &rows, &options)?;
        let (dataset, _) = preprocessing.dataset(&table, &rows)?;
        Ok((dataset.n_rows(), dataset.n_features() + 1))
    };
    let threads = rayon::ThreadPoolBuilder::new().build().map_err(|error| error.to_string())?;
    let (n_rows, n_columns) = threads.install(read).map_err(|error| error.to_string())?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Measured { n_rows, n_columns, seconds, peak_bytes: peak_bytes(), bytes_before })
}

/// The most memory this process has held so far, where the system tells (Linux).
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| 1024 * kilobytes)
}
