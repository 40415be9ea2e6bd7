//! How large may a gradient be?
//!
//! Clipping limits what one batch can do, before the optimiser sees its gradient.

use serde::{Deserialize, Serialize};

use crate::error::Problem;
use crate::objective::Gradient;

/// A limit on the gradient of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clip {
    /// No limit.
    #[default]
    None,
    /// g ← g·min(1, c/(‖g‖ + 10⁻⁶)), as `torch.nn.utils.clip_grad_norm_`.
    Norm(f64),
    /// Each value to [−c, c], as `torch.nn.utils.clip_grad_value_`.
    Value(f64),
}

impl Clip {
    /// Everything that is wrong with the limit.
    pub fn problems(self) -> Vec<Problem> {
        match self {
            Self::Norm(most) if !(most > 0.0 && most.is_finite()) => {
                vec![Problem::new("clip-norm", "a finite number above 0", most)]
            }
            Self::Value(most) if !(most > 0.0 && most.is_finite()) => {
                vec![Problem::new("clip-value", "a finite number above 0", most)]
            }
            _ => Vec::new(),
        }
    }

    /// Limits a gradient. NaN stays NaN; an infinite value is cut by [`Clip::Value`], as in PyTorch.
    pub fn apply(self, gradient: &mut Gradient) {
        match self {
            Self::None => {}
            Self::Norm(most) => {
                let factor = most / (gradient.norm() + 1e-6);
                if factor < 1.0 {
                    gradient.scale(factor as f32);
                }
            }
            Self::Value(most) => gradient.apply(|value| value.clamp(-most as f32, most as f32)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_is_shortened_to_the_norm_or_cut_to_the_value() {
        let gradient = || {
            let mut gradient = Gradient::dense(2);
            gradient.values_mut().copy_from_slice(&[3.0, -4.0]);
            gradient
        };
        let mut short = gradient();
        Clip::Norm(1.0).apply(&mut short);
        assert!((short.norm() - 1.0).abs() < 1e-5);
        let mut kept = gradient();
        Clip::Norm(5.1).apply(&mut kept);
        assert_eq!(kept.values(), [3.0, -4.0]);
        let mut cut = gradient();
        Clip::Value(3.5).apply(&mut cut);
        assert_eq!(cut.values(), [3.0, -3.5]);
    }
}
