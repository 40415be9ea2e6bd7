//! Which columns stand out?

use serde::{Deserialize, Serialize};

use crate::data::{Dataset, Encoding, Features, Preprocessing};
use crate::loader::Batch;
use crate::objective::Objective;

/// How much the curvatures along single columns of numbers differ: λmax is at least the largest of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnScales {
    /// The column along which the loss bends most, and by how much: mean ℓ″·xⱼ².
    pub steepest: (String, f64),
    /// The column along which it bends least, the bias included.
    pub flattest: (String, f64),
    /// How much it bends along the bias, which a standardised column equals.
    pub bias: f64,
}

/// Compares the curvatures along the columns of numbers of a linear model; nothing with hidden layers. Categories and
/// booleans stay out: they are 0 and 1 on any scale, and a rare one is flat because it is rare.
pub fn scales(
    objective: &mut dyn Objective,
    theta: &[f32],
    rows: Batch<'_>,
    preprocessing: &Preprocessing,
) -> Option<ColumnScales> {
    let diagonal = objective.curvature_diagonal(theta, rows)?;
    let n_features = preprocessing.n_features();
    let n_outputs = diagonal.len() / (n_features + 1);
    // Weights first, (outputs, features), then the biases.
    let sum = |of: &dyn Fn(usize) -> usize| (0..n_outputs).map(|output| diagonal[of(output)]).sum::<f64>();
    let bias = sum(&|output| n_outputs * n_features + output);
    let mut named = vec![("bias".to_owned(), bias)];
    let mut feature = 0;
    for input in preprocessing.inputs() {
        if matches!(input.encoding, Encoding::Number { .. }) {
            named.push((input.name.clone(), sum(&|output| output * n_features + feature)));
        }
        feature += input.encoding.width();
    }
    named.retain(|(_, curvature)| *curvature > 0.0);
    named.sort_by(|a, b| a.1.total_cmp(&b.1));
    Some(ColumnScales { flattest: named.first()?.clone(), steepest: named.last()?.clone(), bias })
}

/// A column that tells the target all by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Telltale {
    /// The column of the table.
    pub column: String,
    /// The share of the target's variance that one feature of it explains: r² for numbers, for classes the share of the
    /// feature's variance that lies between them.
    pub explains: f64,
}

/// Fewer rows than this show nothing: any two points lie on a line.
const LEAST_ROWS: usize = 30;
/// And no fewer than this a class.
const LEAST_ROWS_OF_CLASS: usize = 5;
/// A spread below this share of Σx² is rounding.
const ROUNDING: f64 = 1e-9;

/// The column one feature of which goes with the target most closely; nothing where there is no other column, or where rows
/// are too few to tell. What chance explains is taken off (adjusted r² and η²).
///
/// **Cost**: a pass over the rows.
pub fn telltale(data: &Dataset, rows: &Batch<'_>, n_classes: usize, preprocessing: &Preprocessing) -> Option<Telltale> {
    let least = LEAST_ROWS.max(LEAST_ROWS_OF_CLASS * n_classes);
    if rows.len() < least || preprocessing.inputs().len() < 2 {
        return None;
    }
    let names = preprocessing.feature_names();
    let n_groups = n_classes.max(1);
    let (n, d) = (rows.len() as f64, names.len());
    // Sums of x and x² over all rows, of x over the rows of each class, and for numbers of x·y.
    let (mut sums, mut squares) = (vec![vec![0.0_f64; d]; n_groups], vec![0.0_f64; d]);
    let (mut products, mut counts) = (vec![0.0_f64; d], vec![0.0_f64; n_groups]);
    let (mut target_sum, mut target_squares) = (0.0, 0.0);
    for position in 0..rows.len() {
        let row = rows.row(position);
        let target = f64::from(data.targets[row]);
        let group = if n_classes > 0 { target as usize } else { 0 };
        counts[group] += 1.0;
        target_sum += target;
        target_squares += target * target;
        let mut add = |column: usize, x: f32| {
            let x = f64::from(x);
            sums[group][column] += x;
            squares[column] += x * x;
            products[column] += x * target;
        };
        match &data.features {
            Features::Dense(x) => x.row(row).iter().enumerate().for_each(|(column, &x)| add(column, x)),
            Features::Sparse(x) => {
                let (columns, values) = x.row(row);
                columns.iter().zip(values).for_each(|(&column, &x)| add(column as usize, x));
            }
        }
    }
    let explains = |column: usize| {
        let sum: f64 = sums.iter().map(|sums| sums[column]).sum();
        let spread = squares[column] - sum * sum / n;
        if spread <= ROUNDING * squares[column] {
            return f64::NAN;
        }
        let explained = if n_classes > 0 {
            let between: f64 =
                sums.iter().zip(&counts).filter(|(_, n)| **n > 0.0).map(|(s, n)| s[column].powi(2) / n).sum();
            (between - sum * sum / n) / spread
        } else {
            let together = products[column] - sum * target_sum / n;
            together * together / spread / (target_squares - target_sum * target_sum / n)
        };
        1.0 - (1.0 - explained.min(1.0)) * (n - 1.0) / (n - n_classes.max(2) as f64)
    };
    let of_features = (0..d).map(|column| (column, explains(column))).filter(|(_, share)| share.is_finite());
    let (feature, explains) = of_features.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let input = preprocessing.inputs().iter().find(|input| input.becomes.contains(&names[feature]))?;
    Some(Telltale { column: input.name.clone(), explains })
}
