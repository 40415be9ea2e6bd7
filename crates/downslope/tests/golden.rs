//! θ, losses and rates step by step against PyTorch. `golden/README.md` says how the references are made.

#![allow(clippy::unwrap_used, reason = "a reference that cannot be read is a failed test")]

use std::path::Path;
use std::sync::Arc;

use downslope::clip::Clip;
use downslope::data::{Dataset, Features, Matrix, Table};
use downslope::event::Event;
use downslope::loader::{Batch, BatchSize, DataLoader, LastBatch, Order};
use downslope::loss::Loss;
use downslope::model::{Activation, Model};
use downslope::objective::{EmpiricalLoss, Objective};
use downslope::observer::{Control, Observer};
use downslope::run::{ClassWeight, Experiment, LearningRate, Settings, Validation};
use downslope::schedule::Schedule;
use downslope::sgd::Sgd;
use downslope::state::State;
use downslope::stop::Stop;
use downslope::trainer::Trainer;
use serde_json::Value;

struct Steps {
    step: u64,
    losses: Vec<f64>,
    lrs: Vec<f64>,
    thetas: Vec<Vec<f32>>,
}

impl Observer for Steps {
    fn next_step(&self) -> u64 {
        self.step + 1
    }

    fn observe(&mut self, event: &Event<'_>, state: &State) -> Control {
        if let Event::Step(step) = event {
            self.step = step.step;
            self.losses.push(step.loss);
            self.lrs.push(step.lr);
            self.thetas.push(state.theta.clone());
        }
        Control::Continue
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn loss_of(case: &Value) -> Loss {
    let argument = |key: &str, name: &str| case["loss_args"].get(key).map(|value| format!("{name}={value}"));
    let name = case["loss"].as_str().unwrap().replace('_', "-");
    let name = match name.as_str() {
        "huber" => argument("delta", "huber").unwrap_or(name),
        "quantile" => argument("tau", "quantile").unwrap_or(name),
        _ => name,
    };
    name.parse().unwrap()
}

fn schedule_of(case: &Value) -> Schedule {
    let schedule = &case["schedule"];
    let Some(name) = schedule["name"].as_str() else { return Schedule::Constant };
    let ours = match name {
        "StepLR" => "step",
        "MultiStepLR" => "multi-step",
        "ExponentialLR" => "exponential",
        "LinearLR" => "linear",
        "PolynomialLR" => "polynomial",
        "CosineAnnealingLR" => "cosine",
        "CosineAnnealingWarmRestarts" => "cosine-restarts",
        "OneCycleLR" => "one-cycle",
        "ReduceLROnPlateau" => "plateau",
        _ => panic!("a schedule {name}"),
    };
    let arguments = schedule["args"].as_object().unwrap().iter().map(|(key, value)| {
        let value = match value {
            Value::Array(milestones) => milestones.iter().map(Value::to_string).collect::<Vec<_>>().join("+"),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        format!("{}={value}", key.to_lowercase().replace('_', "-"))
    });
    format!("{ours}:{}", arguments.collect::<Vec<_>>().join(",")).parse().unwrap()
}

fn flat(model: &Model, parameters: &Value) -> Vec<f64> {
    model.parts().iter().flat_map(|part| numbers_flat(&parameters[&part.name])).collect()
}

fn numbers_flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers_flat).collect(),
        value => vec![number(value)],
    }
}

#[track_caller]
fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1.0);
    assert!(error <= tolerance, "{what}: {found} is not {expected} (relative error {error:.2e})");
}

fn reproduce(case: &Value) {
    let name = case["name"].as_str().unwrap();
    let x: Vec<f32> = numbers_flat(&case["x"]).into_iter().map(|v| v as f32).collect();
    let targets: Vec<f32> = numbers(&case["y"]).into_iter().map(|v| v as f32).collect();
    let n_rows = targets.len();
    let n_features = x.len() / n_rows;
    let hidden: Vec<usize> = numbers(&case["hidden"]).into_iter().map(|width| width as usize).collect();
    let model = Model {
        n_features,
        hidden,
        activation: if case["activation"] == "tanh" { Activation::Tanh } else { Activation::Relu },
        n_outputs: case["classes"].as_u64().map_or(1, |classes| classes as usize),
    };
    let x = Features::Dense(Matrix::new(n_rows, n_features, x).unwrap());
    let data = Arc::new(Dataset::new(x, targets).unwrap());
    let sgd = &case["sgd"];
    let option = |key: &str| sgd.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    let flag = |key: &str| sgd.get(key).and_then(Value::as_bool).unwrap_or(false);
    let order = match case["orders"].as_array() {
        Some(orders) if case["order"] == "given" => {
            Order::Given(orders.iter().map(|o| numbers(o).into_iter().map(|row| row as u32).collect()).collect())
        }
        _ => Order::Sequential,
    };
    let last_batch = if case["drop_last"] == true { LastBatch::Drop } else { LastBatch::Keep };
    let batch_size = match case["batch_size"].as_u64() {
        Some(rows) => BatchSize::rows(rows as usize).unwrap(),
        None => BatchSize::Full,
    };
    let clip = match case["clip"]["name"].as_str() {
        Some("clip_grad_norm_") => Clip::Norm(number(&case["clip"]["args"]["max_norm"])),
        Some("clip_grad_value_") => Clip::Value(number(&case["clip"]["args"]["clip_value"])),
        _ => Clip::None,
    };
    let trainer = Trainer {
        loader: Some(DataLoader::new(n_rows, batch_size, order, last_batch)),
        schedule: schedule_of(case),
        clip,
        ..Trainer::new(
            Sgd {
                lr: option("lr"),
                momentum: option("momentum"),
                dampening: option("dampening"),
                weight_decay: option("weight_decay"),
                nesterov: flag("nesterov"),
                maximize: flag("maximize"),
                l1: 0.0,
            },
            Stop::epochs(case["epochs"].as_u64().unwrap()),
        )
    };
    let tolerance = if model.is_linear() { 1e-5 } else { 1e-4 };
    let init: Vec<f32> = flat(&model, &case["init"]).into_iter().map(|v| v as f32).collect();
    let mut state = State::new(init);
    let mut objective = EmpiricalLoss::new(model.clone(), loss_of(case), data).unwrap();
    let mut steps = Steps { step: 0, losses: vec![], lrs: vec![], thetas: vec![] };
    trainer.run(&mut objective, None, &mut state, &mut [&mut steps]).unwrap();

    let losses = numbers(&case["losses"]);
    assert_eq!(steps.losses.len(), losses.len(), "{name}: steps");
    for (step, (&found, &expected)) in steps.losses.iter().zip(&losses).enumerate() {
        assert_close(found, expected, tolerance, &format!("{name}: loss of step {}", step + 1));
    }
    if case["lrs"].is_array() {
        for (step, (&found, expected)) in steps.lrs.iter().zip(numbers(&case["lrs"])).enumerate() {
            assert_eq!((found as f32).to_bits(), (expected as f32).to_bits(), "{name}: rate of step {}", step + 1);
        }
    }
    for (step, parameters) in case["parameters_after_step"].as_object().unwrap() {
        let theta = &steps.thetas[step.parse::<usize>().unwrap() - 1];
        for (&found, expected) in theta.iter().zip(flat(&model, parameters)) {
            assert_close(f64::from(found), expected, tolerance, &format!("{name}: parameters after step {step}"));
        }
    }
}

fn read(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn reproduce_file(file: &str, at_least: usize) {
    let golden = read(file);
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= at_least, "{} cases in {file}", cases.len());
    cases.iter().for_each(reproduce);
}

#[test]
fn every_trajectory_of_torch_is_reproduced() {
    reproduce_file("torch_sgd.json", 45);
}

#[test]
fn every_other_option_goes_as_in_torch() {
    reproduce_file("torch_extra.json", 36);
}

#[test]
fn weighted_losses_and_gradients_over_all_rows_are_those_of_torch() {
    for case in read("weights.json")["slopes"].as_array().unwrap() {
        let of = |key: &str| numbers_flat(&case[key]).into_iter().map(|v| v as f32).collect::<Vec<_>>();
        let (y, loss): (_, Loss) = (of("y"), loss_of(case));
        let x = Matrix::new(y.len(), 3, of("x")).unwrap();
        let model = Model {
            n_features: 3,
            hidden: numbers(&case["hidden"]).into_iter().map(|width| width as usize).collect(),
            activation: Activation::Tanh,
            n_outputs: if loss == Loss::CrossEntropy { 3 } else { 1 },
        };
        let data = Dataset::new(Features::Dense(x), y).unwrap().with_weights(of("weights")).unwrap();
        let n_rows = data.n_rows();
        let mut objective = EmpiricalLoss::new(model, loss, Arc::new(data)).unwrap();
        let mut gradient = objective.gradient();
        let total = objective.loss_and_gradient(&of("theta"), Batch::all(n_rows), &mut gradient);
        let what = format!("{loss}, hidden {}", case["hidden"]);
        assert_close(total.mean(), number(&case["value"]), 1e-6, &what);
        for (&sum, expected) in gradient.values().iter().zip(numbers(&case["gradient"])) {
            assert_close(f64::from(sum) / n_rows as f64, expected, 1e-6, &what);
        }
    }
}

#[test]
fn balanced_logistic_regression_ends_where_that_of_scikit_learn_does() {
    ends_where_scikit_learn_does("optimum");
}

#[test]
fn weights_of_rows_and_classes_together_end_where_those_of_scikit_learn_do() {
    ends_where_scikit_learn_does("optimum_of_rows");
}

fn ends_where_scikit_learn_does(case: &str) {
    let golden = &read("weights.json")[case];
    let weights = golden["weights"].as_array().map(|_| numbers(&golden["weights"]));
    let rows = golden["x"].as_array().unwrap().iter().zip(numbers(&golden["y"])).enumerate();
    let weight = |row: usize| weights.as_ref().map_or(1.0, |weights| weights[row]);
    let rows: Vec<String> =
        rows.map(|(row, (x, y))| format!("{},{},{},{y}\n", number(&x[0]), number(&x[1]), weight(row))).collect();
    let text = format!("a,b,w,class\n{}", rows.concat());
    let table = Table::from_csv("rows.csv", text.as_bytes(), &downslope::data::ReadOptions::default()).unwrap();
    let settings = Settings {
        class_weight: ClassWeight::Balanced,
        weight: Some("w".to_owned()),
        scale: downslope::data::Scale::None,
        validation: Validation::None,
        batch_size: downslope::run::BatchSetting::Fixed(BatchSize::Full),
        lr: LearningRate::Fixed(1.0),
        epochs: 2000,
        ..Settings::default()
    };
    let trained = Experiment::prepare(&table, &settings).unwrap().train(&mut []).unwrap();
    for (&found, expected) in trained.model.theta.iter().zip(numbers(&golden["theta"])) {
        assert_close(f64::from(found), expected, 1e-5, "theta");
    }
    assert_close(trained.train.loss, number(&golden["value"]), 1e-7, "the loss");
}
