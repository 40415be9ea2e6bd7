use super::*;
use crate::axis::Axis;
use crate::figure::{Bar, HeatMap, Mark, Profile, Series};

const NASTY: &str = "<b>\"R&D\" 'x'\u{0}\u{7}</b>";
const SIZES: [Size; 2] = [Size::WIDE, Size::NARROW];

fn falling(n: i32) -> Vec<(f64, f64)> {
    (0..=n).map(|t| (f64::from(t), 0.7 * 0.97_f64.powi(t))).collect()
}

/// The figure as a tree: parsing fails on anything that is not well-formed.
fn with_tree<T>(svg: &str, then: impl Fn(&roxmltree::Document) -> T) -> T {
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    then(&roxmltree::Document::parse(svg).unwrap_or_else(|e| panic!("{e}\n{svg}")))
}

fn odd_charts() -> Vec<LineChart> {
    let series = [
        vec![],
        vec![(1.0, 1.0)],
        vec![(0.0, 2.0), (1.0, 2.0), (2.0, 2.0)],
        vec![(0.0, 0.0), (1.0, -3.0), (2.0, 0.5), (3.0, 0.0), (4.0, 0.1)],
        vec![(0.0, f64::NAN), (1.0, f64::INFINITY), (f64::NAN, 1.0)],
        vec![(0.0, f64::MIN), (1.0, f64::MAX), (2.0, 0.0)],
        vec![(0.0, 1e-320), (1.0, 1e300)],
        (0..400).map(|t| (f64::from(t), 1.5_f64.powi(t))).collect(),
    ];
    let axes = [Axis::new("a"), Axis::new("a").log10()];
    let mut charts = vec![LineChart::default()];
    for points in series {
        for x in &axes {
            for y in &axes {
                let marks = vec![
                    Mark::Vertical { x: f64::NAN, label: NASTY.to_owned() },
                    Mark::Vertical { x: 1.5, label: NASTY.to_owned() },
                    Mark::Horizontal { y: -1.0, label: NASTY.to_owned() },
                ];
                let series = vec![Series::new(NASTY, points.clone()), Series::new("calm", falling(50))];
                let (x, y) = (x.clone(), y.clone());
                let text = NASTY.to_owned();
                charts.push(LineChart { title: text.clone(), description: text, x, y, series, marks });
            }
        }
    }
    charts
}

#[test]
fn every_figure_is_well_formed_whatever_is_in_it() {
    for chart in odd_charts() {
        for theme in [Theme::Adaptive, Theme::Light] {
            for size in SIZES {
                with_tree(&chart.to_svg_sized(theme, size), |tree| {
                    let root = tree.root_element();
                    assert_eq!(root.attribute("role"), Some("img"));
                    assert!(root.children().any(|c| c.has_tag_name("title")) || !chart.title.is_empty());
                    assert!(!tree.descendants().any(|n| n.has_tag_name("b")), "text became an element");
                });
            }
        }
        for glyphs in [crate::terminal::Glyphs::Unicode, crate::terminal::Glyphs::Ascii] {
            let canvas = crate::terminal::Canvas { glyphs, ..crate::terminal::Canvas::default() };
            assert!(!chart.to_text(canvas).is_empty());
        }
    }
}

#[test]
fn nothing_is_drawn_outside_the_frame() {
    for chart in odd_charts() {
        let plot = Plot::of(&chart, 500);
        for (x, y) in plot.lines.iter().flat_map(|l| &l.pieces).flatten() {
            let near = -1e-6..=1.0 + 1e-6;
            assert!(near.contains(x) && near.contains(y), "{x} {y} {:?}", chart.series[0].points.first());
        }
    }
}

#[test]
fn labels_at_the_line_ends_never_overlap() {
    for n in [2, 5, 12, 40] {
        let series =
            (0..n).map(|i| Series::new(format!("run {i}"), vec![(0.0, 1.0), (1.0, 0.1 + f64::from(i) * 1e-3)]));
        let chart = LineChart { series: series.collect(), ..LineChart::default() };
        for size in SIZES {
            with_tree(&chart.to_svg_sized(Theme::Light, size), |tree| {
                let texts = tree.descendants().filter(|t| t.text().is_some_and(|t| t.starts_with("run ")));
                let labels = texts.filter(|t| t.has_tag_name("text"));
                let mut ys: Vec<f64> = labels.map(|t| t.attribute("y").unwrap().parse().unwrap()).collect();
                ys.sort_by(f64::total_cmp);
                assert_eq!(ys.len(), usize::try_from(n).unwrap());
                assert!(ys.windows(2).all(|w| w[1] - w[0] >= LABEL_SIZE), "{n}: {ys:?}");
            });
        }
    }
}

#[test]
fn an_adaptive_figure_has_no_colour_of_its_own() {
    let chart = LineChart { series: vec![Series::new("batch", falling(9))], ..LineChart::default() };
    assert!(!chart.to_svg(Theme::Adaptive).contains('#'));
    assert!(!chart.to_svg(Theme::Light).contains("class="));
}

#[test]
fn bars_without_values_or_below_zero_are_drawn() {
    let bar = |value| Bar { name: NASTY.to_owned(), value };
    for axis in [Axis::new("v"), Axis::new("v").log10()] {
        for bars in [vec![], vec![bar(f64::NAN)], vec![bar(0.0)], vec![bar(-1.0), bar(2.0), bar(f64::MAX)]] {
            let chart = BarChart { axis: axis.clone(), bars, ..BarChart::default() };
            for size in SIZES {
                with_tree(&chart.to_svg_sized(Theme::Adaptive, size), |_| ());
            }
            assert!(chart.to_png().is_ok());
            chart.to_text(crate::terminal::Canvas::default());
        }
    }
}

/// Heat maps with everything that can be odd in them: none or one row or column, columns that end early, lines off the map.
pub(crate) fn odd_maps() -> Vec<HeatMap> {
    let mut maps = vec![HeatMap::default()];
    for (n_columns, n_rows) in [(1, 1), (1, 13), (9, 2), (9, 20), (40, 3)] {
        for y in [Axis::new(NASTY), Axis::new(NASTY).log10()] {
            let values = [0.1, f64::NAN, 1.0, f64::INFINITY, 1e300, -1.0];
            let column = |i: usize| (0..n_rows - i % n_rows.min(2)).map(|row| values[(i + row) % 6]).collect();
            let line = |value: f64| Profile { name: NASTY.to_owned(), values: vec![value; n_columns] };
            maps.push(HeatMap {
                title: NASTY.to_owned(),
                description: NASTY.to_owned(),
                x: Axis::new(NASTY),
                y,
                value: Axis::new(NASTY),
                columns: (0..n_columns).map(|i| (2.0 * i as f64).exp2()).collect(),
                rows: (0..n_rows).map(|i| (i as f64).exp2()).collect(),
                cells: (0..n_columns).map(column).collect(),
                bounds: vec![0.1, 0.2, 0.3, 0.4, 0.5, 1.0],
                lost: NASTY.to_owned(),
                profiles: vec![line(1.5), line(f64::NAN), line(1e9), line(0.0)],
            });
        }
    }
    maps
}

#[test]
fn every_heat_map_is_well_formed_whatever_is_in_it() {
    for map in odd_maps() {
        for theme in [Theme::Adaptive, Theme::Light] {
            for size in SIZES {
                let svg = map.to_svg_sized(theme, size);
                with_tree(&svg, |tree| {
                    assert!(!tree.descendants().any(|n| n.has_tag_name("b")), "text became an element");
                });
                assert_eq!(svg.contains("=\"#"), theme == Theme::Light, "{svg}");
            }
        }
        assert!(map.to_png().is_ok());
    }
}

#[test]
fn what_is_lost_on_a_heat_map_has_a_cross_and_no_shade() {
    let map = HeatMap {
        columns: vec![1.0],
        rows: vec![1.0, 2.0],
        cells: vec![vec![0.5, f64::NAN]],
        bounds: vec![1.0],
        ..HeatMap::default()
    };
    with_tree(&map.to_svg(Theme::Adaptive), |tree| {
        let of = |class: &str| tree.descendants().filter(|node| node.attribute("class") == Some(class)).count();
        // One cell and the two shades of the key, of which it has the first.
        assert_eq!((of("fill-shade-0"), of("fill-shade-1"), of("stroke-muted")), (2, 1, 1));
    });
}
