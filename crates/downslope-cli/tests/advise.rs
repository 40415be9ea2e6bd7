//! What is advised rests on numbers that agree, can be written in every form, and can be followed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and ends")]

mod support;

use serde_json::Value;
use support::Workplace;

#[test]
fn the_edge_that_is_seen_is_the_limit_that_is_computed() {
    let here = Workplace::new();
    here.run("data make regression --rows 400 --features 6 --condition 50 --noise 0.3 --out t.csv").with_code(0);
    let advice = here.run("advise t.csv --target target --json --quiet").with_code(0).json();
    assert_eq!(advice["certainty"], "exact");
    let full = &advice["range_test"];
    let (edge, limit) = (full["edge"].as_f64().unwrap(), full["limit"].as_f64().unwrap());
    assert!((edge / limit - 1.0).abs() < 0.1, "{edge} is seen, {limit} computed");
    let at = advice["at"].as_array().unwrap();
    let rates = at.iter().map(|at| at["lr"].as_f64().unwrap()).collect::<Vec<_>>();
    assert!(rates.is_sorted() && at.len() >= 5, "{rates:?}");
    assert!(at.iter().all(|at| at["lr"].as_f64() < at["limit"].as_f64()), "{at:?}");
    let sizes = at.iter().map(|at| at["batch_size"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!((sizes[0], *sizes.last().unwrap()), (1, 320));
    assert!(advice["time"]["plan"]["race"]["runners"].as_array().unwrap().len() > 5);
}

#[test]
fn advice_can_be_followed() {
    let here = Workplace::new();
    let said = here.run("advise @breast-cancer").with_code(0);
    let command = said.out.lines().find(|line| line.starts_with("  downslope train")).unwrap();
    let args = command.trim().strip_prefix("downslope ").unwrap();
    here.run(&format!("{args} --quiet --out followed")).with_code(0);
    let run = here.json("followed/run.json");
    assert!(run["validation"]["accuracy"].as_f64() > Some(0.9), "{run}");
    for part in ["batch size", "safe rate", "Limit:", "Check:", "Noise:", "Prediction:"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
}

#[test]
fn advice_is_written_in_every_form() {
    let here = Workplace::new();
    let forms = ["html", "svg", "png", "csv", "json"].map(|form| format!("--report a.{form}")).join(" ");
    here.run(&format!("advise @diabetes --quiet {forms}")).with_code(0);
    let text = |name: &str| String::from_utf8(here.read(name)).unwrap();
    assert!(text("a.html").contains("Range test with full batches"));
    assert!(text("a.svg").starts_with("<svg"));
    assert!(here.read("a.png").starts_with(b"\x89PNG"));
    assert!(text("a.csv").starts_with("figure,series,x,y\r\nHow far a step may go,safe,1.0,"));
    assert!(here.json("a.json")["noise"]["b_simple"].is_number());
    let refused = here.run("advise @diabetes --report a.txt").with_code(2);
    assert!(refused.err.contains("a file that ends in .html, .svg, .png, .csv or .json"), "{refused:?}");
}

#[test]
fn a_batch_size_left_open_is_raced_for_and_kept() {
    let here = Workplace::new();
    let said = here.run("train @diabetes --batch-size auto --out run").with_code(0);
    assert!(said.err.contains("batch size ") && said.err.contains(" of the race"), "{said:?}");
    let run = here.json("run/run.json");
    assert_eq!(run["settings"]["batch_size"], "auto");
    let chosen: u64 = match &run["batch_size"] {
        Value::String(text) if text == "full" => 354,
        other => other.as_str().unwrap().parse().unwrap(),
    };
    let best =
        run["race"]["runners"].as_array().unwrap().iter().filter(|runner| {
            runner["batch_size"].as_u64() == Some(chosen) && runner["lr"].as_f64() == run["lr"].as_f64()
        });
    assert!(best.count() > 0, "{run}");
    assert_eq!(run["schedule"], "stable-decay:share=0.2");
    assert_eq!(run["outcome"]["epochs"], run["epochs"]);
    let again = here.run("resume run").with_code(0);
    assert!(again.err.contains("nothing left to do"), "{again:?}");
    let given = here.run("train @diabetes --batch-size auto --lr 0.01 --out given --quiet --json").with_code(0).json();
    assert_eq!((given["lr"].as_f64(), &given["schedule"]), (Some(0.01), &Value::from("constant")));
    let compared = here.run("compare @diabetes --batch-sizes full,auto --epochs 3 --json --quiet").with_code(0).json();
    assert!(!compared["methods"].as_array().unwrap().is_empty());
}
