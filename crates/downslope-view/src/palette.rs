//! Which colours, dashes and shapes tell things apart?
//!
//! The hues of Okabe and Ito's palette (told apart with every common colour blindness), darkened on paper and lightened
//! on a dark page until text in them reads: at least 4.5 to 1 against the ground, which a test keeps. Colour is never
//! alone: the same index gives a dash pattern and a shape, in the same order in every figure.

use std::fmt::Write;

/// What something is painted as; the colour depends on the theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Text,
    Muted,
    Grid,
    Axis,
    Series(usize),
    /// A value of a heat map, 0 for the lowest.
    Shade(usize),
}

/// What a line over shades is painted as: told apart from all of them, and from each other.
pub(crate) fn over(line: usize) -> Ink {
    [Ink::Series(1), Ink::Text, Ink::Series(3)][line % 3]
}

/// The colours of one theme.
#[derive(Debug)]
pub(crate) struct Palette {
    pub(crate) paper: &'static str,
    pub(crate) text: &'static str,
    pub(crate) muted: &'static str,
    pub(crate) grid: &'static str,
    pub(crate) axis: &'static str,
    pub(crate) series: [&'static str; SERIES],
    /// One hue by lightness, so that it reads with every colour blindness and in grey; the lowest stands out most.
    pub(crate) shades: [&'static str; SHADES],
}

/// Colours before they repeat (with other dashes).
pub(crate) const SERIES: usize = 6;

/// Shades of a heat map.
pub(crate) const SHADES: usize = 7;

pub(crate) const LIGHT: Palette = Palette {
    paper: "#ffffff",
    text: "#1b2430",
    muted: "#5a6675",
    grid: "#e6eaef",
    axis: "#98a3b0",
    series: ["#0067a8", "#b84d00", "#007a5a", "#a8407d", "#866000", "#4a4fb5"],
    shades: ["#08306b", "#0d559f", "#2a7abf", "#5aa0d2", "#93c3e3", "#c3daee", "#e6eef7"],
};

pub(crate) const DARK: Palette = Palette {
    paper: "#12171e",
    text: "#e8ecf1",
    muted: "#9ba8b7",
    grid: "#252d38",
    axis: "#5d6a79",
    series: ["#5cb3f0", "#ff9a4d", "#3fcf9f", "#f092c2", "#e3bd45", "#a9adff"],
    shades: ["#e3f0fb", "#a9d1f2", "#6fb1e4", "#3f8ac4", "#2c6496", "#22476c", "#1b2e45"],
};

const DASHES: [&str; 5] = ["", "7 3", "2 3", "11 3 2 3", "5 2 1 2 1 2"];

impl Palette {
    pub(crate) fn colour(&self, ink: Ink) -> &'static str {
        match ink {
            Ink::Text => self.text,
            Ink::Muted => self.muted,
            Ink::Grid => self.grid,
            Ink::Axis => self.axis,
            Ink::Series(i) => self.series[i % SERIES],
            Ink::Shade(i) => self.shades[i % SHADES],
        }
    }

    /// The custom properties of this theme, as declarations.
    pub(crate) fn properties(&self) -> String {
        let mut out = String::new();
        for ink in inks() {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "--{}:{};", name(ink), self.colour(ink));
        }
        format!("--paper:{};{out}", self.paper)
    }
}

fn inks() -> impl Iterator<Item = Ink> {
    let named = [Ink::Text, Ink::Muted, Ink::Grid, Ink::Axis];
    named.into_iter().chain((0..SERIES).map(Ink::Series)).chain((0..SHADES).map(Ink::Shade))
}

/// The name of an ink's class and custom property.
pub(crate) fn name(ink: Ink) -> String {
    match ink {
        Ink::Text => "text".to_owned(),
        Ink::Muted => "muted".to_owned(),
        Ink::Grid => "grid".to_owned(),
        Ink::Axis => "axis".to_owned(),
        Ink::Series(i) => format!("series-{}", i % SERIES),
        Ink::Shade(i) => format!("shade-{}", i % SHADES),
    }
}

/// The dash pattern of a series; empty for a solid line.
pub(crate) fn dash(series: usize) -> &'static str {
    DASHES[series % DASHES.len()]
}

/// The style sheet that gives an adaptive figure its colours, in light and dark, inline in a page.
///
/// A page made by [`crate::page::Page`] has it already; another page that shows [`crate::svg::Theme::Adaptive`] figures
/// puts it into its own style sheet.
pub fn figure_css() -> String {
    let mut css = format!(
        ":root{{color-scheme:light dark;{}}}\n@media (prefers-color-scheme:dark){{@media screen{{:root{{{}}}}}}}\n",
        LIGHT.properties(),
        DARK.properties()
    );
    for ink in inks() {
        let name = name(ink);
        let _ = writeln!(css, ".stroke-{name}{{stroke:var(--{name})}}.fill-{name}{{fill:var(--{name})}}");
    }
    css.push_str(".halo{stroke:var(--paper)}\n");
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.2) of `#rrggbb`.
    fn luminance(colour: &str) -> f64 {
        let channel = |i: usize| {
            let c = f64::from(u8::from_str_radix(&colour[i..i + 2], 16).unwrap()) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn each_shade_is_told_from_the_next_by_lightness_alone() {
        for palette in [LIGHT, DARK] {
            for pair in palette.shades.windows(2) {
                assert!(contrast(pair[0], pair[1]) >= 1.15, "{pair:?}");
                assert!(contrast(pair[0], palette.paper) > contrast(pair[1], palette.paper), "{pair:?}");
            }
        }
    }

    #[test]
    fn text_in_every_colour_reads_on_both_grounds() {
        for palette in [LIGHT, DARK] {
            for ink in [palette.text, palette.muted].into_iter().chain(palette.series) {
                assert!(
                    contrast(ink, palette.paper) >= 4.5,
                    "{ink} on {}: {}",
                    palette.paper,
                    contrast(ink, palette.paper)
                );
            }
        }
    }
}
