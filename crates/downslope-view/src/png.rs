//! How does a figure become a picture?
//!
//! By the `resvg` renderer, with the `DejaVu` fonts that come with the program: a machine without any font (a container,
//! a cluster node) gives the same picture as a desktop. No file and no system font is read. The fonts' licence (that
//! of Bitstream Vera) lets them be embedded and passed on; they have Latin, Greek and Cyrillic, arrows and mathematics,
//! and no East Asian scripts.

use std::sync::Arc;

use downslope::{Error, Result};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::figure::{BarChart, HeatMap, LineChart};
use crate::svg::Theme;

/// Pixels a CSS pixel in the pictures of the figures: sharp on dense screens and in print.
pub(crate) const SCALE: f32 = 2.0;

impl LineChart {
    /// The figure as the bytes of a PNG file, in light colours.
    ///
    /// # Errors
    /// As [`render`].
    pub fn to_png(&self) -> Result<Vec<u8>> {
        render(&self.to_svg(Theme::Light), SCALE)
    }
}

impl BarChart {
    /// The figure as the bytes of a PNG file, in light colours.
    ///
    /// # Errors
    /// As [`render`].
    pub fn to_png(&self) -> Result<Vec<u8>> {
        render(&self.to_svg(Theme::Light), SCALE)
    }
}

impl HeatMap {
    /// The figure as the bytes of a PNG file, in light colours.
    ///
    /// # Errors
    /// As [`render`].
    pub fn to_png(&self) -> Result<Vec<u8>> {
        render(&self.to_svg(Theme::Light), SCALE)
    }
}

/// An SVG document as the bytes of a PNG file, with `scale` pixels to a CSS pixel.
///
/// # Errors
/// [`downslope::error::ErrorKind::Malformed`] if the document is not SVG or its picture is too large for memory.
pub fn render(svg: &str, scale: f32) -> Result<Vec<u8>> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(dejavu::sans_condensed::regular().to_vec());
    fonts.load_font_data(dejavu::sans_condensed::bold().to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    let options = Options { fontdb: Arc::new(fonts), font_family: "DejaVu Sans".to_owned(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|e| Error::malformed("figure", e))?;
    let size = tree.size().to_int_size().scale_by(scale);
    let picture = size.and_then(|size| Pixmap::new(size.width(), size.height()));
    let mut picture = picture.ok_or_else(|| Error::malformed("figure", "its picture would be too large"))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    picture.encode_png().map_err(|e| Error::malformed("figure", e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Series;

    #[test]
    fn a_picture_has_lines_and_words_on_white_paper() {
        let chart = LineChart {
            title: "Loss falls".to_owned(),
            series: vec![Series::new("batch", vec![(0.0, 1.0), (1.0, 0.5), (2.0, 0.4)])],
            ..LineChart::default()
        };
        let picture = Pixmap::decode_png(&chart.to_png().unwrap()).unwrap();
        assert_eq!((picture.width(), picture.height()), (1600, 880));
        let is = |colour: [u8; 3]| picture.pixels().iter().filter(|p| [p.red(), p.green(), p.blue()] == colour).count();
        assert!(is([255, 255, 255]) > 1_000_000, "paper");
        assert!(is([0x00, 0x67, 0xa8]) > 2_000, "line");
        // The title is the only thing in this colour: without a font there would be none of it.
        assert!(is([0x1b, 0x24, 0x30]) > 500, "words");
    }

    #[test]
    fn what_is_no_figure_is_refused() {
        let error = render("<p>", 1.0).unwrap_err();
        assert!(error.to_string().starts_with("expected a figure: "), "{error}");
    }
}
