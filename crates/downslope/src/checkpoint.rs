//! How does a run outlive its process?
//!
//! A [`State`] as one file in the safetensors format: written whole or not at all, read back to the same bits. Numbers
//! are tensors, so that not even an infinity or a NaN is lost on the way.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::{Error, Result};
use crate::objective::LossSum;
use crate::state::State;

/// The form of the file; another number is refused.
const VERSION: &str = "4";

/// A state, and how far the files beside it had got when it was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The state.
    pub state: State,
    /// The length of the run's `metrics.jsonl` at that moment.
    pub metrics_bytes: u64,
}

impl Checkpoint {
    /// Writes the file, or leaves the old one as it was.
    ///
    /// # Errors
    /// The operating system's refusal, with the path.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.write_to_outlive(Outlives::PowerLoss, path)
    }

    pub(crate) fn write_to_outlive(&self, outlives: Outlives, path: &Path) -> Result<()> {
        let state = &self.state;
        let counts = [
            state.step,
            state.epoch,
            state.batch as u64,
            state.running.n_rows,
            state.training_time.as_nanos() as u64,
            self.metrics_bytes,
            state.back_offs.into(),
            state.last_good_epoch,
        ];
        let tensors = [
            ("theta", Dtype::F32, bytes_of(&state.theta, f32::to_le_bytes)),
            ("velocity", Dtype::F32, bytes_of(&state.velocity, f32::to_le_bytes)),
            ("ahead", Dtype::F32, bytes_of(&state.ahead, f32::to_le_bytes)),
            ("best_theta", Dtype::F32, bytes_of(&state.best_theta, f32::to_le_bytes)),
            ("last_good", Dtype::F32, bytes_of(&state.last_good, f32::to_le_bytes)),
            ("train_losses", Dtype::F64, bytes_of(&state.train_losses, f64::to_le_bytes)),
            ("validation_losses", Dtype::F64, bytes_of(&state.validation_losses, f64::to_le_bytes)),
            (
                "running_and_initial_losses",
                Dtype::F64,
                bytes_of(&[state.running.sum, state.initial_loss, state.initial_penalty], f64::to_le_bytes),
            ),
            ("counts", Dtype::U64, bytes_of(&counts, u64::to_le_bytes)),
        ];
        let views = tensors.iter().map(|(name, dtype, bytes)| {
            let length = bytes.len() / (dtype.bitsize() / 8);
            TensorView::new(*dtype, vec![length], bytes).map(|view| (*name, view))
        });
        let views = views.collect::<std::result::Result<Vec<_>, _>>();
        let about = HashMap::from([("downslope_checkpoint".to_owned(), VERSION.to_owned())]);
        let bytes = views
            .and_then(|views| safetensors::serialize(views, Some(about)))
            .map_err(|error| Error::malformed("checkpoint", error))?;
        replace(path, &bytes, outlives)
    }

    /// Reads the file back.
    ///
    /// # Errors
    /// A file that is missing, cut short, or no checkpoint of this version.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, error))?;
        let parse = || -> std::result::Result<Self, String> {
            let (_, about) = SafeTensors::read_metadata(&bytes).map_err(|error| error.to_string())?;
            let version = about.metadata().as_ref().and_then(|about| about.get("downslope_checkpoint"));
            if version.map(String::as_str) != Some(VERSION) {
                return Err(format!("version {VERSION} is known, the file has {version:?}"));
            }
            let tensors = SafeTensors::deserialize(&bytes).map_err(|error| error.to_string())?;
            let data = |name| tensors.tensor(name).map(|tensor| tensor.data()).map_err(|error| error.to_string());
            let counts = values_of(data("counts")?, u64::from_le_bytes);
            let losses = values_of(data("running_and_initial_losses")?, f64::from_le_bytes);
            let (
                &[step, epoch, batch, n_rows, nanoseconds, metrics_bytes, back_offs, last_good_epoch],
                &[sum, initial_loss, initial_penalty],
            ) = (counts.as_slice(), losses.as_slice())
            else {
                return Err("a list of another length".to_owned());
            };
            let state = State {
                theta: values_of(data("theta")?, f32::from_le_bytes),
                velocity: values_of(data("velocity")?, f32::from_le_bytes),
                ahead: values_of(data("ahead")?, f32::from_le_bytes),
                best_theta: values_of(data("best_theta")?, f32::from_le_bytes),
                last_good: values_of(data("last_good")?, f32::from_le_bytes),
                last_good_epoch,
                back_offs: back_offs as u32,
                train_losses: values_of(data("train_losses")?, f64::from_le_bytes),
                validation_losses: values_of(data("validation_losses")?, f64::from_le_bytes),
                step,
                epoch,
                batch: batch as usize,
                running: LossSum { sum, n_rows },
                initial_loss,
                initial_penalty,
                training_time: Duration::from_nanos(nanoseconds),
            };
            Ok(Self { state, metrics_bytes })
        };
        parse().map_err(|detail| Error::malformed("checkpoint", detail).in_source(&path.to_string_lossy()))
    }
}

/// Writes a file beside its place and moves it there: whoever looks sees the old one or the new one, never half of one.
/// A device or a pipe is no file that could be replaced: it is written to as it is.
///
/// # Errors
/// The operating system's refusal, with the path; the old file is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes, Outlives::PowerLoss)
}

/// What a file that was just written outlives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlives {
    /// The end of this process, however sudden. Costs next to nothing.
    Process,
    /// The end of the machine too. Waits for the disk, some milliseconds.
    PowerLoss,
}

pub(crate) fn replace(path: &Path, bytes: &[u8], outlives: Outlives) -> Result<()> {
    replace_through(path, outlives, |out| out.write_all(bytes).map_err(Error::not_written))
}

/// The same as [`write_whole`], of bytes that are written one after the other and never all in memory.
///
/// # Errors
/// The operating system's refusal, with the path, and those of `write`; the old file is then as it was.
pub fn write_through(path: &Path, write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>) -> Result<()> {
    replace_through(path, Outlives::PowerLoss, write)
}

fn replace_through(
    path: &Path,
    outlives: Outlives,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>,
) -> Result<()> {
    let refused = |error| Error::io("write", path, error);
    let written = |mut to: &std::fs::File| write(&mut to).map_err(|error| error.at_path(path));
    let link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let followed = if link { std::fs::canonicalize(path).ok() } else { None };
    let place = followed.as_deref().unwrap_or(path);
    match std::fs::metadata(place) {
        Ok(found) if found.is_dir() => return Err(refused(std::io::ErrorKind::IsADirectory.into())),
        Ok(found) if !found.is_file() => {
            let device = std::fs::OpenOptions::new().write(true).open(place).map_err(refused)?;
            return written(&device);
        }
        _ => {}
    }
    let folder = folder_of(place).map_err(refused)?;
    let file = unfinished_file().tempfile_in(folder).map_err(without_the_name).map_err(refused)?;
    written(file.as_file())?;
    if outlives == Outlives::PowerLoss {
        file.as_file().sync_data().map_err(refused)?;
    }
    set_ordinary_permissions(file.as_file()).map_err(refused)?;
    file.persist(place).map_err(|error| refused(error.error))?;
    Ok(())
}

/// The folder a file or folder stands in; refused where there is none.
pub(crate) fn folder_of(path: &Path) -> std::io::Result<&Path> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if std::fs::metadata(folder)?.is_dir() { Ok(folder) } else { Err(std::io::ErrorKind::NotADirectory.into()) }
}

const UNFINISHED: (&str, &str) = (".downslope-", ".tmp");

/// Names that say what a file is if a kill leaves it behind.
pub(crate) fn unfinished_file() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED.0).suffix(UNFINISHED.1);
    builder
}

/// Removes from a folder that nobody else writes to what a kill left half-written.
pub(crate) fn remove_unfinished_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1) {
            // One that stays does no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// What the operating system said, without the random name of a temporary file.
pub(crate) fn without_the_name(error: std::io::Error) -> std::io::Error {
    if error.get_ref().is_some() { error.kind().into() } else { error }
}

/// Temporary files are for their owner alone; what is kept is readable as any file a program makes.
#[cfg(unix)]
fn set_ordinary_permissions(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_ordinary_permissions(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

fn bytes_of<T: Copy, const N: usize>(values: &[T], to_bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| to_bytes(value)).collect()
}

fn values_of<T, const N: usize>(bytes: &[u8], from_bytes: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&chunk| from_bytes(chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_back_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        let mut state = State::new(vec![1.5, -0.0, f32::INFINITY]);
        state.velocity = vec![0.1, 0.2, 0.3];
        (state.last_good, state.last_good_epoch, state.back_offs) = (vec![0.5, 0.25, 0.125], 1, 2);
        state.train_losses = vec![0.1 + 0.2, f64::INFINITY];
        (state.initial_loss, state.initial_penalty) = (7.0, 0.25);
        (state.step, state.epoch, state.batch) = (12, 2, 3);
        state.running = LossSum { sum: 0.3, n_rows: 9 };
        state.training_time = Duration::from_nanos(123_456_789);
        let checkpoint = Checkpoint { state, metrics_bytes: 77 };
        checkpoint.write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint);
    }

    #[test]
    fn a_checkpoint_cut_short_is_refused_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        Checkpoint { state: State::new(vec![1.0; 100]), metrics_bytes: 0 }.write(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let message = Checkpoint::read(&path).unwrap_err().to_string();
        assert!(message.contains("state.safetensors: expected a checkpoint: "), "{message}");
    }
}
