//! What if the rows do not fit in memory?
//!
//! Rows that are encoded are kept in a file, block by block, so that no epoch but the first has to parse them again. The
//! file has no name: it vanishes with the process, however that ends. A block is its rows' features as the engine reads
//! them (`f32`; of sparse rows where each ends, the columns and the values), then the targets, then the weights, where
//! rows have such. Blocks are read in any order, several at a time, into memory that is used again.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::data::dataset::{Csr, Dataset, Features, Matrix};
use crate::data::fingerprint::Words;
use crate::data::source::read_at;
use crate::error::{Error, Result};

/// Encoded rows in a file.
#[derive(Debug)]
pub struct RowCache {
    file: File,
    folder: PathBuf,
    layout: Layout,
    n_rows: usize,
    blocks: Vec<BlockPlace>,
    fingerprint: String,
    /// What a class adds to the weight of its rows, as a factor; and one factor for all.
    class_weights: Option<Vec<f32>>,
    weight_factor: f32,
}

/// What is the same for all blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    n_features: usize,
    block_rows: usize,
    is_sparse: bool,
    is_weighted: bool,
}

#[derive(Clone, Copy, Debug)]
struct BlockPlace {
    at: u64,
    n_rows: usize,
    /// Values kept of sparse rows.
    n_values: usize,
}

/// Gathers rows into blocks and writes these.
pub(crate) struct CacheWriter {
    file: File,
    folder: PathBuf,
    layout: Layout,
    at: u64,
    blocks: Vec<BlockPlace>,
    fingerprint: Words,
    /// Of the block that is being gathered.
    n_rows: usize,
    ends: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f32>,
    targets: Vec<f32>,
    weights: Vec<f32>,
}

impl CacheWriter {
    /// A writer of rows like those of `sample`, in blocks of so many, into a file in a folder.
    ///
    /// # Errors
    /// The operating system's refusal to make the file.
    pub(crate) fn new(folder: &Path, sample: &Dataset, block_rows: usize) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(|error| Error::io("create a file in", folder, error))?;
        let layout = Layout {
            n_features: sample.n_features(),
            block_rows,
            is_sparse: matches!(sample.features, Features::Sparse(_)),
            is_weighted: sample.weights().is_some(),
        };
        Ok(Self {
            file,
            folder: folder.to_owned(),
            layout,
            at: 0,
            blocks: Vec::new(),
            fingerprint: Words::new(),
            n_rows: 0,
            ends: Vec::new(),
            columns: Vec::new(),
            values: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
        })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The operating system's refusal to write them.
    pub(crate) fn push(&mut self, rows: &Dataset) -> Result<()> {
        let mut from = 0;
        while from < rows.n_rows() {
            let taken = (self.layout.block_rows - self.n_rows).min(rows.n_rows() - from);
            let range = from..from + taken;
            match &rows.features {
                Features::Dense(x) => {
                    let width = x.n_columns();
                    self.values.extend_from_slice(&x.values()[range.start * width..range.end * width]);
                }
                Features::Sparse(x) => {
                    for row in range.clone() {
                        let (columns, values) = x.row(row);
                        self.columns.extend_from_slice(columns);
                        self.values.extend_from_slice(values);
                        self.ends.push(self.columns.len() as u32);
                    }
                }
            }
            self.targets.extend_from_slice(&rows.targets[range.clone()]);
            if let Some(weights) = rows.weights() {
                self.weights.extend_from_slice(&weights[range]);
            }
            self.n_rows += taken;
            from += taken;
            if self.n_rows == self.layout.block_rows {
                self.write_block()?;
            }
        }
        Ok(())
    }

    /// Lets rows that are not kept here count for the fingerprint.
    pub(crate) fn note(&mut self, rows: &Dataset) {
        match &rows.features {
            Features::Dense(x) => self.fingerprint.write(bytemuck::cast_slice(x.values())),
            Features::Sparse(x) => {
                self.fingerprint.write(bytemuck::cast_slice(x.indices()));
                self.fingerprint.write(bytemuck::cast_slice(x.values()));
            }
        }
        self.fingerprint.write(bytemuck::cast_slice(&rows.targets));
    }

    fn write_block(&mut self) -> Result<()> {
        let place = BlockPlace { at: self.at, n_rows: self.n_rows, n_values: self.values.len() };
        let parts: [&[u8]; 5] = [
            bytemuck::cast_slice(&self.ends),
            bytemuck::cast_slice(&self.columns),
            bytemuck::cast_slice(&self.values),
            bytemuck::cast_slice(&self.targets),
            bytemuck::cast_slice(&self.weights),
        ];
        for part in parts {
            self.fingerprint.write(part);
            self.file.write_all(part).map_err(|error| Error::io("write a file in", &self.folder, error))?;
            self.at += part.len() as u64;
        }
        self.blocks.push(place);
        self.n_rows = 0;
        self.ends.clear();
        self.columns.clear();
        self.values.clear();
        self.targets.clear();
        self.weights.clear();
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The operating system's refusal to write the last rows.
    pub(crate) fn finish(mut self) -> Result<RowCache> {
        if self.n_rows > 0 {
            self.write_block()?;
        }
        let n_rows = self.blocks.iter().map(|block| block.n_rows).sum();
        Ok(RowCache {
            file: self.file,
            folder: self.folder,
            layout: self.layout,
            n_rows,
            blocks: self.blocks,
            fingerprint: self.fingerprint.digits(),
            class_weights: None,
            weight_factor: 1.0,
        })
    }
}

impl RowCache {
    /// The same rows, each weighing so many times what it weighs by itself; and by its class, if so given.
    #[must_use]
    pub(crate) fn weighing(self, of_classes: Option<Vec<f32>>, factor: f32) -> Self {
        Self { class_weights: of_classes, weight_factor: factor, ..self }
    }

    /// The number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The number of features a row.
    pub fn n_features(&self) -> usize {
        self.layout.n_features
    }

    /// Rows in a block; the last may have fewer.
    pub fn block_rows(&self) -> usize {
        self.layout.block_rows
    }

    /// The number of blocks.
    pub fn n_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The length of the file.
    pub fn n_bytes(&self) -> u64 {
        self.blocks.last().map_or(0, |last| last.at + last.n_bytes(self.layout))
    }

    /// Sixteen hexadecimal digits that change when a row does.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Reads the rows of some blocks, one block below the other, into the memory of `used`, where there is some.
    ///
    /// # Errors
    /// The operating system's refusal.
    pub(crate) fn read(&self, blocks: &[u32], used: Option<Dataset>) -> Result<Dataset> {
        self.read_blocks(blocks, used).map_err(|error| Error::io("read a file in", &self.folder, error))
    }

    fn read_blocks(&self, blocks: &[u32], used: Option<Dataset>) -> io::Result<Dataset> {
        let places = || blocks.iter().map(|&block| self.blocks[block as usize]);
        let n_rows: usize = places().map(|place| place.n_rows).sum();
        let Layout { n_features, is_sparse, is_weighted, .. } = self.layout;
        let (used_features, mut targets, used_weights) = used.map_or((None, Vec::new(), None), |used| {
            let (features, targets, weights) = used.into_parts();
            (Some(features), targets, weights)
        });
        targets.resize(n_rows, 0.0);
        let is_weighted_at_all = is_weighted || self.class_weights.is_some();
        let mut weights = is_weighted_at_all.then(|| used_weights.unwrap_or_default());
        if let Some(weights) = &mut weights {
            weights.clear();
            weights.resize(n_rows, 1.0);
        }
        let features = if is_sparse {
            let n_values = places().map(|place| place.n_values).sum();
            let (mut indptr, mut columns, mut values) = match used_features {
                Some(Features::Sparse(x)) => x.into_parts(),
                _ => Default::default(),
            };
            indptr.clear();
            indptr.push(0);
            columns.resize(n_values, 0);
            values.resize(n_values, 0.0);
            let (mut row, mut value, mut ends) = (0, 0, Vec::new());
            for place in places() {
                ends.resize(place.n_rows, 0_u32);
                let mut at = place.at;
                self.read_part(&mut ends, &mut at)?;
                indptr.extend(ends.iter().map(|&end| value + end as usize));
                self.read_part(&mut columns[value..value + place.n_values], &mut at)?;
                self.read_part(&mut values[value..value + place.n_values], &mut at)?;
                self.read_targets(place, row, at, &mut targets, weights.as_mut())?;
                row += place.n_rows;
                value += place.n_values;
            }
            Features::Sparse(Csr::from_parts(n_features, indptr, columns, values))
        } else {
            let mut matrix = match used_features {
                Some(Features::Dense(matrix)) => matrix.with_rows(n_rows),
                _ => Matrix::zeros(n_rows, n_features),
            };
            let mut row = 0;
            for place in places() {
                let mut at = place.at;
                let cells = row * n_features..(row + place.n_rows) * n_features;
                self.read_part(&mut matrix.values_mut()[cells], &mut at)?;
                self.read_targets(place, row, at, &mut targets, weights.as_mut())?;
                row += place.n_rows;
            }
            Features::Dense(matrix)
        };
        if let Some(weights) = &mut weights {
            for (weight, &target) in weights.iter_mut().zip(&targets) {
                let of_class = self.class_weights.as_ref().map_or(1.0, |of_classes| of_classes[target as usize]);
                *weight *= self.weight_factor * of_class;
            }
        }
        Ok(Dataset::from_parts(features, targets, weights))
    }

    fn read_targets(
        &self,
        place: BlockPlace,
        row: usize,
        mut at: u64,
        targets: &mut [f32],
        weights: Option<&mut Vec<f32>>,
    ) -> io::Result<()> {
        let rows = row..row + place.n_rows;
        self.read_part(&mut targets[rows.clone()], &mut at)?;
        match weights.filter(|_| self.layout.is_weighted) {
            Some(weights) => self.read_part(&mut weights[rows], &mut at),
            None => Ok(()),
        }
    }

    fn read_part<T: bytemuck::Pod>(&self, into: &mut [T], at: &mut u64) -> io::Result<()> {
        let mut bytes: &mut [u8] = bytemuck::cast_slice_mut(into);
        while !bytes.is_empty() {
            let n_read = read_at(&self.file, bytes, *at)?;
            if n_read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            *at += n_read as u64;
            bytes = &mut bytes[n_read..];
        }
        Ok(())
    }
}

impl BlockPlace {
    fn n_bytes(self, layout: Layout) -> u64 {
        let of_values = if layout.is_sparse { self.n_rows + 2 * self.n_values } else { self.n_values };
        let of_rows = self.n_rows * if layout.is_weighted { 2 } else { 1 };
        4 * (of_values + of_rows) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dense(n_rows: usize) -> Dataset {
        let values = (0..n_rows * 3).map(|value| value as f32).collect();
        let x = Features::Dense(Matrix::new(n_rows, 3, values).unwrap());
        Dataset::new(x, (0..n_rows).map(|row| row as f32 / 2.0).collect()).unwrap()
    }

    fn sparse(n_rows: usize) -> Dataset {
        let (mut indptr, mut columns) = (vec![0], Vec::new());
        for row in 0..n_rows as u32 {
            columns.extend((0..row % 4).map(|column| column + row % 3));
            indptr.push(columns.len());
        }
        let values = columns.iter().map(|&column| column as f32 + 0.5).collect();
        let x = Features::Sparse(Csr::new(6, indptr, columns, values).unwrap());
        Dataset::new(x, vec![1.0; n_rows]).unwrap()
    }

    fn cache(rows: &Dataset, block_rows: usize) -> RowCache {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = CacheWriter::new(folder.path(), rows, block_rows).unwrap();
        let n = rows.n_rows() as u32;
        writer.push(&rows.rows(&(0..n / 3).collect::<Vec<_>>())).unwrap();
        writer.push(&rows.rows(&(n / 3..n).collect::<Vec<_>>())).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
        writer.finish().unwrap()
    }

    #[test]
    fn blocks_come_back_in_any_order_whatever_memory_is_used_again() {
        let weighted = dense(10).with_scaled_weights((0..10).map(|row| row as f32).collect()).unwrap();
        for rows in [dense(10), sparse(10), weighted] {
            let cache = cache(&rows, 4).weighing(None, 0.5);
            assert_eq!((cache.n_rows(), cache.n_blocks(), cache.block_rows()), (10, 3, 4));
            let mut used = None;
            for blocks in [&[0, 1, 2][..], &[2], &[1, 0], &[2, 1]] {
                let numbers: Vec<u32> = blocks.iter().flat_map(|&block| block * 4..(block * 4 + 4).min(10)).collect();
                let expected = rows.rows(&numbers);
                let found = cache.read(blocks, used).unwrap();
                assert_eq!((&found.features, &found.targets), (&expected.features, &expected.targets), "{blocks:?}");
                let halves = expected.weights().map(|weights| weights.iter().map(|w| w * 0.5).collect::<Vec<f32>>());
                assert_eq!(found.weights(), halves.as_deref());
                used = Some(found);
            }
        }
    }

    #[test]
    fn classes_weigh_too() {
        let mut rows = dense(5);
        rows.targets = vec![0.0, 1.0, 1.0, 0.0, 1.0];
        let cache = cache(&rows, 2).weighing(Some(vec![3.0, 0.5]), 1.0);
        assert_eq!(cache.read(&[0, 2], None).unwrap().weights(), Some(&[3.0, 0.5, 0.5][..]));
    }

    #[test]
    fn the_fingerprint_changes_with_any_value() {
        let print = |rows: &Dataset| cache(rows, 4).fingerprint().to_owned();
        let mut other = dense(10);
        other.targets[9] += 1.0;
        assert_eq!(print(&dense(10)), print(&dense(10)));
        assert_ne!(print(&dense(10)), print(&other));
    }
}
