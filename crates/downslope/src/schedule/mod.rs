//! How does the learning rate change as the run goes on?
//!
//! A [`Schedule`] is a pure function of where the run stands ([`Moment`]); even `plateau` keeps no state, it reads the
//! losses of the epochs so far. Names and arguments are those of `torch.optim.lr_scheduler`, in kebab case, and the
//! rates are PyTorch's to `f32`. Schedules are stepped each epoch, `one-cycle` each step.
//!
//! η₀ is the rate given, e the epochs done, t the steps done, T all steps of the run.
//!
//! | schedule | lr | arguments and defaults |
//! |---|---|---|
//! | `constant` | η₀ | |
//! | `step` | η₀·γ^⌊e/s⌋ | `step-size` s, `gamma` 0.1 |
//! | `multi-step` | η₀·γ^(milestones ≤ e) | `milestones` 1+3, `gamma` 0.1 |
//! | `exponential` | η₀·γᵉ | `gamma` |
//! | `linear` | η₀·(f₀ + (f₁ − f₀)·min(e, N)/N) | `start-factor` 1/3, `end-factor` 1, `total-iters` 5 |
//! | `polynomial` | η₀·(1 − min(e, N)/N)^p | `total-iters` 5, `power` 1 |
//! | `cosine` | η₁ + (η₀ − η₁)(1 + cos πe/N)/2 | `t-max` (the run's epochs), `eta-min` 0 |
//! | `cosine-restarts` | the same, begun anew after N, N·m, N·m² … epochs | `t-0` N, `t-mult` 1, `eta-min` 0 |
//! | `one-cycle` | up from max/`div-factor` to max over `pct-start` of T, then down to that/`final-div-factor` | `max-lr` (η₀), `total-steps` (T), `pct-start` 0.3, `anneal-strategy` cos, `three-phase` false, `div-factor` 25, `final-div-factor` 10000, `cycle-momentum` true, `base-momentum` 0.85, `max-momentum` 0.95 |
//! | `plateau` | ·`factor` each time the loss has not fallen by `threshold` for more than `patience` epochs | `factor` 0.1, `patience` 10, `threshold` 0.0001, `threshold-mode` rel, `cooldown` 0, `min-lr` 0, `eps` 1e-8 |
//! | `stable-decay` | η₀·min(1, (E − e)/(s·E)) | `share` s 0.2: the last part of the run's E epochs |
//! | `inverse-time` | η₀/(1 + γe) | `gamma` 1 |
//! | `inverse-sqrt` | η₀/√(1 + γe) | `gamma` 1 |
//!
//! **Numerics.** Closed forms in `f64`; PyTorch multiplies its way from epoch to epoch, which differs by less than an
//! `f32` can show. **Differs from** PyTorch: `one-cycle` cycles the momentum only where there is momentum (PyTorch
//! refuses otherwise), and after its last step stays where it is; `cosine` and `one-cycle` know the length of the run.
//!
//! ```
//! use downslope::schedule::{Moment, Schedule};
//! let schedule: Schedule = "step:step-size=2,gamma=0.5".parse()?;
//! assert_eq!(schedule.rate(0.1, 0.0, &Moment { epoch: 4, ..Moment::default() }).lr, 0.025);
//! # downslope::Result::Ok(())
//! ```
//!
//! **References**: Loshchilov and Hutter 2017 (eq. 5); Zhai, Kolesnikov, Houlsby and Beyer 2022 (§3.5, `stable-decay`); Smith and Topin 2019; Robbins and Monro 1951.

mod text;

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Problem};
use crate::sgd::Rate;
pub use text::NAMES;

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment<'a> {
    /// Steps done.
    pub step: u64,
    /// Epochs done.
    pub epoch: u64,
    /// Steps of the whole run, where its length is known.
    pub total_steps: Option<u64>,
    /// Epochs of the whole run, where its length is known.
    pub total_epochs: Option<u64>,
    /// The loss after each epoch so far: on the validation rows where there are any, else on the training rows.
    pub losses: &'a [f64],
}

/// How the learning rate changes. See the module for the formulas.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    /// Always the same.
    #[default]
    Constant,
    /// A factor every so many epochs.
    Step {
        /// Epochs between two drops.
        step_size: u64,
        /// The factor.
        gamma: f64,
    },
    /// A factor at certain epochs.
    MultiStep {
        /// The epochs.
        milestones: Vec<u64>,
        /// The factor.
        gamma: f64,
    },
    /// A factor every epoch.
    Exponential {
        /// The factor.
        gamma: f64,
    },
    /// From one share of the rate to another in a straight line: a warm-up.
    Linear {
        /// The first share.
        start_factor: f64,
        /// The last share.
        end_factor: f64,
        /// Epochs until the last.
        total_iters: u64,
    },
    /// To zero along a power.
    Polynomial {
        /// Epochs until zero.
        total_iters: u64,
        /// The power.
        power: f64,
    },
    /// To a minimum along half a cosine.
    Cosine {
        /// Epochs until the minimum; the run's if not given.
        t_max: Option<u64>,
        /// The minimum.
        eta_min: f64,
    },
    /// Along half a cosine again and again.
    CosineRestarts {
        /// Epochs of the first half.
        t_0: u64,
        /// How many times longer each next one is.
        t_mult: u64,
        /// The minimum.
        eta_min: f64,
    },
    /// Up and down once, step by step.
    OneCycle(OneCycle),
    /// Down when the loss no longer falls.
    Plateau(Plateau),
    /// Always the same, and in a straight line towards zero over the last part of the run.
    StableDecay {
        /// The last part.
        share: f64,
    },
    /// η₀/(1 + γe).
    InverseTime {
        /// γ.
        gamma: f64,
    },
    /// η₀/√(1 + γe).
    InverseSqrt {
        /// γ.
        gamma: f64,
    },
}

/// The arguments of `one-cycle`.
#[derive(Clone, Debug, PartialEq)]
pub struct OneCycle {
    /// The rate at the top; the run's rate if not given.
    pub max_lr: Option<f64>,
    /// Steps of the cycle; the run's if not given.
    pub total_steps: Option<u64>,
    /// The share of the steps that go up.
    pub pct_start: f64,
    /// The shape of the way.
    pub anneal: Anneal,
    /// Whether the way down to the start is its own phase, as long as the way up, before the way to the end.
    pub three_phase: bool,
    /// Top over start.
    pub div_factor: f64,
    /// Start over end.
    pub final_div_factor: f64,
    /// Whether the momentum goes down as the rate goes up.
    pub cycle_momentum: bool,
    /// The momentum at the top of the rate.
    pub base_momentum: f64,
    /// The momentum at its start and end.
    pub max_momentum: f64,
}

/// The shape of a way from one rate to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anneal {
    /// Half a cosine.
    Cos,
    /// A straight line.
    Linear,
}

/// The arguments of `plateau`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plateau {
    /// What the rate is multiplied by.
    pub factor: f64,
    /// Epochs without a better loss that are borne.
    pub patience: u64,
    /// By how much the loss must fall to count as better.
    pub threshold: f64,
    /// What the threshold is a part of.
    pub threshold_mode: ThresholdMode,
    /// Epochs after a drop in which none are counted.
    pub cooldown: u64,
    /// The lowest rate.
    pub min_lr: f64,
    /// A smaller change than this is not made.
    pub eps: f64,
}

/// What the threshold of `plateau` is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThresholdMode {
    /// A share of the best loss.
    Rel,
    /// An amount, in the unit of the loss.
    Abs,
}

impl Anneal {
    fn between(self, start: f64, end: f64, share: f64) -> f64 {
        match self {
            Self::Cos => end + (start - end) / 2.0 * (1.0 + (PI * share).cos()),
            Self::Linear => (end - start) * share + start,
        }
    }
}

impl OneCycle {
    fn rate(&self, lr: f64, momentum: f64, at: &Moment) -> Rate {
        let total = self.total_steps.or(at.total_steps).unwrap_or(at.step + 2).max(2) as f64;
        let (step, last) = ((at.step as f64).min(total - 1.0), total - 1.0);
        let top = self.pct_start * total - 1.0;
        let down = 2.0 * top;
        let max = self.max_lr.unwrap_or(lr);
        let start = max / self.div_factor;
        // A way of no length is at its end.
        let share = |from: f64, to: f64| if to > from { (step - from) / (to - from) } else { 1.0 };
        let way = |low: f64, high: f64, end: f64| {
            if step <= top {
                self.anneal.between(low, high, share(0.0, top))
            } else if !self.three_phase {
                self.anneal.between(high, end, share(top, last))
            } else if step <= down {
                self.anneal.between(high, low, share(top, down))
            } else {
                self.anneal.between(low, end, share(down, last))
            }
        };
        let cycles = self.cycle_momentum && momentum > 0.0;
        Rate {
            lr: way(start, max, start / self.final_div_factor),
            momentum: if cycles { way(self.max_momentum, self.base_momentum, self.max_momentum) } else { momentum },
        }
    }
}

impl Plateau {
    fn lr(&self, lr: f64, losses: &[f64]) -> f64 {
        let (mut lr, mut best, mut bad_epochs, mut cooldown) = (lr, f64::INFINITY, 0, 0);
        for &loss in losses {
            let bar = match self.threshold_mode {
                ThresholdMode::Rel => best * (1.0 - self.threshold),
                ThresholdMode::Abs => best - self.threshold,
            };
            if loss < bar {
                (best, bad_epochs) = (loss, 0);
            } else {
                bad_epochs += 1;
            }
            if cooldown > 0 {
                (cooldown, bad_epochs) = (cooldown - 1, 0);
            }
            if bad_epochs > self.patience {
                let lower = (lr * self.factor).max(self.min_lr);
                if lr - lower > self.eps {
                    lr = lower;
                }
                (cooldown, bad_epochs) = (self.cooldown, 0);
            }
        }
        lr
    }
}

impl Schedule {
    /// Everything that is wrong with the arguments: what could not be written, and read back, as text.
    pub fn problems(&self) -> Vec<Problem> {
        match self.to_string().parse::<Self>().as_ref().map_err(Error::kind) {
            Err(ErrorKind::Settings(problems)) => problems.clone(),
            _ => Vec::new(),
        }
    }

    /// Whether the rate changes within an epoch.
    pub fn is_per_step(&self) -> bool {
        matches!(self, Self::OneCycle(_))
    }

    /// The rate the schedule goes by in place of the run's, if it has one of its own.
    pub fn own_lr(&self) -> Option<f64> {
        if let Self::OneCycle(one_cycle) = self { one_cycle.max_lr } else { None }
    }

    /// The largest momentum a step can have, where the run's is given.
    pub fn largest_momentum(&self, momentum: f64) -> f64 {
        match self {
            Self::OneCycle(cycle) if cycle.cycle_momentum && momentum > 0.0 => {
                cycle.max_momentum.max(cycle.base_momentum)
            }
            _ => momentum,
        }
    }

    /// The rate of the next step, from the rate and momentum given for the run.
    pub fn rate(&self, lr: f64, momentum: f64, at: &Moment) -> Rate {
        let epoch = at.epoch as f64;
        let power = |gamma: f64, times: u64| gamma.powi(i32::try_from(times).unwrap_or(i32::MAX));
        let cosine = |eta_min: f64, share: f64| eta_min + (lr - eta_min) * (1.0 + (PI * share).cos()) / 2.0;
        let lr = match self {
            Self::Constant => lr,
            Self::Step { step_size, gamma } => lr * power(*gamma, at.epoch / step_size),
            Self::MultiStep { milestones, gamma } => {
                lr * power(*gamma, milestones.iter().filter(|&&milestone| milestone <= at.epoch).count() as u64)
            }
            Self::Exponential { gamma } => lr * power(*gamma, at.epoch),
            Self::Linear { start_factor, end_factor, total_iters } => {
                let share = epoch.min(*total_iters as f64) / *total_iters as f64;
                lr * (start_factor + (end_factor - start_factor) * share)
            }
            Self::Polynomial { total_iters, power } => {
                lr * (1.0 - epoch.min(*total_iters as f64) / *total_iters as f64).powf(*power)
            }
            Self::Cosine { t_max, eta_min } => {
                let t_max = t_max.or(at.total_epochs).unwrap_or(at.epoch + 1).max(1);
                cosine(*eta_min, epoch / t_max as f64)
            }
            Self::CosineRestarts { t_0, t_mult, eta_min } => {
                let (mut since, mut length) = (at.epoch, *t_0);
                while since >= length {
                    since -= length;
                    length = length.saturating_mul(*t_mult);
                }
                cosine(*eta_min, since as f64 / length as f64)
            }
            Self::OneCycle(one_cycle) => return one_cycle.rate(lr, momentum, at),
            Self::Plateau(plateau) => plateau.lr(lr, at.losses),
            Self::StableDecay { share } => {
                let left = at.total_epochs.map_or(1.0, |total| (total as f64 - epoch) / (share * total as f64));
                lr * left.clamp(0.0, 1.0)
            }
            Self::InverseTime { gamma } => lr / (1.0 + gamma * epoch),
            Self::InverseSqrt { gamma } => lr / (1.0 + gamma * epoch).sqrt(),
        };
        Rate { lr, momentum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(text: &str, epochs: u64) -> Vec<f64> {
        let schedule: Schedule = text.parse().unwrap();
        let at = |epoch| Moment { epoch, total_epochs: Some(epochs), ..Moment::default() };
        (0..epochs).map(|epoch| schedule.rate(1.0, 0.0, &at(epoch)).lr).collect()
    }

    #[track_caller]
    fn assert_close(found: &[f64], expected: &[f64]) {
        let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(found.len() == expected.len() && close, "{found:?} is not {expected:?}");
    }

    #[test]
    fn rates_follow_their_formulas() {
        assert_close(&rates("step:step-size=2,gamma=0.5", 5), &[1.0, 1.0, 0.5, 0.5, 0.25]);
        assert_close(&rates("multi-step:milestones=1+3,gamma=0.1", 4), &[1.0, 0.1, 0.1, 0.01]);
        assert_close(&rates("exponential:gamma=0.5", 3), &[1.0, 0.5, 0.25]);
        assert_close(&rates("linear:start-factor=0.5,total-iters=2", 4), &[0.5, 0.75, 1.0, 1.0]);
        assert_close(&rates("polynomial:total-iters=2,power=2", 4), &[1.0, 0.25, 0.0, 0.0]);
        assert_close(&rates("cosine", 2), &[1.0, 0.5]);
        assert_close(&rates("cosine-restarts:t-0=1,t-mult=2", 4), &[1.0, 1.0, 0.5, 1.0]);
        assert_close(&rates("stable-decay:share=0.5", 4), &[1.0, 1.0, 1.0, 0.5]);
        assert_close(&rates("inverse-time", 3), &[1.0, 0.5, 1.0 / 3.0]);
        assert_close(&rates("inverse-sqrt:gamma=3", 2), &[1.0, 0.5]);
    }

    #[test]
    fn plateau_drops_after_more_than_patience_epochs_without_a_better_loss() {
        let schedule: Schedule = "plateau:factor=0.5,patience=1,threshold=0.05".parse().unwrap();
        let lr = |losses: &[f64]| schedule.rate(1.0, 0.0, &Moment { losses, ..Moment::default() }).lr;
        assert_close(&[lr(&[]), lr(&[1.0, 0.99]), lr(&[1.0, 0.99, 0.98]), lr(&[1.0, 0.9, 0.8])], &[1.0, 1.0, 0.5, 1.0]);
    }

    #[test]
    fn one_cycle_goes_up_and_down_and_moves_the_momentum_against_the_rate() {
        let schedule: Schedule = "one-cycle:max-lr=2".parse().unwrap();
        let rate = |step| schedule.rate(1.0, 0.9, &Moment { step, total_steps: Some(10), ..Moment::default() });
        assert_close(&[rate(0).lr, rate(2).lr, rate(9).lr], &[0.08, 2.0, 0.08 / 1e4]);
        assert_close(&[rate(0).momentum, rate(2).momentum, rate(99).momentum], &[0.95, 0.85, 0.95]);
    }

    #[test]
    fn every_schedule_reads_what_it_writes() {
        for name in [
            "constant",
            "step:step-size=2",
            "multi-step:milestones=1+3",
            "exponential:gamma=0.8",
            "linear",
            "polynomial",
            "cosine",
            "cosine:t-max=6,eta-min=0.001",
            "cosine-restarts:t-0=3,t-mult=2",
            "one-cycle",
            "one-cycle:max-lr=1,anneal-strategy=linear,cycle-momentum=false",
            "plateau",
            "stable-decay",
            "inverse-time",
            "inverse-sqrt",
        ] {
            let schedule: Schedule = name.parse().unwrap();
            assert_eq!(schedule.to_string().parse::<Schedule>().unwrap(), schedule, "{name}");
        }
    }

    #[test]
    fn a_schedule_that_cannot_be_used_says_why() {
        let message = |text: &str| text.parse::<Schedule>().unwrap_err().to_string();
        assert_eq!(
            message("step:step-size=0"),
            "`schedule`: expected `step-size` to be a whole number above 0, found `step:step-size=0`"
        );
        assert_eq!(message("exponential"), "`schedule`: expected an argument `gamma=…`, found `exponential`");
        assert_eq!(
            message("cosine:tmax=3"),
            "`schedule`: expected arguments t-max, eta-min, not `tmax`, found `cosine:tmax=3`"
        );
        assert!(message("warm").starts_with("`schedule`: expected one of constant, step,"));
    }
}
