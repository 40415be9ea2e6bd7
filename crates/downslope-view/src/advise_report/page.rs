//! How does advice read as a page?

use downslope::advise::{Advice, Certainty};

use super::{figures, text, verdict};
use crate::page::{Block, Fact, Note, Page, Section, Tone};
use crate::quantity::{count, number, seconds};
use crate::table::{Column, Table};

pub(super) fn report(advice: &Advice) -> Page {
    let plan = &advice.time.plan;
    let facts = vec![
        Fact { label: "batch size".to_owned(), value: count(plan.batch_size.of(advice.data.n_train) as u64) },
        Fact { label: "learning rate".to_owned(), value: number(plan.lr) },
        Fact { label: "epochs".to_owned(), value: count(plan.epochs) },
    ];
    let mut first = vec![Block::Facts(facts)];
    first.extend(verdict::paragraphs(advice).into_iter().map(Block::Paragraph));
    for (command, why) in verdict::next(advice) {
        first.push(Block::Paragraph(format!("This {why}:")));
        first.push(Block::Commands(command));
    }
    let mut evidence = vec![Block::Lines(figures::limits(advice))];
    evidence.extend(advice.range_tests().map(|test| Block::Lines(figures::range_test(advice, test))));
    let cost = [figures::step_times(advice), figures::times_to_target(advice)].map(Block::Lines);
    let mut sections = vec![
        Section { heading: String::new(), blocks: first },
        Section { heading: "How far a step may go".to_owned(), blocks: evidence },
        Section {
            heading: "What it costs to get there".to_owned(),
            blocks: [Block::Table(text::table(advice))].into_iter().chain(cost).collect(),
        },
        Section { heading: "How noisy a batch is".to_owned(), blocks: vec![Block::Lines(figures::noise(advice))] },
    ];
    if let Some(race) = &plan.race {
        let columns = ["batch size", "learning rate", "steps", "time", "loss"].map(Column::number).into();
        let rows = race.runners.iter().map(|runner| {
            vec![
                count(runner.batch_size as u64),
                number(runner.lr),
                count(runner.steps),
                seconds(runner.seconds),
                if runner.loss.is_finite() { number(runner.loss) } else { "diverged".to_owned() },
            ]
        });
        let table = Table { caption: "Every pair that ran".to_owned(), columns, rows: rows.collect() };
        let mut blocks = vec![Block::Lines(figures::race(advice)), Block::Table(table)];
        if advice.data.n_validation > 0 {
            blocks.push(Block::Paragraph("The loss is that of the rows held out.".to_owned()));
        }
        sections.push(Section { heading: "The race".to_owned(), blocks });
    }
    let tone = if advice.certainty == Certainty::Exact { Tone::Good } else { Tone::Caution };
    sections.push(Section {
        heading: "How sure this is".to_owned(),
        blocks: vec![
            Block::Note(Note {
                tone,
                title: "Predictions".to_owned(),
                paragraphs: vec![verdict::certainty(advice).to_owned()],
            }),
            Block::Definitions(definitions()),
        ],
    });
    Page {
        kicker: format!("downslope advise · {}", advice.data.source),
        title: verdict::headline(advice),
        lead: verdict::subject(advice) + ".",
        sections,
        footer: format!("downslope {}", advice.downslope),
    }
}

fn definitions() -> Vec<(String, String)> {
    [
        ("safe rate", "1/η = λmax + (β/(1 − μ) − λmax)/B · (n − B)/(n − 1), tried for half an epoch: what `--lr auto` takes at a given batch size."),
        ("limit", "2/λmax for full batches (with momentum 2(1 + μ)/((1 − τ)λmax), with Nesterov's (2 + 2μ)/((1 + 2μ)λmax)); else 2B(1 − μ)/(β + (B − 1)λmax), with β the curvature of the worst row: conservative."),
        ("range test", "Each rate is tried for 40 steps from the same start. The edge is the rate from which on the loss rises instead of falling."),
        ("B_simple", "tr Σ/|G|²: the batch in which noise and gradient are equal (McCandlish et al. 2018)."),
        ("steps to target", "Until 1% of the loss that can be gained is left, on the parabola that touches the loss at the start, with the noise of the start; where that would not allow the target, at a rate whose floor is half of it."),
        ("race", "Pairs of batch size and rate train from the same start for the same time; those ahead go on."),
    ]
    .map(|(term, meaning)| (term.to_owned(), meaning.to_owned()))
    .into()
}
