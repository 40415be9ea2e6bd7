//! Does each finding find what it is about, does its advice make it vanish, and are healthy runs left in peace?
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and ends")]

mod support;

use std::fmt::Write as _;
use std::path::PathBuf;

use downslope::diagnosis::RULES;
use serde_json::Value;
use support::{Draws, Said, Workplace};

/// A run that goes wrong: the finding, and what to type.
struct Bad {
    slug: &'static str,
    train: &'static str,
}

const BAD: &[Bad] = &[
    Bad { slug: "momentum-too-high", train: "@diabetes --momentum 1.5" },
    // Neither the lowest rate nor an end that comes early helps.
    Bad { slug: "momentum-too-high", train: "@digits --lr auto --momentum 1 --epochs 5" },
    Bad { slug: "learning-rate-too-high", train: "@diabetes --lr 5" },
    Bad {
        slug: "momentum-too-high",
        train: "@digits --momentum 0.9 --epochs 3 --lr 0.0001 --schedule one-cycle:max-momentum=1.2",
    },
    Bad { slug: "learning-rate-too-high", train: "@diabetes --lr 0.245 --batch-size 177 --epochs 2" },
    Bad {
        slug: "learning-rate-too-high",
        train: "@diabetes --lr 0.26 --batch-size 177 --epochs 2 --schedule step:step-size=1,gamma=0.000001",
    },
    // What scikit-learn's SGD makes of such columns at a constant rate, without a word, are weights of 1e12 …
    Bad { slug: "learning-rate-too-high", train: "scales.csv --scale none --lr 0.01 --batch-size 1" },
    Bad { slug: "badly-scaled-columns", train: "scales.csv --scale none --lr 0.01 --batch-size 1" },
    Bad { slug: "badly-scaled-columns", train: "scales.csv --scale none --lr 0.01 --batch-size full" },
    Bad { slug: "badly-scaled-columns", train: "scales.csv --scale none" },
    // … and of columns of one scale at too high a rate the same.
    Bad { slug: "learning-rate-too-high", train: "scales.csv --lr 0.5 --batch-size 1" },
    Bad { slug: "target-leak-suspected", train: "echo.csv" },
    Bad { slug: "target-leak-suspected", train: "echo.csv --drop z" },
    Bad { slug: "class-imbalance", train: "rare.csv" },
    Bad { slug: "underfitting", train: "saddle.csv" },
    Bad { slug: "underfitting", train: "@digits --weight-decay 100 --lr 0.001" },
    Bad { slug: "overfitting", train: "@breast-cancer --hidden 32" },
    Bad { slug: "dead-units", train: "@digits --scale none --hidden 64 --lr 0.05" },
    Bad { slug: "ill-conditioned", train: "valley.csv --batch-size full --epochs 200" },
    Bad { slug: "learning-rate-too-low", train: "@digits --lr 0.0005" },
    Bad { slug: "learning-rate-too-low", train: "@digits --lr 1e-30" },
    Bad { slug: "overshooting", train: "@diabetes --batch-size full --lr 0.22 --epochs 200" },
    Bad { slug: "edge-of-stability", train: "@diabetes --hidden 32 --batch-size full --lr 0.3 --epochs 400" },
    Bad { slug: "batch-noise-dominated", train: "@diabetes --batch-size 1 --lr 0.02" },
    Bad { slug: "last-batch-imbalance", train: "tail.csv --batch-size 64 --validation none" },
    Bad { slug: "at-the-noise-floor", train: "@diabetes --batch-size 1 --lr 0.008 --epochs 60" },
    Bad { slug: "batch-larger-than-useful", train: "wide.csv --batch-size full --epochs 8" },
];

/// Runs as they should be.
const HEALTHY: &[&str] = &[
    "@digits",
    "@digits --batch-size 1",
    "@digits --batch-size full",
    "@digits --momentum 0.9",
    "@digits --hidden 32",
    "@digits --batch-size full --momentum 0.9",
    "@digits --schedule cosine:t-max=30",
    "@digits --scale none",
    "@breast-cancer",
    "@breast-cancer --batch-size 1",
    "@breast-cancer --batch-size full",
    "@breast-cancer --momentum 0.9",
    "@breast-cancer --hidden 32 --patience 5",
    "@breast-cancer --schedule one-cycle:max-lr=0.1",
    "@diabetes --batch-size full",
    "@diabetes --batch-size 1",
    "@diabetes --drop-last",
    "@diabetes --drop-last --momentum 0.9",
    "@diabetes --schedule cosine:t-max=30",
    "@diabetes --batch-size full --epochs 300 --momentum 0.9",
];

/// The same on tables of others, which stand beside the project.
const HEALTHY_ELSEWHERE: &[(&str, &str)] = &[
    ("california_housing.csv", "--target median_house_value --epochs 10"),
    ("diamonds.csv", "--target price --epochs 10"),
    ("diamonds.csv", "--target cut --epochs 10"),
    ("titanic.csv", "--target survived --drop alive"),
    ("titanic.csv", "--target survived --drop alive --batch-size full"),
    ("penguins.csv", "--target species"),
];

/// A file from another folder beside the repository, or nothing.
fn elsewhere(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    path.exists().then_some(path)
}

fn workplace() -> Workplace {
    let here = Workplace::new();
    let mut draws = Draws(7);
    // The sum of twelve is near enough to normal.
    let mut normal = move || (0..12).map(|_| draws.next()).sum::<f64>() - 6.0;
    let mut table =
        |name: &str, header: &str, n_rows: usize, row: &mut dyn FnMut(&mut dyn FnMut() -> f64) -> Vec<f64>| {
            let mut text = format!("{header}\n");
            for _ in 0..n_rows {
                let fields: Vec<String> = row(&mut normal).iter().map(f64::to_string).collect();
                writeln!(text, "{}", fields.join(",")).unwrap();
            }
            here.write(name, text);
        };
    table("scales.csv", "a,b,c,target", 300, &mut |normal| {
        let (a, b, c) = (normal(), 100.0 * normal(), 1000.0 * normal());
        vec![a, b, c, a + b / 100.0 + c / 1000.0 + 0.1 * normal()]
    });
    table("echo.csv", "a,z,echo,target", 300, &mut |normal| {
        let a = normal();
        let target = a + 0.5 * normal();
        vec![a, normal(), 3.0 * target + 0.05 * normal(), target]
    });
    table("saddle.csv", "a,b,target", 600, &mut |normal| {
        let (a, b) = (normal(), normal());
        vec![a, b, (a * b).clamp(-2.0, 2.0)]
    });
    table("valley.csv", "a,b,target", 400, &mut |normal| {
        let (a, d) = (normal(), normal());
        vec![a, a + 0.03 * d, d + 0.3 * normal()]
    });
    table("tail.csv", "a,b,target", 321, &mut |normal| {
        let (a, b) = (normal(), normal());
        vec![a, b, a + b + normal()]
    });
    let mut labels = Draws(11);
    table("rare.csv", "x,z,label", 1500, &mut |normal| {
        let label = f64::from(u8::from(labels.next() < 0.05));
        vec![1.2 * label + normal(), normal(), label]
    });
    here.run("data make --rows 8000 --features 30 --condition 100 --out wide.csv").with_code(0);
    here
}

#[track_caller]
fn findings(here: &Workplace, run: &str) -> Vec<Value> {
    here.json(&format!("{run}/run.json"))["findings"].as_array().unwrap().clone()
}

fn slugs(findings: &[Value]) -> Vec<&str> {
    findings.iter().map(|finding| finding["slug"].as_str().unwrap()).collect()
}

/// The words of a command with the flags of a finding in place of its own.
fn advised(train: &str, finding: &Value) -> Vec<String> {
    let mut words: Vec<String> = train.split_whitespace().map(str::to_owned).collect();
    for pair in finding["flags"].as_array().unwrap() {
        let flag = pair[0].as_str().unwrap();
        if let Some(at) = words.iter().position(|word| word == flag) {
            words.drain(at..at + 2);
        }
        words.extend([flag.to_owned()].into_iter().chain(pair[1].as_str().map(str::to_owned)));
    }
    words
}

#[test]
fn every_finding_is_found_where_it_belongs_and_its_advice_makes_it_vanish() {
    let here = workplace();
    for (index, Bad { slug, train }) in BAD.iter().enumerate() {
        let said = here.run(&format!("train {train} --quiet --out bad-{index}"));
        assert!(said.code <= 1 && said.err.is_empty(), "{train}: {said:?}");
        let found = findings(&here, &format!("bad-{index}"));
        let Some(finding) = found.iter().find(|finding| finding["slug"] == *slug) else {
            panic!("{slug} was not found in {train}, but {:?}", slugs(&found));
        };
        let remedy = finding["remedy"].as_str().unwrap();
        for pair in finding["flags"].as_array().unwrap() {
            assert!(remedy.contains(pair[0].as_str().unwrap()), "{finding}");
        }
        let words = advised(train, finding);
        let mut command = here.command("train");
        let said =
            Said::of(command.args(&words).args(["--quiet", "--out", &format!("good-{index}")]).output().unwrap());
        assert_eq!(said.code, 0, "{words:?}: {said:?}");
        let found = findings(&here, &format!("good-{index}"));
        assert!(!slugs(&found).contains(slug), "{slug} is still found in {words:?}: {found:?}");
    }
    for rule in RULES {
        assert!(BAD.iter().any(|bad| bad.slug == rule.slug), "{}", rule.slug);
    }
}

#[test]
fn a_column_of_another_scale_explains_a_failure_from_behind() {
    let here = workplace();
    here.run("train scales.csv --scale none --lr 0.01 --batch-size 1 --quiet --out run").with_code(1);
    let found = findings(&here, "run");
    assert_eq!(slugs(&found), ["learning-rate-too-high", "badly-scaled-columns"]);
    assert!(found.iter().all(|finding| finding["severity"] == "failure"), "{found:?}");
    let cause = found[1]["cause"].as_str().unwrap();
    assert!(cause.contains("`c`") && cause.contains("leaps out"), "{cause}");
}

#[test]
fn healthy_runs_are_left_in_peace() {
    let here = Workplace::new();
    let mut complaints = Vec::new();
    let mut look = |train: String| {
        let name = format!("run-{}", here.listing().len());
        here.run(&format!("train {train} --quiet --out {name}")).with_code(0);
        for finding in findings(&here, &name) {
            complaints.push(format!("{train}: {}, {}", finding["slug"], finding["numbers"]));
        }
    };
    for train in HEALTHY {
        look((*train).to_owned());
    }
    for (name, flags) in HEALTHY_ELSEWHERE {
        match elsewhere(name) {
            Some(path) => look(format!("{} {flags}", path.display())),
            None => println!("skipped: {name} is missing"),
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn what_is_found_is_told_at_every_look_and_stands_in_the_record() {
    let here = workplace();
    let said = here.run("train echo.csv --out run").with_code(0);
    let events = here.events("run");
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    let told: Vec<Value> =
        events.iter().filter(|event| event["event"] == "finding").map(|e| e["finding"].clone()).collect();
    // After epochs 1, 2, 4, 8 and 16, before each is told, and at the end.
    assert_eq!(told.len(), 6);
    assert!(told.iter().all(|told| *told == findings(&here, "run")[0]));
    let epochs: Vec<usize> = (0..kinds.len()).filter(|&at| kinds[at] == "epoch").collect();
    assert!(kinds[epochs[0] - 1] == "finding" && kinds[epochs[1] - 1] == "finding" && kinds.last() == Some(&"finding"));
    assert_eq!(said.err.matches("target-leak-suspected").count(), 1, "said once: {said:?}");
}

#[test]
fn a_finding_that_is_not_allowed_ends_with_1_and_one_that_does_not_exist_with_2() {
    let here = workplace();
    here.run("train echo.csv --quiet --out a").with_code(0);
    here.run("train echo.csv --quiet --out b --deny target-leak-suspected,overfitting").with_code(1);
    here.run("train echo.csv --quiet --out c --deny overfitting").with_code(0);
    let said = here.run("train echo.csv --quiet --out d --deny overfit").with_code(2);
    assert!(said.err.ends_with("hint: `downslope explain` lists the findings\n"), "{}", said.err);
    assert!(!here.path("d").exists());
    let said = here.run("explain overfit").with_code(2);
    assert!(said.err.ends_with("hint: `downslope explain` lists the findings\n"), "{}", said.err);
}

#[test]
fn all_findings_are_listed_and_each_has_its_page() {
    let here = Workplace::new();
    let list = here.run("explain").with_code(0).out;
    assert_eq!(list.lines().count(), RULES.len());
    for rule in RULES {
        assert!(list.contains(rule.slug), "{list}");
        let page = here.run(&format!("explain {}", rule.slug)).with_code(0).out;
        assert!(page.starts_with(&format!("{}: ", rule.slug)), "{page}");
    }
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
}
