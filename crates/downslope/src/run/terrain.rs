//! What is there to go down on without a table?

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Problem};
use crate::loader::Batch;
use crate::objective::{Gradient, LossSum, Objective};

/// A made landscape over two parameters (x, y), to see descent on before there are data: its loss is its height.
///
/// ```text
/// bowl         f = (x² + y²)/6
/// valley       f = (x² + 12y²)/16
/// two-valleys  f = 1.6 + (x² + y²)/14 − Σ depth·exp(−((x − cx)² + (y − cy)²)/width)
/// ```
///
/// The last has a deep hollow at about (−1.6, −0.9), a shallower one at about (1.5, 1.1) and a hill between and beside.
/// Where a walk ends depends on where it began.
///
/// **Numerics**: computed in `f64` from θ in `f32`. **Cost**: a few exponentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Terrain {
    /// The same in every direction.
    Bowl,
    /// Steep across, flat along.
    Valley,
    /// Two hollows, of which one is deeper.
    TwoValleys,
}

/// Depth, centre and width of each hollow; a hill is a hollow of negative depth.
const HOLLOWS: [(f64, [f64; 2], f64); 4] =
    [(1.5, [-1.6, -0.9], 1.7), (0.95, [1.5, 1.1], 1.3), (-0.55, [1.4, -1.6], 1.2), (-0.5, [-1.3, 1.7], 1.0)];

impl Terrain {
    /// How far it is worth looking: x and y from minus this to this.
    pub const REACH: f64 = 3.0;

    /// Height and slope at a place.
    fn at(self, x: f64, y: f64) -> (f64, [f64; 2]) {
        match self {
            Self::Bowl => ((x * x + y * y) / 6.0, [x / 3.0, y / 3.0]),
            Self::Valley => ((x * x + 12.0 * y * y) / 16.0, [x / 8.0, 1.5 * y]),
            Self::TwoValleys => {
                let rim = (1.6 + (x * x + y * y) / 14.0, [x / 7.0, y / 7.0]);
                HOLLOWS.iter().fold(rim, |(height, slope), &(depth, [cx, cy], width)| {
                    let (dx, dy) = (x - cx, y - cy);
                    let here = depth * (-(dx * dx + dy * dy) / width).exp();
                    (height - here, [slope[0] + 2.0 * dx / width * here, slope[1] + 2.0 * dy / width * here])
                })
            }
        }
    }
}

impl Objective for Terrain {
    fn n_parameters(&self) -> usize {
        2
    }

    fn loss_and_gradient(&mut self, theta: &[f32], _: Batch<'_>, gradient: &mut Gradient) -> LossSum {
        let (height, slope) = self.at(theta[0].into(), theta[1].into());
        for (g, slope) in gradient.values_mut().iter_mut().zip(slope) {
            *g += slope as f32;
        }
        LossSum::new(height, 1)
    }
}

impl fmt::Display for Terrain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bowl => "bowl",
            Self::Valley => "valley",
            Self::TwoValleys => "two-valleys",
        })
    }
}

impl FromStr for Terrain {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = [Self::Bowl, Self::Valley, Self::TwoValleys].into_iter().find(|known| known.to_string() == text);
        let problem = || Problem::new("terrain", "bowl, valley or two-valleys", text);
        known.ok_or_else(|| ErrorKind::Settings(vec![problem()]).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_height() {
        for terrain in [Terrain::Bowl, Terrain::Valley, Terrain::TwoValleys] {
            for (x, y) in [(0.3, -0.7), (-1.6, -0.9), (2.5, 2.0), (1.4, -1.2)] {
                let height = |x, y| terrain.at(x, y).0;
                let (_, slope) = terrain.at(x, y);
                let step = 1e-5;
                let measured = [
                    (height(x + step, y) - height(x - step, y)) / (2.0 * step),
                    (height(x, y + step) - height(x, y - step)) / (2.0 * step),
                ];
                for (slope, measured) in slope.iter().zip(measured) {
                    assert!((slope - measured).abs() < 1e-7, "{terrain} at {x} {y}: {slope} {measured}");
                }
            }
        }
    }

    #[test]
    fn a_terrain_is_read_by_its_name() {
        assert_eq!("two-valleys".parse::<Terrain>().unwrap(), Terrain::TwoValleys);
        assert!("alps".parse::<Terrain>().unwrap_err().to_string().contains("expected bowl, valley or two-valleys"));
    }
}
