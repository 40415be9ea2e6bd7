//! How does a map read as a page?

use downslope::map::LearningRateMap;

use super::{figures, verdict};
use crate::page::{Block, Fact, Page, Section};
use crate::quantity::{number, seconds};
use crate::words::{plural, rows};

pub(super) fn report(map: &LearningRateMap) -> Page {
    let mut first = vec![Block::Facts(facts(map)), Block::HeatMap(figures::heat_map(map))];
    first.extend(verdict::paragraphs(map).into_iter().map(Block::Paragraph));
    let section = |heading: &str, blocks| Section { heading: heading.to_owned(), blocks };
    let next = verdict::next(map)
        .into_iter()
        .flat_map(|(command, why)| [Block::Paragraph(format!("This {why}:")), Block::Commands(command)]);
    Page {
        kicker: format!("downslope compare --map · {}", map.data.source),
        title: verdict::headline(map),
        lead: verdict::subject(map) + ".",
        sections: vec![
            section("", first),
            section("By batch size", vec![Block::Table(figures::by_batch_size(map))]),
            section("What the numbers are", vec![Block::Definitions(definitions())]),
            section("How it was done", how(map)),
            section("What to try next", next.collect()),
        ],
        footer: format!("downslope {}", map.downslope),
    }
}

/// What is seen first: where the border of all rows is, how the rate grows, and what is best.
fn facts(map: &LearningRateMap) -> Vec<Fact> {
    let fact = |label: &str, value: String| Fact { label: label.to_owned(), value };
    let slope = map
        .ridge_slope
        .map(|slope| fact("power by which the best rate grows", number((slope * 100.0).round() / 100.0)));
    let lowest = verdict::lowest(map).into_iter().flat_map(|(column, best)| {
        [
            fact("lowest training loss", number(best.loss)),
            fact("its batch size", plural(column.batch_size as u64, "row")),
            fact("its learning rate", number(best.lr)),
        ]
    });
    lowest.chain(slope).collect()
}

fn definitions() -> Vec<(String, String)> {
    [
        ("batch size B", "Rows whose mean gradient makes one step."),
        ("steps", "Steps of a run: all runs see the same rows, so larger batches take fewer."),
        ("best rate, its loss", "The rate whose run ended with the lowest mean loss over all training rows, and that loss."),
        ("auto rate", "What `--lr auto` chooses for the batch size, from the curvature at the start and a short trial."),
        ("predicted limit", "2B(1−μ)/(β + (B−1)λmax), at most the stability limit of all rows, 2/λmax without momentum: λmax is the largest curvature of the mean loss and β that of a single row, both at the start, μ the momentum (Ma, Bassily and Belkin 2018)."),
        ("measured border", "The geometric mean of the highest rate that did not diverge and the lowest that did. Rates stand a factor of 2 apart."),
        ("apart", "The measured border over the predicted limit."),
        ("diverged", "The loss left the range of numbers, or was far above that of the start, at the end of an epoch or of the run."),
        ("power of the best rate", "The slope of log(best rate) over log(B) by least squares, over the batch sizes whose best rate is at most a quarter of the highest: 1 is linear scaling, ½ that by the square root."),
    ]
    .map(|(term, meaning)| (term.to_owned(), meaning.to_owned()))
    .into()
}

fn how(map: &LearningRateMap) -> Vec<Block> {
    let data = &map.data;
    let pairs = [
        ("data", data.source.clone()),
        ("rows", rows(data)),
        ("model", format!("{}, {}", data.model, plural(data.n_parameters as u64, "parameter"))),
        ("loss", format!("{}, {} at the start", data.loss, number(map.initial_loss))),
        ("rows a run", format!("{}, {}", plural(map.rows_per_run, "row"), verdict::length(map))),
        ("λmax, β", format!("{}, {}", number(map.lambda_max), number(map.largest_row_curvature))),
        ("seed", map.seed.to_string()),
        ("all runs took", seconds(map.time.seconds)),
        (
            "machine",
            format!("{}, {}, {}", map.machine.os, map.machine.arch, plural(map.machine.cores as u64, "thread")),
        ),
        ("fingerprint of the data", data.fingerprint.clone()),
    ];
    vec![
        Block::Definitions(pairs.map(|(term, value)| (term.to_owned(), value)).into()),
        Block::Paragraph("To do it again (all but the times will be the same):".to_owned()),
        Block::Commands(verdict::again(map)),
    ]
}
