//! How does a curve of the lesson come out of PyTorch?
//!
//! Two files: what was run (rows, the order of every epoch, the start, the loss of every step) and a script that runs
//! the same with `torch.optim.SGD` and says how far apart the two curves are. It needs `torch` and nothing else.

use std::sync::Arc;

use downslope::data::Features;
use downslope::loader::{BatchSize, DataLoader};
use downslope::loss::Loss;
use downslope::observer::History;
use downslope::run::Experiment;
use downslope::state::State;
use downslope::stop::StopReason;
use serde::Serialize;

use super::probe::Question;
use super::stage::{MOST_STEPS, Reading, Refusal, Stage, refused};
use super::subject::Subject;

/// The script; it reads the other file from beside itself.
pub(crate) const SCRIPT: &str = include_str!("descent.py");

/// What was run.
#[derive(Debug, Serialize)]
pub(crate) struct Exported {
    downslope: &'static str,
    table: String,
    loss: &'static str,
    batch_size: usize,
    lr: f64,
    epochs: u64,
    n_outputs: usize,
    /// Features as the model sees them, a list a row.
    x: Vec<Vec<f32>>,
    y: Vec<f32>,
    /// The order of the rows, a list an epoch; empty where rows are read as they stand.
    orders: Vec<Vec<u32>>,
    /// The parameters at the start, by PyTorch's names.
    start: Vec<Part>,
    /// The mean loss of each batch, before its step.
    losses: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct Part {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

pub(crate) fn export(stage: &Stage, question: &Question) -> Result<Exported, Refusal> {
    let reading = Reading::of(&question.asked)?;
    let experiment = stage.experiment(&reading, Some(1))?;
    let loss = match experiment.summary().loss {
        Loss::Squared => "MSELoss",
        Loss::Logistic => "BCEWithLogitsLoss",
        Loss::CrossEntropy => "CrossEntropyLoss",
        other => return refused(format!("the script knows no `{other}`")),
    };
    let asked = question.batch_size.clone().or(reading.text("batch-size").map(str::to_owned));
    let batch_size: BatchSize = asked.as_deref().unwrap_or("32").parse()?;
    let epochs = experiment.settings().epochs;
    let (lr, _) = experiment.learning_rate(batch_size)?;
    run(&experiment, loss, batch_size, lr, epochs)
}

fn run(
    experiment: &Arc<Experiment>,
    loss: &'static str,
    batch_size: BatchSize,
    lr: f64,
    epochs: u64,
) -> Result<Exported, Refusal> {
    let subject = Subject::Table(Arc::clone(experiment));
    let loader = experiment.trainer(batch_size, lr).loader;
    let steps = loader.as_ref().map_or(1, DataLoader::len) as u64 * epochs;
    if steps > MOST_STEPS {
        return refused(format!("{steps} steps are more than are exported: take fewer epochs or larger batches"));
    }
    let objective = experiment.objective();
    let data = objective.data();
    let Features::Dense(features) = &data.features else { return refused("sparse rows are not exported") };
    let mut orders = Vec::new();
    for epoch in 0..epochs {
        let mut order = Vec::new();
        if let Some(loader) = &loader {
            loader.write_order(epoch, &mut order);
        }
        orders.extend((!order.is_empty()).then_some(order));
    }
    let mut history = History::every(1);
    let mut state = State::new(experiment.start().to_vec());
    let trainer = subject.trainer(batch_size, lr, steps);
    let reason = trainer.run(&mut *subject.objective(), None, &mut state, &mut [&mut history])?;
    if reason == StopReason::Diverged {
        return refused(format!("at the rate {lr} this run leaps out: there is no curve to repeat"));
    }
    let part = |part: downslope::model::Part| Part {
        values: experiment.start()[part.range.clone()].to_vec(),
        name: part.name,
        shape: part.shape,
    };
    Ok(Exported {
        downslope: env!("CARGO_PKG_VERSION"),
        table: experiment.summary().source.clone(),
        loss,
        batch_size: batch_size.of(data.n_rows()),
        lr,
        epochs,
        n_outputs: objective.model().n_outputs,
        x: (0..data.n_rows()).map(|row| features.row(row).to_vec()).collect(),
        y: data.targets.clone(),
        orders,
        start: objective.model().parts().into_iter().map(part).collect(),
        losses: history.steps.iter().map(|&(_, loss, _)| loss).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::Lesson;
    use crate::server::protocol::Asked;

    #[test]
    fn what_is_exported_is_all_that_the_script_needs() {
        let stage = Stage::new(Lesson { title: String::new(), steps: Vec::new() });
        let parameters = [("epochs".to_owned(), "2".to_owned())].into();
        let asked = Asked { name: "pytorch-code".to_owned(), parameters };
        let exported = export(&stage, &Question { asked, at: Vec::new(), batch_size: None }).unwrap();
        assert_eq!((exported.batch_size, exported.losses.len(), exported.orders.len()), (32, 90, 2));
        assert_eq!(exported.x.len(), exported.y.len());
        assert_eq!(exported.start[0].shape, [10, exported.x[0].len()]);
        assert!(exported.losses[89] < exported.losses[0]);
    }
}
