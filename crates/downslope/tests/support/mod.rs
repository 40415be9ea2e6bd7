//! Small tables and models to try things on.

#![allow(dead_code, unreachable_pub, reason = "every file of tests is a crate that uses a part of this")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this is tests")]

pub mod algebra;

use std::path::PathBuf;
use std::sync::Arc;

use downslope::data::{
    Csr, Dataset, EncodeOptions, Features, Generator, Matrix, Optimum, Preprocessing, ReadOptions, Table, Target,
    Values,
};
use downslope::event::Event;
use downslope::loss::{Loss, Suits};
use downslope::model::{Activation, Model};
use downslope::objective::EmpiricalLoss;
use downslope::observer::{Control, Observer};
use downslope::state::State;

pub const LOSSES: [Loss; 9] = [
    Loss::Squared,
    Loss::Absolute,
    Loss::Huber { delta: 0.7 },
    Loss::Quantile { tau: 0.3 },
    Loss::Poisson,
    Loss::Logistic,
    Loss::CrossEntropy,
    Loss::Hinge,
    Loss::SquaredHinge,
];

/// Scores a row of the models here by `cross-entropy`.
pub const N_CLASSES: usize = 3;

/// Numbers uniform on [−1, 1), quickly drawn (`SplitMix64`).
pub struct Numbers(pub u64);

impl Iterator for Numbers {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Some(((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
    }
}

impl Numbers {
    pub fn take_f32(&mut self, n: usize) -> Vec<f32> {
        self.take(n).map(|number| number as f32).collect()
    }
}

/// Values of which a share `density` is other than zero.
pub fn features(n_rows: usize, n_features: usize, density: f64, seed: u64) -> Matrix {
    let mut numbers = Numbers(seed);
    let values = (0..n_rows * n_features).map(|_| {
        let value = numbers.next().unwrap();
        let kept = density >= 1.0 || f64::midpoint(numbers.next().unwrap(), 1.0) < density;
        if kept { value as f32 } else { 0.0 }
    });
    Matrix::new(n_rows, n_features, values.collect()).unwrap()
}

/// Targets such as the loss expects, which a linear function of the features explains in part.
pub fn targets(loss: Loss, x: &Matrix, seed: u64) -> Vec<f32> {
    let mut numbers = Numbers(!seed);
    let weight = numbers.take_f32(x.n_columns());
    let target = |row: usize| {
        let score: f32 = x.row(row).iter().zip(&weight).map(|(x, w)| x * w).sum();
        let score = f64::from(score) + 0.3 * numbers.next().unwrap();
        let target = match loss.suits() {
            Suits::Regression if loss == Loss::Poisson => (0.5 * score).exp().round(),
            Suits::Regression => score,
            Suits::TwoClasses => f64::from(u8::from(score > 0.0)),
            Suits::Classes => (2.0 * score).floor().rem_euclid(N_CLASSES as f64),
        };
        target as f32
    };
    (0..x.n_rows()).map(target).collect()
}

pub fn dense_table(loss: Loss, n_rows: usize, n_features: usize, seed: u64) -> Arc<Dataset> {
    let x = features(n_rows, n_features, 1.0, seed);
    let targets = targets(loss, &x, seed);
    Arc::new(Dataset::new(Features::Dense(x), targets).unwrap())
}

/// The same rows twice: dense with many zeros, and sparse.
pub fn twin_tables(
    loss: Loss,
    n_rows: usize,
    n_features: usize,
    density: f64,
    seed: u64,
) -> (Arc<Dataset>, Arc<Dataset>) {
    let x = features(n_rows, n_features, density, seed);
    let targets = targets(loss, &x, seed);
    let sparse = Dataset::new(Features::Sparse(without_zeros(&x)), targets.clone()).unwrap();
    (Arc::new(Dataset::new(Features::Dense(x), targets).unwrap()), Arc::new(sparse))
}

pub fn without_zeros(x: &Matrix) -> Csr {
    let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    for row in 0..x.n_rows() {
        let kept = x.row(row).iter().enumerate().filter(|(_, value)| **value != 0.0);
        for (column, &value) in kept {
            indices.push(column as u32);
            values.push(value);
        }
        indptr.push(indices.len());
    }
    Csr::new(x.n_columns(), indptr, indices, values).unwrap()
}

/// A made table as features and targets, and what is known of it.
pub fn generated(generator: &Generator) -> (Arc<Dataset>, Optimum) {
    let made = generator.generate().unwrap();
    let numbers = |values: &Values| match values {
        Values::Number(numbers) => numbers.to_vec(),
        _ => panic!("a made table holds numbers"),
    };
    let columns: Vec<Vec<f64>> = made.table.columns().iter().map(|column| numbers(&column.values)).collect();
    let (n, d) = (generator.n_rows, generator.n_features);
    let values = (0..n).flat_map(|row| columns[..d].iter().map(move |column| column[row] as f32)).collect();
    let targets = columns[d].iter().map(|&t| t as f32).collect();
    (Arc::new(Dataset::new(Features::Dense(Matrix::new(n, d, values).unwrap()), targets).unwrap()), made.optimum)
}

/// A table that people use, all of its rows, standardised: one built in, or a file beside the project, in `shared/data`,
/// if it is there.
pub fn known_table(name: &str, target: &str) -> Option<(Arc<Dataset>, Preprocessing)> {
    let path = if name.starts_with('@') {
        PathBuf::from(name)
    } else {
        let beside =
            |folder: &std::path::Path| Some(folder.join("shared/data").join(name)).filter(|path| path.exists());
        let Some(path) = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find_map(beside) else {
            println!("skipped: {name} is missing");
            return None;
        };
        path
    };
    let table = Table::read(&path.to_string_lossy(), &ReadOptions::default()).unwrap();
    let (target, _) = Target::choose(&table, Some(target), None).unwrap();
    let options = EncodeOptions { scale_target: true, ..EncodeOptions::default() };
    let (preprocessing, _) = Preprocessing::learn(&table, &target, &table.rows(), &options).unwrap();
    let (data, _) = preprocessing.dataset(&table, &table.rows()).unwrap();
    Some((Arc::new(data), preprocessing))
}

/// How often each row of a table stands there: from never to four times.
pub fn counts(n_rows: usize) -> Vec<usize> {
    (0..n_rows).map(|row| (row * 7 + row / 11) % 5).collect()
}

/// The same rows, weighing as often as [`counts`] says.
pub fn weighted(data: &Dataset) -> Arc<Dataset> {
    let weights = counts(data.n_rows()).into_iter().map(|count| count as f32).collect();
    Arc::new(data.clone().with_weights(weights).unwrap())
}

pub fn model(loss: Loss, n_features: usize, hidden: &[usize], activation: Activation) -> Model {
    let n_outputs = if loss == Loss::CrossEntropy { N_CLASSES } else { 1 };
    Model { n_features, hidden: hidden.to_vec(), activation, n_outputs }
}

/// The mean loss of a model with a rectifier on a table.
pub fn objective(loss: Loss, hidden: &[usize], data: &Arc<Dataset>) -> EmpiricalLoss {
    EmpiricalLoss::new(model(loss, data.n_features(), hidden, Activation::Relu), loss, data.clone()).unwrap()
}

/// θ to the bit.
pub fn bits(theta: &[f32]) -> Vec<u32> {
    theta.iter().map(|value| value.to_bits()).collect()
}

/// Within `tolerance` times the largest of the expected values, or of 0.1 where all are smaller.
#[track_caller]
pub fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0.1_f32, |largest, value| largest.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance * scale, "{what}: {index}: {found} is not {expected}");
    }
}

/// Keeps θ after every step, the start first.
#[derive(Default)]
pub struct Path(pub Vec<Vec<f32>>);

impl Observer for Path {
    fn next_step(&self) -> u64 {
        self.0.len() as u64
    }

    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        if matches!(event, Event::Started(_) | Event::Step(_)) {
            self.0.push(state.theta.clone());
        }
        Control::Continue
    }
}
