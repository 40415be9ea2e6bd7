//! How do runs read as a page?

use downslope::diagnosis::Severity;

use super::{Run, figures, text, verdict};
use crate::command;
use crate::learning_rate::plan_words;
use crate::page::{Block, Note, Page, Section, Tone};
use crate::quality::{headline, measures};
use crate::quantity::{count, number, seconds};
use crate::table::{Column, Table};
use crate::words::{capital, plural, rows};

pub(super) fn title(runs: &[Run<'_>]) -> String {
    match runs {
        [] => "No run".to_owned(),
        [run] => verdict::title(run),
        _ => format!("{} side by side", plural(runs.len() as u64, "run")),
    }
}

pub(super) fn report(runs: &[Run<'_>]) -> Page {
    let sections = match runs {
        [run] => of_one(run),
        _ => of_several(runs),
    };
    let versions: Vec<&str> = runs.iter().map(|run| run.record.downslope.as_str()).collect();
    let version = versions.first().filter(|first| versions.iter().all(|version| version == *first));
    Page {
        kicker: format!("downslope report · {}", runs.iter().map(|run| run.name).collect::<Vec<_>>().join(" · ")),
        title: title(runs),
        lead: match runs {
            [run] => subject(run),
            _ => String::new(),
        },
        sections,
        footer: version.map_or("downslope".to_owned(), |version| format!("downslope {version}")),
    }
}

fn subject(run: &Run<'_>) -> String {
    let data = &run.record.data;
    format!(
        "{} on {}, learnt from {} with {}.",
        capital(&data.model),
        data.source,
        plural(data.n_train as u64, "row"),
        plural(data.n_features as u64, "feature")
    )
}

fn of_one(run: &Run<'_>) -> Vec<Section> {
    let mut first = notes(run);
    let words = verdict::sentences(run).join(" ");
    if verdict::has_failed(run.record) || verdict::can_go_on(run.record) {
        first.insert(0, Block::Note(Note { tone: Tone::Caution, title: title(&[*run]), paragraphs: vec![words] }));
    } else {
        first.push(Block::Paragraph(words));
    }
    for (command, why) in verdict::next(run) {
        first.push(Block::Paragraph(format!("This {why}:")));
        first.push(Block::Commands(command));
    }
    let mut figures: Vec<Block> = figures::losses(&[*run]).into_iter().map(Block::Lines).collect();
    figures.extend(figures::learning_rates(&[*run]).map(Block::Lines));
    let mut sections = vec![
        Section { heading: String::new(), blocks: first },
        Section { heading: "The way down".to_owned(), blocks: figures },
    ];
    if let Some(table) = text::quality(run).filter(|_| !verdict::has_failed(run.record)) {
        let metrics = run.record.train.iter().flat_map(measures);
        let meanings = metrics.map(|measure| (measure.name.to_owned(), measure.meaning.to_owned())).collect();
        sections.push(Section {
            heading: "How good the model is".to_owned(),
            blocks: vec![Block::Table(table), Block::Definitions(meanings)],
        });
    }
    sections.push(Section { heading: "How it was done".to_owned(), blocks: how(run) });
    sections
}

/// The findings, unless they are told with the failure, and what was said about the data.
fn notes(run: &Run<'_>) -> Vec<Block> {
    let findings = run.record.findings.iter().filter(|_| !verdict::has_failed(run.record)).map(|finding| {
        let tone = if finding.severity == Severity::Advice { Tone::Plain } else { Tone::Caution };
        let paragraphs = vec![format!("{}.", capital(&finding.cause)), format!("{}.", capital(&finding.remedy))];
        Block::Note(Note { tone, title: finding.slug.clone(), paragraphs })
    });
    findings.collect()
}

fn how(run: &Run<'_>) -> Vec<Block> {
    let record = run.record;
    let data = &record.data;
    let mut pairs = vec![
        ("data".to_owned(), data.source.clone()),
        ("rows".to_owned(), rows(data)),
        ("target".to_owned(), format!("`{}`, {}", data.target, data.task)),
        ("model".to_owned(), format!("{}, {}", data.model, plural(data.n_parameters as u64, "parameter"))),
        ("loss".to_owned(), data.loss.to_string()),
        ("batch size".to_owned(), plural(text::batch_rows(run) as u64, "row")),
    ];
    match plan_words(&record.plan, data.n_train).as_slice() {
        [] => pairs.push(("learning rate".to_owned(), format!("{}, as given", number(record.plan.lr)))),
        words => pairs.push(("chosen".to_owned(), words.join("; "))),
    }
    if let Some(outcome) = record.outcome {
        pairs.push((
            "ended".to_owned(),
            format!(
                "{}: {}, {}, {} of training",
                outcome.reason,
                plural(outcome.epochs, "epoch"),
                plural(outcome.steps, "step"),
                seconds(outcome.time.training_seconds)
            ),
        ));
    }
    let flags = verdict::flags_of(record);
    let changed: Vec<String> = flags
        .iter()
        .map(|(flag, value)| format!("`{}`", [*flag, value.as_deref().unwrap_or("")].join(" ").trim()))
        .collect();
    let settings = if changed.is_empty() { "all as they are by default".to_owned() } else { changed.join(", ") };
    pairs.push(("settings".to_owned(), settings));
    let machine = &record.machine;
    let threads = plural(machine.cores as u64, "thread");
    pairs.push(("machine".to_owned(), format!("{}, {}, {threads}", machine.os, machine.arch)));
    pairs.push(("fingerprint of the data".to_owned(), data.fingerprint.clone()));
    let mut blocks = vec![Block::Definitions(pairs)];
    blocks.extend(record.notices.iter().map(|notice| Block::Paragraph(format!("{}.", capital(notice)))));
    blocks.push(Block::Paragraph("To do it again:".to_owned()));
    blocks.push(Block::Commands(command::line("train", &data.source, &flags)));
    blocks
}

fn of_several(runs: &[Run<'_>]) -> Vec<Section> {
    let mut figures: Vec<Block> = figures::losses(runs).into_iter().map(Block::Lines).collect();
    figures.extend(figures::learning_rates(runs).map(Block::Lines));
    let mut words = Vec::new();
    for run in runs {
        let tone =
            if verdict::has_failed(run.record) || verdict::can_go_on(run.record) { Tone::Caution } else { Tone::Plain };
        let title = format!("{}: {}", run.name, verdict::title(run));
        let mut paragraphs = vec![verdict::sentences(run).join(" ")];
        paragraphs.extend(verdict::findings(run.record));
        words.push(Block::Note(Note { tone, title, paragraphs }));
    }
    let mut again = String::new();
    for run in runs {
        again += &command::line("train", &run.record.data.source, &verdict::flags_of(run.record));
        again.push('\n');
    }
    vec![
        Section { heading: String::new(), blocks: vec![Block::Table(ends(runs)), Block::Table(differences(runs))] },
        Section { heading: "The ways down".to_owned(), blocks: figures },
        Section { heading: "Each run".to_owned(), blocks: words },
        Section { heading: "To do them again".to_owned(), blocks: vec![Block::Commands(again)] },
    ]
}

/// How each run ended.
fn ends(runs: &[Run<'_>]) -> Table {
    let metric = runs.iter().find_map(|run| run.record.train.as_ref().and_then(headline));
    let name = metric.map_or("quality", |measure| measure.name);
    let is_loss = name == "loss";
    let mut columns = vec![
        Column::text("run"),
        Column::text("ended"),
        Column::number("epochs"),
        Column::number("training loss"),
        Column::number("validation loss"),
    ];
    if !is_loss {
        columns.extend([Column::number(format!("training {name}")), Column::number(format!("validation {name}"))]);
    }
    let nothing = || "–".to_owned();
    let row = |run: &Run<'_>| {
        let record = run.record;
        let sides = [record.train, record.validation].map(|metrics| metrics.filter(|_| !verdict::has_failed(record)));
        let loss = sides.map(|metrics| metrics.map_or_else(nothing, |metrics| number(metrics.loss)));
        // Runs of different kinds have different measures: each says its own name where it is not the column's.
        let write = |measure: crate::quality::Measure| {
            let value = measure.format.write(measure.value);
            if measure.name == name { value } else { format!("{} {value}", measure.name) }
        };
        let quality = sides.map(|metrics| metrics.as_ref().and_then(headline).map_or_else(nothing, write));
        let ended = record.outcome.map_or("not yet".to_owned(), |outcome| outcome.reason.to_string());
        let epochs = record.outcome.map_or_else(nothing, |outcome| count(outcome.epochs));
        let mut fields = vec![run.name.to_owned(), ended, epochs];
        fields.extend(loss);
        if !is_loss {
            fields.extend(quality);
        }
        fields
    };
    Table { caption: "How each run ended".to_owned(), columns, rows: runs.iter().map(row).collect() }
}

/// The settings that are not the same in all runs.
fn differences(runs: &[Run<'_>]) -> Table {
    let all: Vec<Vec<(String, String)>> = runs.iter().map(told).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in all.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let value = |settings: &[(String, String)], name: &str| {
        settings.iter().find(|(other, _)| other == name).map_or("default".to_owned(), |(_, value)| value.clone())
    };
    names.retain(|name| all.windows(2).any(|pair| value(&pair[0], name) != value(&pair[1], name)));
    if names.is_empty() {
        let columns = vec![Column::text("The settings of all runs are the same")];
        return Table { caption: String::new(), columns, rows: Vec::new() };
    }
    let columns = [Column::text("")].into_iter().chain(runs.iter().map(|run| Column::text(run.name))).collect();
    let row = |name: &&str| {
        [(*name).to_owned()].into_iter().chain(all.iter().map(|settings| value(settings, name))).collect()
    };
    Table { caption: "What differs in their settings".to_owned(), columns, rows: names.iter().map(row).collect() }
}

fn told(run: &Run<'_>) -> Vec<(String, String)> {
    let record = run.record;
    let mut out = vec![
        ("data".to_owned(), record.data.source.clone()),
        ("model".to_owned(), record.data.model.clone()),
        ("batch size".to_owned(), count(text::batch_rows(run) as u64)),
        ("learning rate".to_owned(), number(record.plan.lr)),
    ];
    let known = ["--batch-size", "--lr"];
    let others = verdict::flags_of(record).into_iter().filter(|(flag, _)| !known.contains(flag));
    out.extend(others.map(|(flag, value)| (flag.to_owned(), value.unwrap_or_else(|| "yes".to_owned()))));
    out
}
