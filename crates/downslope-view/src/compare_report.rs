//! stub
#![allow(missing_docs, reason = "stub")]
use crate::page::Page;
use crate::terminal::Canvas;
use downslope::compare::Comparison;
pub fn to_text(c: &Comparison, _: Canvas) -> String {
    format!("{:#?}", c.winners)
}
pub fn to_page(_: &Comparison) -> Page {
    Page::default()
}
pub fn to_svg(_: &Comparison) -> String {
    String::new()
}
pub fn to_png(_: &Comparison) -> downslope::Result<Vec<u8>> {
    Ok(vec![])
}
pub fn to_csv(_: &Comparison) -> String {
    String::new()
}
