//! How does a run get back to any of its steps?
//!
//! A few states are kept along the way, evenly spread over the steps; the steps between are taken again from the one
//! before. A run is a function of its state, so it arrives at the same bits.

use downslope::loader::BatchSize;
use downslope::state::State;

/// States kept at most.
const MOST: usize = 64;

/// A state, and how the run went on from it.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) state: State,
    pub(crate) lr: f64,
    pub(crate) batch_size: BatchSize,
    /// Kept whatever comes: the rate or the batch size changed here.
    is_turn: bool,
}

/// The states of a run.
#[derive(Default)]
pub(crate) struct Snapshots {
    every: u64,
    kept: Vec<Snapshot>,
}

impl Snapshots {
    /// Keeps a state from which the run goes on with these settings.
    pub(crate) fn turn(&mut self, state: &State, lr: f64, batch_size: BatchSize) {
        self.kept.push(Snapshot { state: state.clone(), lr, batch_size, is_turn: true });
    }

    /// Keeps the state if it is time.
    pub(crate) fn offer(&mut self, state: &State) {
        self.every = self.every.max(1);
        let Some(&Snapshot { lr, batch_size, .. }) = self.kept.last() else { return };
        if !state.step.is_multiple_of(self.every) {
            return;
        }
        self.kept.push(Snapshot { state: state.clone(), lr, batch_size, is_turn: false });
        while self.kept.iter().filter(|snapshot| !snapshot.is_turn).count() > MOST {
            self.every *= 2;
            let every = self.every;
            self.kept.retain(|snapshot| snapshot.is_turn || snapshot.state.step.is_multiple_of(every));
        }
    }

    /// The last state kept that is not after a step.
    pub(crate) fn before(&self, step: u64) -> Option<&Snapshot> {
        self.kept.iter().rev().find(|snapshot| snapshot.state.step <= step)
    }

    /// Forgets all that came after a step.
    pub(crate) fn cut_after(&mut self, step: u64) {
        self.kept.retain(|snapshot| snapshot.state.step <= step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_keeps_few_states_and_all_its_turns() {
        let mut snapshots = Snapshots::default();
        let mut state = State::new(vec![0.0]);
        for step in 0..10_000 {
            state.step = step;
            if step == 0 || step == 777 {
                snapshots.turn(&state, step as f64, BatchSize::Full);
            }
            snapshots.offer(&state);
        }
        assert!(snapshots.kept.len() <= MOST + 2);
        let at = |step| snapshots.before(step).map(|snapshot| (snapshot.state.step, snapshot.lr)).unwrap();
        assert_eq!(at(777), (777, 777.0));
        assert!(at(776).0 < 777 && at(776).1.abs() < 1e-9);
        assert!(9_999 - at(9_999).0 <= 256);
    }
}
