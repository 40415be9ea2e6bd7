//! Who looks for findings while a run goes on?

use super::experiment::Experiment;
use crate::diagnosis::{Case, Finding, Probes, Subject, examine};
use crate::event::Event;
use crate::observer::{Control, Observer, tell};
use crate::state::State;
use crate::stop::StopReason;
use crate::trainer::Trainer;

/// Passes events on to observers, and after epochs 1, 2, 4, 8 … first examines the run and tells them what it finds.
///
/// What is told depends on the epoch alone, so that a run that was interrupted tells the same: nothing is kept from one
/// look to the next but probes that stay as they are.
pub(super) struct Live<'a, 'o> {
    experiment: &'a Experiment,
    trainer: &'a Trainer,
    /// What was probed so far and stays true.
    known: Probes,
    observers: &'a mut [&'o mut dyn Observer],
}

impl<'a, 'o> Live<'a, 'o> {
    pub(super) fn new(
        experiment: &'a Experiment,
        trainer: &'a Trainer,
        known: Probes,
        observers: &'a mut [&'o mut dyn Observer],
    ) -> Self {
        Self { experiment, trainer, known, observers }
    }

    /// Tells the observers of findings.
    pub(super) fn tell(&mut self, findings: &[Finding], state: &State) -> Control {
        let mut control = Control::Continue;
        for finding in findings {
            if tell(self.observers, &Event::Finding(finding), state) == Control::Stop {
                control = Control::Stop;
            }
        }
        control
    }
}

impl Observer for Live<'_, '_> {
    fn next_step(&self) -> u64 {
        self.observers.iter().map(|observer| observer.next_step()).min().unwrap_or(u64::MAX)
    }

    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        let mut control = Control::Continue;
        if let Event::Epoch(epoch) = event
            && epoch.epoch.is_power_of_two()
        {
            let mut case = self.experiment.case(self.trainer, state, None, self.known.clone());
            let findings = examine(&mut case);
            self.known = case.probes.lasting();
            // Before the epoch is told: a checkpoint is taken then, and what was told must be in it.
            control = self.tell(&findings, state);
        }
        if tell(self.observers, event, state) == Control::Stop { Control::Stop } else { control }
    }
}

impl Experiment {
    /// A run at one moment, as findings see it.
    pub fn case<'a>(
        &'a self,
        trainer: &'a Trainer,
        state: &'a State,
        reason: Option<StopReason>,
        probes: Probes,
    ) -> Case<'a> {
        Case {
            subject: Some(Subject {
                objective: self.objective(),
                preprocessing: self.preprocessing(),
                trainer,
                start: self.start(),
                theta: &state.theta,
            }),
            ..Case::of(self.settings(), self.summary(), trainer, state, reason, probes)
        }
    }
}
