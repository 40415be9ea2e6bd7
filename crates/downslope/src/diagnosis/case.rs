//! What is known of a run, and what can still be asked?

use serde::{Deserialize, Serialize};

use super::columns::{self, ColumnScales, Telltale};
use super::constant::best_constant_loss;
use super::curvature::{self, evenly, rows_of, sample_size};
use super::learning_rate::{self, Chosen};
use super::noise;
use super::quadratic::{self, Quadratic};
use super::trend::Trend;
use crate::data::Preprocessing;
use crate::loader::DataLoader;
use crate::metrics::Metrics;
use crate::model::Activation;
use crate::objective::{EmpiricalLoss, Objective};
use crate::run::{DataSummary, Settings};
use crate::schedule::Schedule;
use crate::state::State;
use crate::stop::StopReason;
use crate::trainer::Trainer;

/// The parabola is seen on so many rows for every parameter, where there are so many.
const ROWS_PER_PARAMETER: usize = 32;

/// A run as a finding sees it: what was decided, what was recorded, and probes of its objective.
///
/// A probe is made when a finding first asks for it, and kept in [`Case::probes`] from then on. What is kept with a run
/// answers the same again when the run is read back and there is no objective to ask.
pub struct Case<'a> {
    /// What was decided.
    pub settings: &'a Settings,
    /// What it is about.
    pub data: &'a DataSummary,
    /// Rows a step.
    pub batch_size: usize,
    /// Steps in an epoch.
    pub steps_per_epoch: usize,
    /// The learning rate the run began with.
    pub lr: f64,
    /// The learning rate of its last step so far.
    pub last_lr: f64,
    /// How it changes.
    pub schedule: &'a Schedule,
    /// The epochs it was to take.
    pub epochs: u64,
    /// How often the run backed off from a rate that was too high.
    pub back_offs: u32,
    /// Mean training loss before the first step.
    pub initial_loss: f64,
    /// Mean training loss after each epoch.
    pub train_losses: &'a [f64],
    /// Mean validation loss after each epoch; empty where no rows are held out.
    pub validation_losses: &'a [f64],
    /// Why it ended; nothing while it goes on.
    pub reason: Option<StopReason>,
    /// How good the model is on the rows it was trained on, once it ended.
    pub train: Option<Metrics>,
    /// How good it is on the rows held out.
    pub validation: Option<Metrics>,
    /// What was probed so far.
    pub probes: Probes,
    /// What can be probed.
    pub subject: Option<Subject<'a>>,
}

/// What probes are made of.
pub struct Subject<'a> {
    /// The mean loss over the training rows.
    pub objective: EmpiricalLoss,
    /// How its features came about.
    pub preprocessing: &'a Preprocessing,
    /// The trainer, at the rate the run began with.
    pub trainer: &'a Trainer,
    /// θ where the run began.
    pub start: &'a [f32],
    /// θ where it is now.
    pub theta: &'a [f32],
}

/// The probes that were asked for; nothing where none was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Probes {
    /// What `--lr auto` chooses, or would have chosen, at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
    /// The largest curvature of the mean loss at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda_max: Option<f64>,
    /// The noise of single rows at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<noise::Scale>,
    /// What is left to gain at the end, were the loss the parabola that touches it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quadratic: Option<Quadratic>,
    /// The loss of the best answer that is the same for every row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_constant_loss: Option<f64>,
    /// How much the curvatures along single columns differ at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_scales: Option<ColumnScales>,
    /// The column that goes with the target most closely.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telltale: Option<Telltale>,
    /// The number of rows of each class among those that train.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_counts: Option<Vec<usize>>,
    /// Hidden units that pass nothing on at the end, and hidden units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_units: Option<(usize, usize)>,
}

impl Probes {
    /// Those that do not depend on where the run is.
    #[must_use]
    pub fn lasting(self) -> Self {
        Self { lambda_max: None, noise: None, quadratic: None, dead_units: None, ..self }
    }
}

impl<'a> Case<'a> {
    /// A run that a trainer took so far, with nothing to probe.
    pub fn of(
        settings: &'a Settings,
        data: &'a DataSummary,
        trainer: &'a Trainer,
        state: &'a State,
        reason: Option<StopReason>,
        probes: Probes,
    ) -> Self {
        Self {
            settings,
            data,
            batch_size: trainer.loader.as_ref().map_or(data.n_train, DataLoader::batch_size),
            steps_per_epoch: trainer.loader.as_ref().map_or(1, DataLoader::len),
            lr: trainer.sgd.lr,
            last_lr: trainer.last_rate(state).lr,
            schedule: &trainer.schedule,
            epochs: trainer.stop.epochs.unwrap_or(settings.epochs),
            back_offs: state.back_offs,
            initial_loss: state.initial_loss,
            train_losses: &state.train_losses,
            validation_losses: &state.validation_losses,
            reason,
            train: None,
            validation: None,
            probes,
            subject: None,
        }
    }
}

impl Case<'_> {
    /// Whether every step sees all rows.
    pub fn is_full_batch(&self) -> bool {
        self.batch_size == self.data.n_train
    }

    /// Whether there is no hidden layer.
    pub fn is_linear(&self) -> bool {
        self.settings.hidden.is_empty()
    }

    /// Whether it ended with a model.
    pub fn has_ended_well(&self) -> bool {
        self.reason.is_some_and(|reason| reason != StopReason::Diverged && reason != StopReason::Interrupted)
    }

    /// Whether the rate stays as it began.
    pub fn has_constant_rate(&self) -> bool {
        *self.schedule == Schedule::Constant
    }

    /// Whether the loss no longer falls: it rests, or goes up and down by more than it falls.
    pub fn falls_no_more(&self) -> bool {
        matches!(self.trend(), Some(Trend::Rests { .. } | Trend::Wanders { .. }))
    }

    /// The last training loss as a share of the first: no loss here is below zero but Poisson's, so no more of what was
    /// there to gain can be left.
    pub fn left_at_most(&self) -> Option<f64> {
        Some(self.last_loss()? / self.initial_loss)
    }

    /// How the training loss moved at the end.
    pub fn trend(&self) -> Option<Trend> {
        let losses = std::iter::once(self.initial_loss).chain(self.train_losses.iter().copied());
        Trend::of(&losses.enumerate().map(|(epoch, loss)| (epoch as f64, loss)).collect::<Vec<_>>())
    }

    /// How the validation loss moved at the end.
    pub fn validation_trend(&self) -> Option<Trend> {
        let losses = self.validation_losses.iter().enumerate();
        Trend::of(&losses.map(|(epoch, &loss)| ((epoch + 1) as f64, loss)).collect::<Vec<_>>())
    }

    /// The training loss after the last epoch.
    pub fn last_loss(&self) -> Option<f64> {
        self.train_losses.last().copied()
    }

    /// The optimiser at the rate of the last step.
    pub fn sgd(&self) -> crate::sgd::Sgd {
        self.settings.sgd(self.last_lr)
    }

    /// What `--lr auto` chooses, or would have chosen, at the start; nothing where the curvature is no number.
    pub fn chosen(&mut self) -> Option<Chosen> {
        let probe = |subject: &mut Subject<'_>| {
            learning_rate::choose(&mut subject.objective, subject.start, subject.trainer).ok()
        };
        ask(&mut self.probes.chosen, &mut self.subject, probe)
    }

    /// λmax where the run is now.
    pub fn lambda_max(&mut self) -> Option<f64> {
        let probe = |subject: &mut Subject<'_>| {
            Some(curvature::largest(&mut subject.objective, subject.theta).lambda_max).filter(|value| value.is_finite())
        };
        ask(&mut self.probes.lambda_max, &mut self.subject, probe)
    }

    /// The noise of single rows where the run is now, seen on some of them.
    pub fn noise(&mut self) -> Option<noise::Scale> {
        let seed = self.settings.seed;
        let probe = |subject: &mut Subject<'_>| {
            let most = sample_size(subject.objective.n_rows());
            Some(noise::scale(&mut subject.objective, subject.theta, Some(most), seed))
        };
        ask(&mut self.probes.noise, &mut self.subject, probe)
    }

    /// The parabola that touches the loss where the run is now, seen on some of the rows: so many that what could be gained
    /// by learning those rows by heart, about half a parameter a row, does not count.
    pub fn quadratic(&mut self) -> Option<Quadratic> {
        let probe = |subject: &mut Subject<'_>| {
            let n_rows = subject.objective.n_rows();
            let rows = evenly(n_rows, sample_size(n_rows).max(ROWS_PER_PARAMETER * subject.theta.len()));
            Some(quadratic::touching(&mut subject.objective, subject.theta, rows_of(rows.as_deref(), n_rows)))
        };
        ask(&mut self.probes.quadratic, &mut self.subject, probe)
    }

    /// The loss of the best answer that is the same for every row.
    pub fn best_constant_loss(&mut self) -> Option<f64> {
        let n_classes = self.data.classes.len();
        let loss = self.data.loss;
        let probe = |subject: &mut Subject<'_>| Some(best_constant_loss(loss, subject.objective.data(), n_classes));
        ask(&mut self.probes.best_constant_loss, &mut self.subject, probe)
    }

    /// How much the curvatures along single columns differ; nothing with hidden layers.
    pub fn column_scales(&mut self) -> Option<ColumnScales> {
        let probe = |subject: &mut Subject<'_>| {
            let n_rows = subject.objective.n_rows();
            let rows = evenly(n_rows, sample_size(n_rows));
            columns::scales(
                &mut subject.objective,
                subject.start,
                rows_of(rows.as_deref(), n_rows),
                subject.preprocessing,
            )
        };
        ask(&mut self.probes.column_scales, &mut self.subject, probe)
    }

    /// The column that goes with the target most closely, seen on some of the rows.
    pub fn telltale(&mut self) -> Option<Telltale> {
        let n_classes = self.data.classes.len();
        let probe = |subject: &mut Subject<'_>| {
            let n_rows = subject.objective.n_rows();
            let rows = evenly(n_rows, sample_size(n_rows));
            columns::telltale(
                subject.objective.data(),
                &rows_of(rows.as_deref(), n_rows),
                n_classes,
                subject.preprocessing,
            )
        };
        ask(&mut self.probes.telltale, &mut self.subject, probe)
    }

    /// The number of rows of each class; nothing for numbers.
    pub fn class_counts(&mut self) -> Option<Vec<usize>> {
        let n_classes = self.data.classes.len();
        let probe = |subject: &mut Subject<'_>| {
            let mut counts = vec![0; n_classes];
            subject.objective.data().targets.iter().for_each(|&class| counts[class as usize] += 1);
            Some(counts)
        };
        if n_classes == 0 { None } else { ask(&mut self.probes.class_counts, &mut self.subject, probe) }
    }

    /// Hidden rectifiers that pass nothing on for any of some rows, and hidden units; nothing without rectifiers.
    pub fn dead_units(&mut self) -> Option<(usize, usize)> {
        if self.is_linear() || self.settings.activation != Activation::Relu {
            return None;
        }
        let probe = |subject: &mut Subject<'_>| {
            let n_rows = subject.objective.n_rows();
            let rows = evenly(n_rows, sample_size(n_rows));
            let active = subject.objective.active_units(subject.theta, &rows_of(rows.as_deref(), n_rows)).concat();
            Some((active.iter().filter(|active| !**active).count(), active.len()))
        };
        ask(&mut self.probes.dead_units, &mut self.subject, probe)
    }
}

/// What is known already, or what a probe tells.
fn ask<'a, T: Clone>(
    known: &mut Option<T>,
    subject: &mut Option<Subject<'a>>,
    probe: impl FnOnce(&mut Subject<'a>) -> Option<T>,
) -> Option<T> {
    if known.is_none() {
        *known = subject.as_mut().and_then(probe);
    }
    known.clone()
}
