use super::*;
use crate::axis::Axis;
use crate::figure::{Bar, HeatMap, Profile, Series};
use crate::svg::tests::odd_maps;

fn curve(n: i32, f: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    (0..=n).map(|t| (f64::from(t), f(f64::from(t)))).collect()
}

fn chart(series: Vec<Series>) -> LineChart {
    LineChart { x: Axis::new("steps"), y: Axis::new("loss"), series, ..LineChart::default() }
}

fn two() -> LineChart {
    chart(vec![
        Series::new("batch", curve(100, |t| 0.1 + 0.6 * (-0.01 * t).exp())),
        Series::new("mini-batch", curve(100, |t| 0.05 + 0.65 * (-0.08 * t).exp())),
    ])
}

const SMALL: Canvas = Canvas { width: 50, height: 14, glyphs: Glyphs::Unicode, colour: Colour::Never };

#[test]
fn each_line_has_its_own_weight() {
    let text = two().to_text(SMALL);
    assert_eq!(
        text,
        "\
── batch   ━━ mini-batch
loss
    │─╮
0.6 ┤┓╰──────╮
    │┗━┓     ╰────────╮
    │  ┗┓             ╰───────────╮
0.4 ┤   ┗┓                        ╰───────────────
    │    ┗━━┓
0.2 ┤       ┗━━━┓
    │           ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
  0 ┤
    └┬─────────────────────┬─────────────────────┬
     0                    50                   100
                         steps
"
    );
}

#[test]
fn in_ascii_each_line_has_its_own_character() {
    let text = two().to_text(Canvas { glyphs: Glyphs::Ascii, ..SMALL });
    assert_eq!(
        text,
        "\
** batch   ++ mini-batch
loss
    |**
0.6 ++********
    |+++     **********
    |  ++             *************
0.4 +   ++                        ****************
    |    ++++
0.2 +       +++++
    |           ++++++++++++++++++++++++++++++++++
  0 +
    ++---------------------+---------------------+
     0                    50                   100
                         steps
"
    );
}

#[test]
fn names_cannot_command_the_terminal() {
    let name = "\u{1b}[2Jboo\u{7}\n";
    let mut chart = two();
    chart.title = name.to_owned();
    chart.series[0].name = name.to_owned();
    chart.x.label = name.to_owned();
    chart.y.label = name.to_owned();
    chart.marks = vec![Mark::Vertical { x: 1.0, label: name.to_owned() }];
    let bars = BarChart {
        bars: vec![Bar { name: name.to_owned(), value: 1.0 }],
        axis: Axis::new(name),
        ..BarChart::default()
    };
    let table = crate::table::Table {
        caption: name.to_owned(),
        columns: vec![crate::table::Column::text(name)],
        rows: vec![vec![name.to_owned()]],
    };
    let brief = chart.to_text(Canvas { height: 3, ..SMALL });
    for text in [chart.to_text(SMALL), brief, bars.to_text(SMALL), table.to_text(40, Glyphs::Unicode)] {
        assert!(text.contains("boo") && !text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    }
}

#[test]
fn every_line_fits_every_canvas() {
    for width in [10, 30, 40, 64, 80, 120] {
        for height in [4, 12, 24, 40] {
            for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
                let canvas = Canvas { width, height, glyphs, colour: Colour::Never };
                let text = two().to_text(canvas);
                assert!(text.ends_with('\n') && text.lines().count() <= height, "{width}x{height}\n{text}");
                assert!(width < 30 || text.lines().all(|line| line.width() <= width), "{width}x{height}\n{text}");
                assert!(glyphs == Glyphs::Unicode || text.is_ascii(), "{text}");
            }
        }
    }
}

#[test]
fn colour_adds_escapes_and_changes_no_character() {
    let plain = two().to_text(SMALL);
    let coloured = two().to_text(Canvas { colour: Colour::Always, ..SMALL });
    assert!(!plain.contains('\u{1b}'));
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        stripped.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    assert_eq!(stripped + rest, plain);
}

#[test]
fn odd_data_is_drawn_or_named() {
    let odd = [
        vec![],
        vec![(1.0, 1.0)],
        vec![(0.0, f64::NAN), (1.0, f64::INFINITY)],
        vec![(0.0, 2.0), (1.0, 2.0), (2.0, 2.0)],
        vec![(0.0, f64::MIN), (1.0, f64::MAX)],
    ];
    for points in odd {
        let mut chart = chart(vec![Series::new("odd", points)]);
        assert!(chart.to_text(SMALL).contains("odd"));
        chart.y = chart.y.log10();
        chart.x = chart.x.log10();
        assert!(chart.to_text(SMALL).contains("odd"));
    }
    assert!(!LineChart::default().to_text(SMALL).is_empty());
}

#[test]
fn a_line_that_leaves_says_how_far_it_goes() {
    let mut chart = two();
    chart.series.push(Series::new("too large", curve(100, |t| 0.7 * 1.3_f64.powf(t))));
    let text = chart.to_text(SMALL);
    assert!(text.contains("too large ▲ to 1.74e11"), "{text}");
}

#[test]
fn bars_and_dots_stand_beside_their_values() {
    let bar = |name: &str, value| Bar { name: name.to_owned(), value };
    let mut chart = BarChart {
        axis: Axis::new("accuracy").format(Format::Percent),
        bars: vec![bar("batch", 0.5), bar("stochastic", 1.0), bar("lost", f64::NAN)],
        ..BarChart::default()
    };
    let narrow = Canvas { width: 30, ..SMALL };
    assert_eq!(
        chart.to_text(narrow),
        "batch       ██████▌ 50%\nstochastic  █████████████ 100%\nlost        no value\n            accuracy\n"
    );
    chart.axis = chart.axis.log10();
    assert!(
        chart
            .to_text(Canvas { glyphs: Glyphs::Ascii, ..narrow })
            .starts_with("batch       o 50%\nstochastic  .........")
    );
}

#[test]
fn a_sparkline_has_the_shape_of_its_values() {
    assert_eq!(sparkline(&[], 5), "");
    assert_eq!(sparkline(&[1.0, f64::NAN, 3.0], 5), "▁ █");
    assert_eq!(sparkline(&[2.0; 4], 5), "▁▁▁▁");
    assert_eq!(sparkline(&(0..800).map(f64::from).collect::<Vec<_>>(), 8), "▁▂▃▄▅▆▇█");
    assert_eq!(sparkline(&[f64::MIN, f64::MAX], 2), "▁█");
}

fn map() -> HeatMap {
    HeatMap {
        title: "Loss".to_owned(),
        x: Axis::new("batch size"),
        y: Axis::new("rate").log10(),
        value: Axis::new("loss"),
        columns: vec![1.0, 4.0, 16.0],
        rows: vec![0.1, 0.2, 0.4],
        cells: vec![vec![0.5, 0.2, f64::NAN], vec![0.7, 0.05, 0.3], vec![3.0, 1.0]],
        bounds: vec![0.1, 0.3, 0.6, 1.0],
        lost: "diverged".to_owned(),
        profiles: vec![
            Profile { name: "best".to_owned(), values: vec![0.2, 0.2, 9.0] },
            // On an edge between two rows: that of the one below.
            Profile { name: "limit".to_owned(), values: vec![0.08_f64.sqrt(), 0.4, f64::NAN] },
        ],
        ..HeatMap::default()
    }
}

#[test]
fn a_heat_map_is_blocks_with_a_cross_for_what_is_lost() {
    assert_eq!(
        map().to_text(SMALL),
        "\
Loss
loss   ██ ≤0.1   ▓▓ ≤0.3   ▒▒ ≤0.6   ░░ ≤1   :: >1
× diverged
● best   ▲ limit
rate
0.4 ┤   ×    ▓▓ ▲ ▓▓▓
0.2 ┤▓▓ ●▲ ▓▓██ ● ███░░░░░░░░
0.1 ┤▒▒▒▒▒▒▒▒░░░░░░░░::::::::
    └────────────────────────
         1       4      16
            batch size
"
    );
}

#[test]
fn heat_maps_fit_every_canvas_in_either_alphabet_and_colour_adds_only_colour() {
    for map in odd_maps().into_iter().chain([map()]) {
        for width in [20, 30, 40, 64, 80, 120] {
            let canvas = Canvas { width, ..SMALL };
            let text = map.to_text(canvas);
            assert!(text.lines().all(|line| line.width() <= width || line.contains("R&D")), "{width}\n{text}");
            assert!(!text.contains(['\u{7}', '\u{1b}']));
            assert!(map.to_text(Canvas { glyphs: Glyphs::Ascii, ..canvas }).is_ascii());
            let coloured = map.to_text(Canvas { colour: Colour::Always, ..canvas });
            let plain = coloured.split('\u{1b}').map(|part| {
                part.split_once('m').filter(|(code, _)| code.starts_with('[')).map_or(part, |(_, rest)| rest)
            });
            assert_eq!(plain.collect::<String>(), text);
        }
    }
}
