//! How is a schedule written, and read back?
//!
//! `NAME:KEY=VALUE,…`, as on the command line and in `run.json`.

use std::fmt;
use std::str::FromStr;

use super::{Anneal, OneCycle, Plateau, Schedule, ThresholdMode};
use crate::error::{Error, ErrorKind, Problem, Result};

/// The names of the schedules, for messages.
pub const NAMES: [&str; 13] = [
    "constant",
    "step",
    "multi-step",
    "exponential",
    "linear",
    "polynomial",
    "cosine",
    "cosine-restarts",
    "one-cycle",
    "plateau",
    "stable-decay",
    "inverse-time",
    "inverse-sqrt",
];

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional =
            |key: &str, value: Option<String>| value.map_or(String::new(), |value| format!("{key}={value},"));
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Step { step_size, gamma } => write!(f, "step:step-size={step_size},gamma={gamma}"),
            Self::MultiStep { milestones, gamma } => {
                let milestones: Vec<_> = milestones.iter().map(u64::to_string).collect();
                write!(f, "multi-step:milestones={},gamma={gamma}", milestones.join("+"))
            }
            Self::Exponential { gamma } => write!(f, "exponential:gamma={gamma}"),
            Self::Linear { start_factor, end_factor, total_iters } => {
                write!(f, "linear:start-factor={start_factor},end-factor={end_factor},total-iters={total_iters}")
            }
            Self::Polynomial { total_iters, power } => write!(f, "polynomial:total-iters={total_iters},power={power}"),
            Self::Cosine { t_max, eta_min } => {
                write!(f, "cosine:{}eta-min={eta_min}", optional("t-max", t_max.map(|t| t.to_string())))
            }
            Self::CosineRestarts { t_0, t_mult, eta_min } => {
                write!(f, "cosine-restarts:t-0={t_0},t-mult={t_mult},eta-min={eta_min}")
            }
            Self::OneCycle(one_cycle) => write!(
                f,
                "one-cycle:{}{}pct-start={},anneal-strategy={},div-factor={},final-div-factor={},three-phase={},cycle-momentum={},base-momentum={},max-momentum={}",
                optional("max-lr", one_cycle.max_lr.map(|lr| lr.to_string())),
                optional("total-steps", one_cycle.total_steps.map(|steps| steps.to_string())),
                one_cycle.pct_start,
                if one_cycle.anneal == Anneal::Cos { "cos" } else { "linear" },
                one_cycle.div_factor,
                one_cycle.final_div_factor,
                one_cycle.three_phase,
                one_cycle.cycle_momentum,
                one_cycle.base_momentum,
                one_cycle.max_momentum,
            ),
            Self::Plateau(Plateau { factor, patience, threshold, threshold_mode, cooldown, min_lr, eps }) => write!(
                f,
                "plateau:factor={factor},patience={patience},threshold={threshold},threshold-mode={},cooldown={cooldown},min-lr={min_lr},eps={eps}",
                if *threshold_mode == ThresholdMode::Rel { "rel" } else { "abs" },
            ),
            Self::StableDecay { share } => write!(f, "stable-decay:share={share}"),
            Self::InverseTime { gamma } => write!(f, "inverse-time:gamma={gamma}"),
            Self::InverseSqrt { gamma } => write!(f, "inverse-sqrt:gamma={gamma}"),
        }
    }
}

/// The `key=value` pairs after a schedule's name, taken one by one; what is left over is a mistake.
struct Arguments<'a> {
    text: &'a str,
    pairs: Vec<(&'a str, &'a str)>,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl<'a> Arguments<'a> {
    fn of(text: &'a str) -> (&'a str, Self) {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let pairs = rest.split(',').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
        (name, Self { text, pairs, known: Vec::new(), problems: Vec::new() })
    }

    fn refuse(&mut self, expected: String) {
        self.problems.push(Problem::new("schedule", expected, self.text));
    }

    fn take<T: FromStr>(&mut self, key: &'static str, expected: &str, holds: impl Fn(&T) -> bool) -> Option<T> {
        self.known.push(key);
        let at = self.pairs.iter().position(|(given, _)| *given == key)?;
        let (_, value) = self.pairs.remove(at);
        let value = value.parse().ok().filter(holds);
        if value.is_none() {
            self.refuse(format!("`{key}` to be {expected}"));
        }
        value
    }

    fn number(&mut self, key: &'static str, default: Option<f64>, least: f64) -> f64 {
        let expected = if least == 0.0 { "a finite number, 0 or above" } else { "a finite number above 0" };
        let value = self.take(key, expected, |value: &f64| *value >= least && value.is_finite());
        value.or(default).unwrap_or_else(|| {
            self.miss(key);
            f64::NAN
        })
    }

    fn whole(&mut self, key: &'static str, default: Option<u64>, least: u64) -> u64 {
        let expected = if least == 0 { "a whole number, 0 or above" } else { "a whole number above 0" };
        let value = self.take(key, expected, |value: &u64| *value >= least);
        value.or(default).unwrap_or_else(|| {
            self.miss(key);
            1
        })
    }

    fn miss(&mut self, key: &str) {
        if self.problems.is_empty() {
            self.refuse(format!("an argument `{key}=…`"));
        }
    }

    fn finish(mut self, schedule: Schedule) -> Result<Schedule> {
        if let Some((unknown, _)) = self.pairs.first() {
            let known = if self.known.is_empty() {
                "no arguments".to_owned()
            } else {
                format!("arguments {}", self.known.join(", "))
            };
            let unknown = (*unknown).to_owned();
            self.refuse(format!("{known}, not `{unknown}`"));
        }
        Error::unless_empty(self.problems)?;
        Ok(schedule)
    }
}

/// The smallest number that counts as above zero.
const ABOVE_ZERO: f64 = f64::MIN_POSITIVE;

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, mut arguments) = Arguments::of(text);
        let a = &mut arguments;
        let schedule = match name {
            "constant" => Self::Constant,
            "step" => {
                Self::Step { step_size: a.whole("step-size", None, 1), gamma: a.number("gamma", Some(0.1), ABOVE_ZERO) }
            }
            "multi-step" => {
                let written = a.take("milestones", "epochs joined by `+`, as 1+3", |text: &String| {
                    text.split('+').all(|epoch| epoch.parse::<u64>().is_ok())
                });
                if written.is_none() {
                    a.miss("milestones");
                }
                let milestones =
                    written.unwrap_or_default().split('+').filter_map(|epoch| epoch.parse().ok()).collect();
                Self::MultiStep { milestones, gamma: a.number("gamma", Some(0.1), ABOVE_ZERO) }
            }
            "exponential" => Self::Exponential { gamma: a.number("gamma", None, ABOVE_ZERO) },
            "linear" => Self::Linear {
                start_factor: a.number("start-factor", Some(1.0 / 3.0), ABOVE_ZERO),
                end_factor: a.number("end-factor", Some(1.0), 0.0),
                total_iters: a.whole("total-iters", Some(5), 1),
            },
            "polynomial" => Self::Polynomial {
                total_iters: a.whole("total-iters", Some(5), 1),
                power: a.number("power", Some(1.0), 0.0),
            },
            "cosine" => Self::Cosine {
                t_max: a.take("t-max", "a whole number above 0", |&t: &u64| t > 0),
                eta_min: a.number("eta-min", Some(0.0), 0.0),
            },
            "cosine-restarts" => Self::CosineRestarts {
                t_0: a.whole("t-0", None, 1),
                t_mult: a.whole("t-mult", Some(1), 1),
                eta_min: a.number("eta-min", Some(0.0), 0.0),
            },
            "one-cycle" => Self::OneCycle(OneCycle {
                max_lr: a.take("max-lr", "a finite number above 0", |&lr: &f64| lr > 0.0 && lr.is_finite()),
                total_steps: a.take("total-steps", "a whole number above 1", |&steps: &u64| steps > 1),
                pct_start: a
                    .take("pct-start", "a number from 0 to 1", |s: &f64| (0.0..=1.0).contains(s))
                    .unwrap_or(0.3),
                anneal: match a.take("anneal-strategy", "cos or linear", |s: &String| s == "cos" || s == "linear") {
                    Some(shape) if shape == "linear" => Anneal::Linear,
                    _ => Anneal::Cos,
                },
                three_phase: a.take("three-phase", "true or false", |_: &bool| true).unwrap_or(false),
                div_factor: a.number("div-factor", Some(25.0), ABOVE_ZERO),
                final_div_factor: a.number("final-div-factor", Some(1e4), ABOVE_ZERO),
                cycle_momentum: a.take("cycle-momentum", "true or false", |_: &bool| true).unwrap_or(true),
                base_momentum: a.number("base-momentum", Some(0.85), 0.0),
                max_momentum: a.number("max-momentum", Some(0.95), 0.0),
            }),
            "plateau" => Self::Plateau(Plateau {
                factor: a.take("factor", "a number above 0 and below 1", |&f: &f64| f > 0.0 && f < 1.0).unwrap_or(0.1),
                patience: a.whole("patience", Some(10), 0),
                threshold: a.number("threshold", Some(1e-4), 0.0),
                threshold_mode: match a.take("threshold-mode", "rel or abs", |m: &String| m == "rel" || m == "abs") {
                    Some(mode) if mode == "abs" => ThresholdMode::Abs,
                    _ => ThresholdMode::Rel,
                },
                cooldown: a.whole("cooldown", Some(0), 0),
                min_lr: a.number("min-lr", Some(0.0), 0.0),
                eps: a.number("eps", Some(1e-8), 0.0),
            }),
            "stable-decay" => Self::StableDecay { share: a.number("share", Some(0.2), ABOVE_ZERO).min(1.0) },
            "inverse-time" => Self::InverseTime { gamma: a.number("gamma", Some(1.0), ABOVE_ZERO) },
            "inverse-sqrt" => Self::InverseSqrt { gamma: a.number("gamma", Some(1.0), ABOVE_ZERO) },
            _ => {
                let problem = Problem::new("schedule", format!("one of {}", NAMES.join(", ")), text);
                return Err(ErrorKind::Settings(vec![problem]).into());
            }
        };
        arguments.finish(schedule)
    }
}

impl TryFrom<String> for Schedule {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}
