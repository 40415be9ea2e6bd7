//! How long does Downslope need for an epoch?
//!
//! As [`State::training_time`] counts it: drawing the order of the rows and taking the steps, the loss of each batch
//! included. The loss over all rows, which the trainer looks at after every epoch, is not.

use std::sync::Arc;
use std::time::Duration;

use downslope::data::Dataset;
use downslope::event::Event;
use downslope::loader::{BatchSize, DataLoader, LastBatch, Order};
use downslope::loss::Loss;
use downslope::model::Model;
use downslope::objective::EmpiricalLoss;
use downslope::observer::{Control, Observer};
use downslope::sgd::Sgd;
use downslope::state::State;
use downslope::stop::Stop;
use downslope::trainer::Trainer;

use crate::Result;

/// What is descended on, and how.
#[derive(Clone, Debug)]
pub struct Descent {
    /// The model.
    pub model: Model,
    /// The loss.
    pub loss: Loss,
    /// The rows.
    pub data: Arc<Dataset>,
    /// Rows a step.
    pub batch_size: BatchSize,
    /// The rate.
    pub lr: f64,
    /// Epochs that are timed.
    pub epochs: u64,
    /// Threads at the disposal of the objective.
    pub threads: usize,
}

/// What a descent took, and where it led.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Training time of each epoch, in seconds.
    pub epoch_seconds: Vec<f64>,
    /// Mean loss over all rows before the first step.
    pub initial_loss: f64,
    /// Mean loss over all rows after the last step.
    pub loss: f64,
}

impl Descent {
    /// Descends from a start: one epoch to warm up, whose θ is thrown away, then those that are timed.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn measure(&self, start: &[f32]) -> Result<Measured> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build();
        let pool = pool.map_err(|error| format!("cannot start {} threads: {error}", self.threads))?;
        let pool = (self.threads > 1).then(|| Arc::new(pool));
        let objective = EmpiricalLoss::new(self.model.clone(), self.loss, self.data.clone());
        let mut objective = objective.map_err(|error| error.to_string())?.with_pool(pool.clone());
        let order = Order::Shuffled { seed: 1 };
        let loader = DataLoader::new(self.data.n_rows(), self.batch_size, order, LastBatch::Keep).with_pool(pool);
        let mut descend = |epochs| {
            let trainer =
                Trainer { loader: Some(loader.clone()), ..Trainer::new(Sgd::new(self.lr), Stop::epochs(epochs)) };
            let mut state = State::new(start.to_vec());
            let mut times = Times::default();
            trainer.run(&mut objective, None, &mut state, &mut [&mut times]).map_err(|error| error.to_string())?;
            Ok::<_, String>((state, times))
        };
        descend(1)?;
        let (state, times) = descend(self.epochs)?;
        Ok(Measured {
            epoch_seconds: times.epochs,
            initial_loss: state.initial_loss,
            loss: state.train_losses.last().copied().unwrap_or(f64::NAN),
        })
    }
}

/// Notes what each epoch took. Asks for no step, so that no step is interrupted.
#[derive(Default)]
struct Times {
    last: Duration,
    epochs: Vec<f64>,
}

impl Observer for Times {
    fn observe(&mut self, event: &Event<'_>, _: &State) -> Control {
        if let Event::Epoch(epoch) = event {
            let before = std::mem::replace(&mut self.last, epoch.training_time);
            self.epochs.push(epoch.training_time.saturating_sub(before).as_secs_f64());
        }
        Control::Continue
    }
}
