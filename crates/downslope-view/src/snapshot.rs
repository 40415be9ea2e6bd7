//! Is a whole text what it was when someone last read it?

use std::path::PathBuf;

use unicode_width::UnicodeWidthStr;

/// Compares a text with the one kept in `snapshots/`; with `DOWNSLOPE_UPDATE=1` it is kept instead, to be read.
pub(crate) fn assert_as_kept(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(format!("{name}.txt"));
    if std::env::var_os("DOWNSLOPE_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{} is not what was kept; now it is\n{text}", path.display());
}

/// No line is wider than the width, but for commands, which are kept whole to be copied.
pub(crate) fn assert_fits(text: &str, width: usize) {
    for line in text.lines().filter(|line| !line.starts_with("  downslope ")) {
        assert!(line.width() <= width, "{} columns: {line}\n{text}", line.width());
    }
}

/// A page that a browser will read as it is meant.
pub(crate) fn assert_well_formed(page: &crate::page::Page) {
    let html = page.to_html().replacen("<!doctype html>", "", 1);
    if let Err(error) = roxmltree::Document::parse(&html) {
        panic!("{error}");
    }
}
