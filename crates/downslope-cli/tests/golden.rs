//! The command goes PyTorch's way step by step: every recorded trajectory that can be said in flags, from a CSV and a
//! file of initial parameters to `metrics.jsonl` and `model.safetensors`. What no flag can say is named in
//! [`reason_to_skip`].
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on says so and ends")]

mod support;

use std::collections::HashMap;
use std::fmt::Write;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::Value;
use support::Workplace;

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))],
    }
}

/// Why a trajectory cannot be walked by the command.
fn reason_to_skip(case: &Value) -> Option<&'static str> {
    if case["order"] != "sequential" {
        Some("its order of rows is its own")
    } else if case["sgd"]["maximize"] == true {
        Some("no flag goes uphill")
    } else {
        None
    }
}

/// The rows as a CSV; the shortest digits of a number that was an `f32` once bring it back.
fn table_of(case: &Value) -> String {
    let rows: Vec<Vec<f64>> = case["x"].as_array().unwrap().iter().map(numbers).collect();
    let mut text: String = (0..rows[0].len()).fold(String::new(), |text, column| text + &format!("x{column},"));
    text.push_str("y\n");
    for (row, y) in rows.iter().zip(numbers(&case["y"])) {
        for value in row {
            write!(text, "{value},").unwrap();
        }
        writeln!(text, "{y}").unwrap();
    }
    text
}

fn flags_of(case: &Value) -> String {
    let mut flags = format!(
        "--target y --no-shuffle --scale none --validation none --log-every 1 --epochs {} --lr {} --batch-size {}",
        case["epochs"],
        case["sgd"]["lr"],
        case["batch_size"].as_str().map_or_else(|| case["batch_size"].to_string(), str::to_owned)
    );
    let task = if case["task"] == "regression" { "regression" } else { "classification" };
    let loss = case["loss"].as_str().unwrap().replace('_', "-");
    let argument = |name: &str| case["loss_args"].get(name).map(|value| format!("{loss}={value}"));
    let loss = argument("tau").or(argument("delta")).unwrap_or(loss.clone());
    write!(flags, " --task {task} --loss {loss}").unwrap();
    for (key, value) in case["sgd"].as_object().unwrap() {
        match (key.as_str(), value) {
            ("lr", _) | (_, Value::Bool(false) | Value::Null) => {}
            (key, Value::Bool(true)) => write!(flags, " --{}", key.replace('_', "-")).unwrap(),
            (key, value) => write!(flags, " --{} {value}", key.replace('_', "-")).unwrap(),
        }
    }
    if case["drop_last"] == true {
        flags.push_str(" --drop-last");
    }
    match case["clip"]["name"].as_str() {
        Some("clip_grad_norm_") => write!(flags, " --clip-norm {}", case["clip"]["args"]["max_norm"]).unwrap(),
        Some("clip_grad_value_") => write!(flags, " --clip-value {}", case["clip"]["args"]["clip_value"]).unwrap(),
        _ => {}
    }
    if let Some(schedule) = schedule_of(&case["schedule"]) {
        write!(flags, " --schedule {schedule}").unwrap();
    }
    let hidden: Vec<String> = numbers(&case["hidden"]).iter().map(f64::to_string).collect();
    if hidden.is_empty() {
        flags.push_str(" --init zeros");
    } else {
        let activation = case["activation"].as_str().unwrap();
        write!(flags, " --hidden {} --activation {activation} --init init.safetensors", hidden.join(",")).unwrap();
    }
    flags
}

fn schedule_of(schedule: &Value) -> Option<String> {
    let ours = match schedule["name"].as_str()? {
        "StepLR" => "step",
        "MultiStepLR" => "multi-step",
        "ExponentialLR" => "exponential",
        "LinearLR" => "linear",
        "PolynomialLR" => "polynomial",
        "CosineAnnealingLR" => "cosine",
        "CosineAnnealingWarmRestarts" => "cosine-restarts",
        "OneCycleLR" => "one-cycle",
        "ReduceLROnPlateau" => "plateau",
        name => panic!("a schedule {name}"),
    };
    let arguments = schedule["args"].as_object().unwrap().iter().map(|(key, value)| {
        let value = match value {
            Value::Array(milestones) => milestones.iter().map(Value::to_string).collect::<Vec<_>>().join("+"),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        format!("{}={value}", key.to_lowercase().replace('_', "-"))
    });
    Some(format!("{ours}:{}", arguments.collect::<Vec<_>>().join(",")))
}

/// The initial parameters as PyTorch would save them.
fn safetensors_of(parameters: &Value) -> Vec<u8> {
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = parameters
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let values = numbers(value);
            let shape = match name.strip_suffix(".weight") {
                Some(layer) => {
                    let outputs = numbers(&parameters[format!("{layer}.bias")]).len();
                    vec![outputs, values.len() / outputs]
                }
                None => vec![values.len()],
            };
            let bytes = values.into_iter().flat_map(|value| (value as f32).to_le_bytes()).collect();
            (name.clone(), shape, bytes)
        })
        .collect();
    let views: Vec<_> = tensors
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()))
        .collect();
    safetensors::serialize(views, None::<HashMap<String, String>>).unwrap()
}

#[track_caller]
fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1.0);
    assert!(error <= tolerance, "{what}: {found} is not {expected} (relative error {error:.2e})");
}

fn reproduce(case: &Value) {
    let name = case["name"].as_str().unwrap();
    let here = Workplace::new();
    here.write("t.csv", table_of(case));
    here.write("init.safetensors", safetensors_of(&case["init"]));
    let flags = flags_of(case);
    let said = here.run(&format!("train t.csv --out run --quiet {flags}"));
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{name}: {flags}");

    let steps: Vec<Value> = here.events("run").into_iter().filter(|event| event["event"] == "step").collect();
    let losses = numbers(&case["losses"]);
    let tolerance = if numbers(&case["hidden"]).is_empty() { 1e-5 } else { 1e-4 };
    assert_eq!(steps.len(), losses.len(), "{name}: steps");
    for (index, (step, &expected)) in steps.iter().zip(&losses).enumerate() {
        assert_eq!(step["step"], index as u64 + 1, "{name}");
        assert_close(step["loss"].as_f64().unwrap(), expected, tolerance, &format!("{name}: step {}", index + 1));
    }
    if case["lrs"].is_array() {
        for (step, expected) in steps.iter().zip(numbers(&case["lrs"])) {
            let lr = step["lr"].as_f64().unwrap();
            assert_eq!((lr as f32).to_bits(), (expected as f32).to_bits(), "{name}: rate of step {}", step["step"]);
        }
    }

    let bytes = here.read("run/model.safetensors");
    let model = SafeTensors::deserialize(&bytes).unwrap();
    let (_, parameters) = case["parameters_after_step"]
        .as_object()
        .unwrap()
        .iter()
        .max_by_key(|(s, _)| s.parse::<usize>().unwrap())
        .unwrap();
    assert_eq!(model.len(), parameters.as_object().unwrap().len(), "{name}: {:?}", model.names());
    for (part, expected) in parameters.as_object().unwrap() {
        let tensor = model.tensor(part).unwrap();
        let found: Vec<f32> = tensor.data().as_chunks().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect();
        let expected = numbers(expected);
        assert_eq!(found.len(), expected.len(), "{name}: {part}");
        for (&found, expected) in found.iter().zip(expected) {
            assert_close(f64::from(found), expected, tolerance, &format!("{name}: {part} at the end"));
        }
    }
}

fn reproduce_file(text: &str, at_least: usize) {
    let golden: Value = serde_json::from_str(text).unwrap();
    let mut walked = 0;
    for case in golden["cases"].as_array().unwrap() {
        if let Some(reason) = reason_to_skip(case) {
            println!("{} is left out: {reason}", case["name"]);
        } else {
            reproduce(case);
            walked += 1;
        }
    }
    assert!(walked >= at_least, "{walked} trajectories walked");
}

#[test]
fn every_sequential_trajectory_of_torch_is_reproduced_by_the_command() {
    reproduce_file(include_str!("../../../golden/torch_sgd.json"), 32);
}

#[test]
fn every_other_option_goes_as_in_torch() {
    reproduce_file(include_str!("../../../golden/torch_extra.json"), 24);
}
