//! How does a comparison read as a page?

use downslope::compare::{Comparison, Method};

use super::table::{Group, groups};
use super::{figures, text, verdict};
use crate::command::{self, differing};
use crate::learning_rate::learning_rate_words;
use crate::page::{Block, Fact, Note, Page, Section, Tone};
use crate::quality::measures;
use crate::quantity::{count, number};
use crate::table::{Column, Table};
use crate::words::{plural, rows};

pub(super) fn report(comparison: &Comparison) -> Page {
    let mut verdict = verdict::paragraphs(comparison);
    let failures = verdict::failures(comparison);
    verdict.drain(..failures.len());
    let mut sections = Vec::new();
    let mut first: Vec<Block> = failures.iter().map(|words| failure(words)).collect();
    first.push(Block::Facts(facts(comparison)));
    first.extend(verdict.into_iter().map(Block::Paragraph));
    sections.push(Section { heading: String::new(), blocks: first });
    sections.push(Section {
        heading: "The same descent on three clocks".to_owned(),
        blocks: figures::clocks(comparison).into_iter().map(Block::Lines).collect(),
    });
    sections.push(Section {
        heading: "All numbers".to_owned(),
        blocks: groups(comparison).iter().map(|group| Block::Table(side_by_side(comparison, group))).collect(),
    });
    let mut cost = vec![Block::Bars(figures::step_times(comparison))];
    cost.extend(figures::noise(comparison).map(Block::Lines));
    sections.push(Section { heading: "What a batch size costs and buys".to_owned(), blocks: cost });
    sections.push(Section {
        heading: "What the numbers are".to_owned(),
        blocks: vec![Block::Definitions(definitions(comparison))],
    });
    sections.push(Section { heading: "How it was done".to_owned(), blocks: how(comparison) });
    let next = verdict::next(comparison);
    sections.push(Section {
        heading: "What to try next".to_owned(),
        blocks: next
            .into_iter()
            .flat_map(|(command, why)| [Block::Paragraph(format!("This {why}:")), Block::Commands(command)])
            .collect(),
    });
    Page {
        kicker: format!("downslope compare · {}", comparison.data.source),
        title: verdict::headline(comparison),
        lead: text::subject(comparison) + ".",
        sections,
        footer: format!("downslope {}", comparison.downslope),
    }
}

fn failure(words: &str) -> Block {
    let (title, rest) = words.split_once(". ").unwrap_or((words, ""));
    let paragraphs = if rest.is_empty() { Vec::new() } else { vec![rest.to_owned()] };
    Block::Note(Note { tone: Tone::Caution, title: title.trim_end_matches('.').to_owned(), paragraphs })
}

/// The winner on each clock.
fn facts(comparison: &Comparison) -> Vec<Fact> {
    verdict::Clock::ALL
        .into_iter()
        .filter_map(|clock| {
            let contest = clock.contest(comparison);
            let value = match contest.winners() {
                [] => return None,
                [(winner, _)] => winner.name.clone(),
                _ if contest.is_tied() => "a tie".to_owned(),
                tied => tied.iter().map(|(method, _)| method.name.clone()).collect::<Vec<_>>().join(", "),
            };
            let label = format!("lowest loss after {}", clock.amount(comparison));
            Some(Fact { label, value })
        })
        .collect()
}

fn side_by_side(comparison: &Comparison, group: &Group) -> Table {
    let methods = comparison.methods.iter().map(|method| Column::number(method.name.clone()));
    let rows = group.rows.iter().map(|row| {
        let fields =
            row.fields.iter().map(|field| if field.is_best { format!("◂ {}", field.text) } else { field.text.clone() });
        [row.label.trim().to_owned()].into_iter().chain(fields).collect()
    });
    let has_best = group.rows.iter().any(|row| row.fields.iter().any(|field| field.is_best));
    let caption = if has_best {
        format!("{}: ◂ marks the best of a row, and all within 1% of it", group.title)
    } else {
        group.title.clone()
    };
    Table { caption, columns: [Column::text("")].into_iter().chain(methods).collect(), rows: rows.collect() }
}

fn definitions(comparison: &Comparison) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = [
        ("batch size B", "Rows whose mean gradient makes one step. All n rows: batch; one: stochastic; else mini-batch."),
        ("learning rate η", "A step is θ ← θ − η·g. `auto`: 1/η = λmax + (β/(1 − μ) − λmax)/B · (n − B)/(n − 1), with λmax the largest curvature of the mean loss at the start, β from the curvatures of single rows and μ the momentum."),
        ("steps per epoch", "⌈n/B⌉: an epoch sees every row once."),
        ("time per step, middle half", "Median, and lower to upper quartile, of the time of a step: gradient and update, without any evaluation."),
        ("rows per second", "Rows seen over the seconds spent on steps, in the whole run."),
        ("time per epoch", "n over the rows per second."),
        ("gradient noise", "√(mean ‖g_B − g‖²) / ‖g‖ over up to 256 batches at the common start: how far the gradient of a batch is off, in lengths of the full gradient. Above 1 there is more noise than gradient. Drawn without replacement, its square is Σ/B·(n − B)/(n − 1)/‖g‖²: nothing at B = n."),
        ("zig-zag", "Σ‖θₜ₊₁ − θₜ‖ / ‖θ_end − θ_start‖, over at most 50,000 steps: length of the way over the distance it covered; 1 is a straight line."),
        ("loss after equal steps, epochs, seconds", "Mean loss over all training rows when every method had taken as many steps, seen as many rows, or spent as much time on steps. Time to evaluate is not counted."),
        ("time to a loss", "Seconds on steps until the training loss was first at or below the lowest value that every method reached, or the target that was given."),
    ]
    .map(|(term, meaning)| (term.to_owned(), meaning.to_owned()))
    .into();
    if let Some(metrics) = comparison.methods.iter().find_map(|method| method.validation) {
        out.extend(
            measures(&metrics).iter().skip(1).map(|measure| (measure.name.to_owned(), measure.meaning.to_owned())),
        );
    }
    out
}

fn how(comparison: &Comparison) -> Vec<Block> {
    let data = &comparison.data;
    let machine = &comparison.machine;
    let mut pairs = vec![
        ("data".to_owned(), data.source.clone()),
        ("rows".to_owned(), rows(data)),
        ("task".to_owned(), verdict::task(comparison)),
        (
            "model".to_owned(),
            format!(
                "{}, {} from {}",
                data.model,
                plural(data.n_parameters as u64, "parameter"),
                plural(data.n_features as u64, "feature")
            ),
        ),
        ("loss".to_owned(), format!("{}, {} at the start", data.loss, number(comparison.initial_loss))),
        ("epochs".to_owned(), count(comparison.epochs)),
        ("seed".to_owned(), comparison.seed.to_string()),
    ];
    let rate = |method: &Method| {
        let words = method.lr_from.as_ref().map_or_else(
            || format!("learning rate {}, as given", number(method.lr)),
            |chosen| learning_rate_words(chosen, method.batch_size, data.n_train),
        );
        (method.name.clone(), words)
    };
    pairs.extend(comparison.methods.iter().map(rate));
    pairs.push((
        "machine".to_owned(),
        format!("{}, {}, {}", machine.os, machine.arch, plural(machine.cores as u64, "thread")),
    ));
    pairs.push(("fingerprint of the data".to_owned(), data.fingerprint.clone()));
    let mut flags = differing(&comparison.settings);
    flags.insert(0, ("--batch-sizes", Some(verdict::sizes_of(comparison))));
    vec![
        Block::Definitions(pairs),
        Block::Paragraph("To do it again (all but the times will be the same):".to_owned()),
        Block::Commands(command::line("compare", &data.source, &flags)),
    ]
}
