//! Where do the data come from?
//!
//! From a seed. Features are standard normal and standardised exactly; sparse rows keep standard normal values in columns
//! drawn uniformly, which is harder on the caches than words of a text would be. Targets are drawn from a model with random
//! weights that makes scores of standard deviation 3: there is something to learn, and never everything.

use std::path::Path;

use downslope::data::{Csr, Dataset, Features, Matrix};
use downslope::loss::Loss;
use downslope::random::{Purpose, Stream};

use crate::Result;
use crate::arrays::write;
use crate::cases::Case;

/// The standard deviation of the scores that targets are drawn from.
const SIGNAL: f64 = 3.0;
const SEED: u64 = 6;

/// Writes the arrays of a case into a folder, and the start of every case that is trained on them and has hidden layers.
///
/// # Errors
/// The files cannot be written.
pub fn files(name: &str, folder: &Path) -> Result<()> {
    let case = Case::named(name)?;
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let dataset = dataset(&case)?;
    write(folder, "y", &dataset.targets)?;
    match &dataset.features {
        Features::Dense(matrix) => write(folder, "x", matrix.values())?,
        Features::Sparse(csr) => {
            let rows = || (0..csr.n_rows()).map(|row| csr.row(row));
            write(folder, "indices", &rows().flat_map(|(indices, _)| indices).copied().collect::<Vec<u32>>())?;
            write(folder, "values", &rows().flat_map(|(_, values)| values).copied().collect::<Vec<f32>>())?;
        }
    }
    for other in ["H1", "H2"] {
        let hidden = Case::named(other)?;
        if hidden.data == name {
            write(folder, &format!("theta-{other}"), &hidden.model().init(SEED))?;
        }
    }
    Ok(())
}

/// The table of a case.
///
/// # Errors
/// The case has no shape that a table can have.
pub fn dataset(case: &Case) -> Result<Dataset> {
    let mut draw = Stream::new(SEED, Purpose::Generate, 0);
    let (features, width) = match case.nonzeros {
        None => (dense(case, &mut draw), case.features),
        Some(nonzeros) => (sparse(case, nonzeros, &mut draw)?, nonzeros),
    };
    let scale = SIGNAL / (width as f64).sqrt();
    let weights: Vec<f32> = (0..case.outputs * case.features).map(|_| (scale * draw.normal()) as f32).collect();
    let targets = (0..case.rows).map(|row| {
        let scores = weights.chunks_exact(case.features).map(|weights| score(&features, row, weights));
        if case.loss == Loss::CrossEntropy {
            // The largest of scores with Gumbel's noise is a class drawn by their softmax.
            let noisy = scores.map(|score| score - (-(1.0 - draw.uniform()).ln()).ln());
            noisy.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0.0, |(class, _)| class as f32)
        } else {
            scores.map(|score| f32::from(draw.uniform() < 1.0 / (1.0 + (-score).exp()))).sum()
        }
    });
    let targets = targets.collect();
    Dataset::new(features, targets).map_err(|error| error.to_string())
}

fn score(features: &Features, row: usize, weights: &[f32]) -> f64 {
    let score: f32 = match features {
        Features::Dense(matrix) => matrix.row(row).iter().zip(weights).map(|(x, w)| x * w).sum(),
        Features::Sparse(csr) => {
            let (indices, values) = csr.row(row);
            indices.iter().zip(values).map(|(&index, value)| weights[index as usize] * value).sum()
        }
    };
    f64::from(score)
}

fn dense(case: &Case, draw: &mut Stream) -> Features {
    let (n_rows, width) = (case.rows, case.features);
    // Where rows stand in every table that is read.
    let mut matrix = Matrix::zeros(n_rows, width);
    let values = matrix.values_mut();
    for value in values.iter_mut() {
        *value = draw.normal() as f32;
    }
    let mut mean = vec![0.0_f64; width];
    let mut square = vec![0.0_f64; width];
    for row in values.chunks_exact(width) {
        for ((mean, square), &value) in mean.iter_mut().zip(&mut square).zip(row) {
            *mean += f64::from(value) / n_rows as f64;
            *square += f64::from(value).powi(2) / n_rows as f64;
        }
    }
    for row in values.chunks_exact_mut(width) {
        for ((mean, square), value) in mean.iter().zip(&square).zip(row) {
            *value = ((f64::from(*value) - mean) / (square - mean * mean).sqrt()) as f32;
        }
    }
    Features::Dense(matrix)
}

fn sparse(case: &Case, nonzeros: usize, draw: &mut Stream) -> Result<Features> {
    let n_columns = u32::try_from(case.features).map_err(|error| error.to_string())?;
    let mut indices = Vec::with_capacity(case.rows * nonzeros);
    for _ in 0..case.rows {
        let start = indices.len();
        while indices.len() < start + nonzeros {
            let column = draw.below(n_columns);
            if !indices[start..].contains(&column) {
                indices.push(column);
            }
        }
        indices[start..].sort_unstable();
    }
    let values = indices.iter().map(|_| draw.normal() as f32).collect();
    let indptr = (0..=case.rows).map(|row| row * nonzeros).collect();
    Csr::new(case.features, indptr, indices, values).map(Features::Sparse).map_err(|error| error.to_string())
}
