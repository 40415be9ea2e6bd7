//! Second derivatives, gradients of rows and eigenvalues of linear models, in `f64` and from the formulas, so that a probe
//! is not compared with itself.

use downslope::data::{Dataset, Features};
use downslope::loss::{Loss, Suits};

/// Rows with a 1 behind each, as θ has the bias behind the weights.
pub fn rows_with_one(data: &Dataset) -> Vec<Vec<f64>> {
    let row = |row: usize| match &data.features {
        Features::Dense(x) => x.row(row).iter().map(|&x| f64::from(x)).chain([1.0]).collect(),
        Features::Sparse(x) => {
            let mut out = vec![0.0; x.n_columns() + 1];
            let (columns, values) = x.row(row);
            columns.iter().zip(values).for_each(|(&column, &value)| out[column as usize] = f64::from(value));
            out[x.n_columns()] = 1.0;
            out
        }
    };
    (0..data.n_rows()).map(row).collect()
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's rotations.
pub fn eigen(mut a: Vec<Vec<f64>>) -> Vec<(f64, Vec<f64>)> {
    let n = a.len();
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..50 {
        let mut is_diagonal = true;
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q].abs() <= 1e-18 * (a[p][p].abs() + a[q][q].abs()) {
                    continue;
                }
                is_diagonal = false;
                let angle = 0.5 * (2.0 * a[p][q]).atan2(a[p][p] - a[q][q]);
                let (sin, cos) = angle.sin_cos();
                for row in &mut a {
                    (row[p], row[q]) = (cos * row[p] + sin * row[q], cos * row[q] - sin * row[p]);
                }
                for k in 0..n {
                    let (x, y) = (a[p][k], a[q][k]);
                    (a[p][k], a[q][k]) = (cos * x + sin * y, cos * y - sin * x);
                    let (x, y) = (vectors[p][k], vectors[q][k]);
                    (vectors[p][k], vectors[q][k]) = (cos * x + sin * y, cos * y - sin * x);
                }
            }
        }
        if is_diagonal {
            break;
        }
    }
    vectors.into_iter().enumerate().map(|(i, vector)| (a[i][i], vector)).collect()
}

pub fn largest_eigenvalue(a: Vec<Vec<f64>>) -> f64 {
    eigen(a).iter().fold(f64::NEG_INFINITY, |largest, (value, _)| largest.max(*value))
}

/// A linear model on a table at some θ: what it says of each row, and how the loss of each row bends.
pub struct Linear {
    /// With a 1 behind each.
    pub rows: Vec<Vec<f64>>,
    /// w·dℓ/ds, a list of outputs for each row.
    pub derivatives: Vec<Vec<f64>>,
    /// w·d²ℓ/ds², (outputs, outputs), for each row; where a loss has a kink, what stands in for it.
    pub bends: Vec<Vec<Vec<f64>>>,
}

/// dℓ/ds and d²ℓ/ds² by the table of formulas in the documentation of losses.
fn derivatives(loss: Loss, scores: &[f64], target: f64, kink_width: f64) -> (Vec<f64>, Vec<Vec<f64>>) {
    let (s, r, y) = (scores[0], scores[0] - target, 2.0 * target - 1.0);
    let sigma = 1.0 / (1.0 + (-s).exp());
    let sign = if r > 0.0 { 1.0 } else { -1.0 };
    let (first, second) = match loss {
        Loss::CrossEntropy => {
            let total: f64 = scores.iter().map(|s| s.exp()).sum();
            let p: Vec<f64> = scores.iter().map(|s| s.exp() / total).collect();
            let one = |j: usize| f64::from(u8::from(j == target as usize));
            let of_pair = |i: usize, j: usize| if i == j { p[i] - p[i] * p[j] } else { -p[i] * p[j] };
            let bend = (0..p.len()).map(|i| (0..p.len()).map(|j| of_pair(i, j)).collect()).collect();
            return (p.iter().enumerate().map(|(j, p)| p - one(j)).collect(), bend);
        }
        Loss::Squared => (2.0 * r, 2.0),
        Loss::Absolute => (sign, 1.0 / kink_width),
        Loss::Huber { delta } => (r.clamp(-delta, delta), 1.0),
        Loss::Quantile { tau } => (if r > 0.0 { 1.0 - tau } else { -tau }, 1.0 / kink_width),
        Loss::Poisson => (s.exp() - target, s.exp()),
        Loss::Logistic => (sigma - target, sigma * (1.0 - sigma)),
        Loss::Hinge => (if y * s < 1.0 { -y } else { 0.0 }, 1.0),
        Loss::SquaredHinge => (-2.0 * y * (1.0 - y * s).max(0.0), 2.0),
    };
    (vec![first], vec![vec![second]])
}

impl Linear {
    pub fn at(theta: &[f32], loss: Loss, data: &Dataset) -> Self {
        let rows = rows_with_one(data);
        let (n, d) = (rows.len() as f64, data.n_features());
        let n_outputs = theta.len() / (d + 1);
        let weight = |row: usize| f64::from(data.weight(row));
        let mean = |f: &dyn Fn(f64) -> f64| {
            data.targets.iter().enumerate().map(|(row, &t)| weight(row) * f(f64::from(t))).sum::<f64>() / n
        };
        let average = mean(&|t| t);
        let kink_width = if loss.suits() == Suits::Regression { mean(&|t| (t - average).powi(2)).sqrt() } else { 1.0 };
        let theta: Vec<Vec<f64>> = (0..n_outputs)
            .map(|output| {
                let weights = theta[output * d..][..d].iter();
                weights.chain([&theta[n_outputs * d + output]]).map(|&t| f64::from(t)).collect()
            })
            .collect();
        let of_row = |(row, x): (usize, &Vec<f64>)| {
            let scores: Vec<f64> = theta.iter().map(|theta| dot(theta, x)).collect();
            let (mut first, mut second) = derivatives(loss, &scores, f64::from(data.targets[row]), kink_width);
            first.iter_mut().chain(second.iter_mut().flatten()).for_each(|value| *value *= weight(row));
            (first, second)
        };
        let (derivatives, bends) = rows.iter().enumerate().map(of_row).unzip();
        Self { rows, derivatives, bends }
    }

    pub fn n_parameters(&self) -> usize {
        self.derivatives[0].len() * self.rows[0].len()
    }

    /// Where the entry of an output's feature, or of its 1, stands in θ.
    fn place(&self, output: usize, column: usize) -> usize {
        let (k, d) = (self.derivatives[0].len(), self.rows[0].len() - 1);
        if column < d { output * d + column } else { k * d + output }
    }

    /// H·v, v laid out as θ.
    pub fn product(&self, v: &[f64]) -> Vec<f64> {
        let (k, d) = (self.derivatives[0].len(), self.rows[0].len());
        let by_output: Vec<Vec<f64>> =
            (0..k).map(|output| (0..d).map(|column| v[self.place(output, column)]).collect()).collect();
        let mut sums = vec![vec![0.0; d]; k];
        for (x, bend) in self.rows.iter().zip(&self.bends) {
            let scores: Vec<f64> = by_output.iter().map(|v| dot(v, x)).collect();
            for (sum, bend) in sums.iter_mut().zip(bend) {
                let factor = dot(bend, &scores) / self.rows.len() as f64;
                sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += factor * x);
            }
        }
        let mut out = vec![0.0; v.len()];
        for (output, sum) in sums.iter().enumerate() {
            sum.iter().enumerate().for_each(|(column, &sum)| out[self.place(output, column)] = sum);
        }
        out
    }

    /// H, column by column.
    pub fn hessian(&self) -> Vec<Vec<f64>> {
        let p = self.n_parameters();
        (0..p).map(|i| self.product(&(0..p).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>())).collect()
    }

    /// λmax: by Jacobi, or where θ is long by powers of H, until a hundred products change nothing.
    pub fn lambda_max(&self) -> f64 {
        let p = self.n_parameters();
        if p <= 130 {
            return largest_eigenvalue(self.hessian());
        }
        let mut v: Vec<f64> = super::Numbers(5).take(p).collect();
        let mut lengths = vec![0.0];
        loop {
            let length = dot(&v, &v).sqrt();
            for v in &mut v {
                *v /= length;
            }
            lengths.push(length);
            if lengths.len() > 100 && length <= lengths[lengths.len() - 50] * (1.0 + 1e-5) {
                return length;
            }
            v = self.product(&v);
        }
    }

    /// ∇ℓ of a row, laid out as θ.
    pub fn gradient(&self, row: usize) -> Vec<f64> {
        let mut out = vec![0.0; self.n_parameters()];
        for (output, derivative) in self.derivatives[row].iter().enumerate() {
            for (column, x) in self.rows[row].iter().enumerate() {
                out[self.place(output, column)] = derivative * x;
            }
        }
        out
    }

    /// tr Σ of a row's gradient and |G|² of the mean gradient, over all rows.
    pub fn noise(&self) -> (f64, f64) {
        let n = self.rows.len();
        let mut mean = vec![0.0; self.n_parameters()];
        for row in 0..n {
            mean.iter_mut().zip(self.gradient(row)).for_each(|(mean, g)| *mean += g / n as f64);
        }
        let away = |row: usize| self.gradient(row).iter().zip(&mean).map(|(g, mean)| (g - mean).powi(2)).sum::<f64>();
        ((0..n).map(away).sum::<f64>() / n as f64, dot(&mean, &mean))
    }
}
