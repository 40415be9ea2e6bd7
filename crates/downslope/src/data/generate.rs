//! What would the truth look like if it were known?
//!
//! Tables made from a seed, whose curvature is chosen and whose optimum is known, to try methods on.

use crate::data::table::{Column, Table};
use crate::error::{Error, Problem, Result};
use crate::random::{Purpose, Stream};

/// What the rows of a made table teach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeneratorKind {
    /// A number: a linear function of the features, plus noise.
    Regression,
    /// One of two classes, 0 and 1.
    Logistic,
    /// One of several classes, 0, 1, 2 ….
    Softmax {
        /// How many.
        n_classes: usize,
    },
}

/// A recipe for a table: features `x1`, `x2` … and a `target`.
///
/// The features have mean zero, and their second moments XᵀX/n have exactly (to rounding) the eigenvalues
/// λᵢ = `condition_number`^(−(i−1)/(d−1)), geometrically spaced from 1 down to 1/`condition_number`, in directions drawn
/// at random. With a 1 beside each row for the bias, the eigenvalues are these and another 1.
///
/// For regression, target = x·w + b + e, where e is orthogonal to every feature and to the ones, so that least squares
/// over these rows finds w and b themselves; mean e² is exactly `noise`². The Hessian of the squared loss (no ½) is
/// 2·X̃ᵀX̃/n: its largest eigenvalue is 2, its smallest 2/`condition_number`, everywhere.
///
/// For classes, a label is drawn with the probabilities σ(x·w + b), or softmax(x·w₁ + b₁ …); then, in a share `noise` of
/// the rows, it is drawn anew from all classes alike. The weights that fit the sample best differ from those that drew it.
/// At zero weights the Hessian's largest eigenvalue is 1/4 for two classes by the logistic loss, and 1/`n_classes` for
/// softmax; nowhere is it larger than 1/4, or 1/2.
///
/// The same seed gives the same table; on another kind of machine the last bits may differ with its logarithm and cosine.
///
/// **Cost**: O(`n_rows` · `n_features`²) time, and twice the table's memory.
///
/// ```
/// use downslope::data::{Generator, GeneratorKind};
///
/// let kind = GeneratorKind::Regression;
/// let recipe = Generator { kind, n_rows: 100, n_features: 3, condition_number: 100.0, noise: 0.5, seed: 1 };
/// let made = recipe.generate()?;
/// assert_eq!(made.optimum.loss, Some(0.25));
/// assert!((made.optimum.eigenvalues[1] - 0.1).abs() < 1e-15);
/// # Ok::<(), downslope::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Generator {
    /// What the rows teach.
    pub kind: GeneratorKind,
    /// How many rows; at least `n_features` + 2.
    pub n_rows: usize,
    /// How many features; at least 1.
    pub n_features: usize,
    /// Largest over smallest eigenvalue of the features' second moments; at least 1.
    pub condition_number: f64,
    /// Regression: the root of the mean squared noise, at least 0. Classes: the share of labels drawn anew, 0 to 1.
    pub noise: f64,
    /// The seed of all that is drawn.
    pub seed: u64,
}

/// A made table, and what is known of it.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The features `x1`, `x2` … and the `target`.
    pub table: Table,
    /// What is known.
    pub optimum: Optimum,
}

/// The weights behind a made table, and the curvature there is to meet.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Optimum {
    /// Weights, one list of `n_features` for each output: regression and logistic have one, softmax `n_classes`.
    /// For regression they are the least-squares optimum; for classes, only what the labels were drawn from.
    pub weights: Vec<Vec<f64>>,
    /// The bias of each output.
    pub bias: Vec<f64>,
    /// The mean squared residual at the optimum, `noise`²; not known for classes.
    pub loss: Option<f64>,
    /// The eigenvalues of XᵀX/n, largest first.
    pub eigenvalues: Vec<f64>,
    /// The largest eigenvalue of the Hessian of the mean loss at zero weights: 2, 1/4 or 1/`n_classes`.
    pub lambda_max: f64,
}

impl Generator {
    /// Makes the table.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Settings`] with everything that cannot be used.
    pub fn generate(&self) -> Result<Generated> {
        self.check()?;
        let (n, d) = (self.n_rows, self.n_features);
        let mut stream = Stream::new(self.seed, Purpose::Generate, 0);

        // X = √n · U · diag(√λ) · Qᵀ with orthonormal columns in U (all of mean zero) and in Q.
        let ones = vec![1.0 / (n as f64).sqrt(); n];
        let mut basis = orthonormal(vec![ones], d, n, &mut stream);
        let rotation = orthonormal(Vec::new(), d, d, &mut stream);
        let eigenvalues: Vec<f64> =
            (0..d).map(|i| self.condition_number.powf(-(i as f64) / (d.max(2) - 1) as f64)).collect();
        let mut x = vec![vec![0.0; n]; d];
        for ((direction, axis), eigenvalue) in basis[1..].iter().zip(&rotation).zip(&eigenvalues) {
            for (column, &part) in x.iter_mut().zip(axis) {
                add_scaled(column, (n as f64 * eigenvalue).sqrt() * part, direction);
            }
        }

        let n_outputs = if let GeneratorKind::Softmax { n_classes } = self.kind { n_classes } else { 1 };
        let weights: Vec<Vec<f64>> = (0..n_outputs).map(|_| (0..d).map(|_| stream.normal()).collect()).collect();
        let bias: Vec<f64> = (0..n_outputs).map(|_| stream.normal()).collect();
        let mut scores: Vec<Vec<f64>> = bias.iter().map(|&bias| vec![bias; n]).collect();
        for (score, weights) in scores.iter_mut().zip(&weights) {
            x.iter().zip(weights).for_each(|(column, &weight)| add_scaled(score, weight, column));
        }

        let (target, loss, lambda_max) = match self.kind {
            GeneratorKind::Regression => {
                basis = orthonormal(basis, 1, n, &mut stream);
                let mut target = scores.swap_remove(0);
                add_scaled(&mut target, self.noise * (n as f64).sqrt(), &basis[d + 1]);
                (target, Some(self.noise.powi(2)), 2.0)
            }
            GeneratorKind::Logistic => {
                let zero = vec![0.0; n];
                (self.labels(&[&zero, &scores[0]], &mut stream), None, 0.25)
            }
            GeneratorKind::Softmax { n_classes } => {
                let scores: Vec<&[f64]> = scores.iter().map(Vec::as_slice).collect();
                (self.labels(&scores, &mut stream), None, 1.0 / n_classes as f64)
            }
        };
        let names = (1..=d).map(|i| format!("x{i}")).chain(std::iter::once("target".to_owned()));
        let columns = names.zip(x.into_iter().chain([target])).map(|(name, column)| Column::numbers(name, column));
        let table = Table::from_columns("generated", columns.collect())?;
        Ok(Generated { table, optimum: Optimum { weights, bias, loss, eigenvalues, lambda_max } })
    }

    fn check(&self) -> Result<()> {
        let mut problems = Vec::new();
        let mut want = |holds: bool, setting, expected: &str, found: &dyn std::fmt::Display| {
            if !holds {
                problems.push(Problem::new(setting, expected, found));
            }
        };
        want(self.n_features >= 1, "features", "a whole number above 0", &self.n_features);
        let at_least = format!("at least {} rows, two more than features", self.n_features.saturating_add(2));
        want(self.n_rows >= self.n_features.saturating_add(2), "rows", &at_least, &self.n_rows);
        want(u32::try_from(self.n_rows).is_ok(), "rows", "at most 4294967295 rows", &self.n_rows);
        let condition = self.condition_number;
        want(condition.is_finite() && condition >= 1.0, "condition", "a finite number from 1", &condition);
        if self.kind == GeneratorKind::Regression {
            want(self.noise.is_finite() && self.noise >= 0.0, "noise", "a finite number from 0", &self.noise);
        } else {
            want((0.0..=1.0).contains(&self.noise), "noise", "a share of the rows from 0 to 1", &self.noise);
        }
        if let GeneratorKind::Softmax { n_classes } = self.kind {
            want(n_classes >= 2 && u32::try_from(n_classes).is_ok(), "classes", "a whole number above 1", &n_classes);
        }
        Error::unless_empty(problems)
    }

    /// A class for each row, drawn from the softmax of its scores: the largest after adding Gumbel noise (Gumbel 1954).
    fn labels(&self, scores: &[&[f64]], stream: &mut Stream) -> Vec<f64> {
        let draw = |row: usize| {
            let anew = stream.uniform() < self.noise;
            let mut best = (f64::NEG_INFINITY, 0);
            for (class, scores) in scores.iter().enumerate() {
                let gumbel = -(-(1.0 - stream.uniform()).ln()).ln();
                let score = if anew { gumbel } else { scores[row] + gumbel };
                if score > best.0 {
                    best = (score, class);
                }
            }
            best.1 as f64
        };
        (0..self.n_rows).map(draw).collect()
    }
}

/// Adds to some orthonormal vectors as many more, drawn at random and equally likely in every direction that is left.
///
/// Gram–Schmidt, twice over: once leaves rounding errors as large as the vectors were nearly parallel, twice is enough
/// (Giraud, Langou, Rozložník 2005).
fn orthonormal(mut basis: Vec<Vec<f64>>, n_more: usize, length: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
    let n_wanted = basis.len() + n_more;
    while basis.len() < n_wanted {
        let mut vector: Vec<f64> = (0..length).map(|_| stream.normal()).collect();
        for _ in 0..2 {
            for other in &basis {
                let overlap = dot(&vector, other);
                add_scaled(&mut vector, -overlap, other);
            }
            let norm = dot(&vector, &vector).sqrt();
            for part in &mut vector {
                *part /= norm;
            }
        }
        basis.push(vector);
    }
    basis
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// a ← a + factor · b
fn add_scaled(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table::Values;

    fn columns(table: &Table) -> Vec<Vec<f64>> {
        table
            .columns()
            .iter()
            .map(|column| match &column.values {
                Values::Number(numbers) => numbers.to_vec(),
                _ => panic!("a made table holds numbers"),
            })
            .collect()
    }

    fn regression() -> Generator {
        Generator {
            kind: GeneratorKind::Regression,
            n_rows: 200,
            n_features: 5,
            condition_number: 100.0,
            noise: 0.5,
            seed: 3,
        }
    }

    #[test]
    fn the_gradient_at_the_optimum_is_zero_and_its_loss_is_the_noise() {
        let Generated { table, optimum } = regression().generate().unwrap();
        let columns = columns(&table);
        let (x, y) = (&columns[..5], &columns[5]);
        let residual: Vec<f64> = (0..200)
            .map(|row| {
                let score: f64 = x.iter().zip(&optimum.weights[0]).map(|(column, weight)| column[row] * weight).sum();
                score + optimum.bias[0] - y[row]
            })
            .collect();
        // The normal equations: X̃ᵀ(X̃θ − y) = 0.
        assert!(residual.iter().sum::<f64>().abs() < 1e-11);
        assert!(x.iter().all(|column| dot(column, &residual).abs() < 1e-11));
        assert!((dot(&residual, &residual) / 200.0 - 0.25).abs() < 1e-13);
        assert_eq!(optimum.loss, Some(0.25));
    }

    #[test]
    fn the_second_moments_have_the_eigenvalues_asked_for() {
        let Generated { table, optimum } = regression().generate().unwrap();
        let columns = columns(&table);
        let x = &columns[..5];
        assert!((optimum.eigenvalues[0] - 1.0).abs() < 1e-15 && (optimum.eigenvalues[4] - 0.01).abs() < 1e-15);
        assert!(x.iter().all(|column| column.iter().sum::<f64>().abs() < 1e-11), "centred");
        // Power sums determine the eigenvalues: tr Cᵏ = Σ λᵏ.
        let c: Vec<Vec<f64>> = x.iter().map(|a| x.iter().map(|b| dot(a, b) / 200.0).collect()).collect();
        let mut power = c.clone();
        for k in 1..=5 {
            let trace: f64 = (0..5).map(|i| power[i][i]).sum();
            let expected: f64 = optimum.eigenvalues.iter().map(|eigenvalue| eigenvalue.powi(k)).sum();
            assert!((trace - expected).abs() < 1e-13, "{k}: {trace} {expected}");
            power = power.iter().map(|row| (0..5).map(|j| (0..5).map(|l| row[l] * c[l][j]).sum()).collect()).collect();
        }
        assert!(c[0][1].abs() > 1e-3, "the directions are not the axes");
    }

    #[test]
    fn classes_are_drawn_with_the_models_probabilities() {
        let logistic =
            Generator { kind: GeneratorKind::Logistic, n_rows: 20_000, n_features: 2, noise: 0.0, ..regression() };
        let Generated { table, optimum } = logistic.generate().unwrap();
        let columns = columns(&table);
        let probability = |row: usize| {
            let score = columns[0][row] * optimum.weights[0][0] + columns[1][row] * optimum.weights[0][1];
            1.0 / (1.0 + (-score - optimum.bias[0]).exp())
        };
        let expected: f64 = (0..20_000).map(probability).sum();
        let drawn: f64 = columns[2].iter().sum();
        // At most a standard deviation of √(n/4) = 71.
        assert!((expected - drawn).abs() < 250.0, "{expected} {drawn}");
    }

    #[test]
    fn every_class_is_drawn_and_noise_alone_draws_them_alike() {
        let kind = GeneratorKind::Softmax { n_classes: 4 };
        let Generated { table, .. } = Generator { kind, n_rows: 8000, noise: 1.0, ..regression() }.generate().unwrap();
        let target = columns(&table)[5].clone();
        for class in 0..4_u32 {
            let count = target.iter().filter(|&&label| (label - f64::from(class)).abs() < 0.5).count();
            assert!((1850..2150).contains(&count), "{class}: {count}");
        }
    }

    #[test]
    fn the_seed_is_all_there_is_to_it() {
        let fingerprint = |seed| Generator { seed, ..regression() }.generate().unwrap().table.fingerprint();
        assert_eq!(fingerprint(1), fingerprint(1));
        assert_ne!(fingerprint(1), fingerprint(2));
    }

    #[test]
    fn settings_that_cannot_be_used_are_told_together() {
        let odd = Generator { n_rows: 3, condition_number: 0.5, noise: f64::NAN, ..regression() };
        assert_eq!(
            odd.generate().unwrap_err().to_string(),
            "`rows`: expected at least 7 rows, two more than features, found `3`; \
             `condition`: expected a finite number from 1, found `0.5`; \
             `noise`: expected a finite number from 0, found `NaN`"
        );
    }
}
