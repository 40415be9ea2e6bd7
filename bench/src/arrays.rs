//! How are arrays handed to every contender?
//!
//! As files of little-endian numbers without a header, named by what they hold and what they hold it in: `x.f32`,
//! `y.f32`, and for sparse rows `indices.u32`, `values.f32` (every row keeps equally many). Shapes stand in
//! `cases.json`. `numpy.fromfile` reads one in one line.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use downslope::data::{Csr, Dataset, Features, Matrix};

use crate::Result;
use crate::cases::Case;

/// Numbers that stand in files.
pub trait Number: Copy {
    /// The file's extension.
    const NAME: &'static str;
    /// The bytes of the number.
    fn bytes(self) -> [u8; 4];
    /// The number of the bytes.
    fn of(bytes: [u8; 4]) -> Self;
}

impl Number for f32 {
    const NAME: &'static str = "f32";
    fn bytes(self) -> [u8; 4] {
        self.to_le_bytes()
    }
    fn of(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

impl Number for u32 {
    const NAME: &'static str = "u32";
    fn bytes(self) -> [u8; 4] {
        self.to_le_bytes()
    }
    fn of(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

/// Writes an array.
///
/// # Errors
/// The file cannot be written.
pub fn write<T: Number>(folder: &Path, name: &str, values: &[T]) -> Result<()> {
    let path = folder.join(format!("{name}.{}", T::NAME));
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        values.iter().try_for_each(|value| file.write_all(&value.bytes()))?;
        file.flush()
    };
    write().map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads the first `length` numbers of an array.
///
/// # Errors
/// The file cannot be read, or holds fewer.
pub fn read<T: Number>(folder: &Path, name: &str, length: usize) -> Result<Vec<T>> {
    let mut values = vec![T::of([0; 4]); length];
    fill(folder, name, &mut values)?;
    Ok(values)
}

/// Reads the first numbers of an array, as many as there are places.
fn fill<T: Number>(folder: &Path, name: &str, values: &mut [T]) -> Result<()> {
    let path = folder.join(format!("{name}.{}", T::NAME));
    let mut bytes = vec![0; 1 << 20];
    let mut read = || -> std::io::Result<()> {
        let mut file = File::open(&path)?;
        for values in values.chunks_mut(bytes.len() / 4) {
            let bytes = &mut bytes[..4 * values.len()];
            file.read_exact(bytes)?;
            for (value, four) in values.iter_mut().zip(bytes.chunks_exact(4)) {
                *value = T::of([four[0], four[1], four[2], four[3]]);
            }
        }
        Ok(())
    };
    read().map_err(|error| format!("{}: {error}", path.display()))
}

/// The first rows of a case's table.
///
/// # Errors
/// The files are not there, or too short.
pub fn dataset(folder: &Path, case: &Case, n_rows: usize) -> Result<Dataset> {
    let targets = read(folder, "y", n_rows)?;
    let features = match case.nonzeros {
        None => {
            let mut matrix = Matrix::zeros(n_rows, case.features);
            fill(folder, "x", matrix.values_mut())?;
            Ok(Features::Dense(matrix))
        }
        Some(nonzeros) => {
            let (indices, values) =
                (read(folder, "indices", n_rows * nonzeros)?, read(folder, "values", n_rows * nonzeros)?);
            let indptr = (0..=n_rows).map(|row| row * nonzeros).collect();
            Csr::new(case.features, indptr, indices, values).map(Features::Sparse)
        }
    };
    features.and_then(|features| Dataset::new(features, targets)).map_err(|error| error.to_string())
}
