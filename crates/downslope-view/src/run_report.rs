//! stub
#![allow(missing_docs, reason = "stub")]
use crate::page::Page;
use crate::terminal::Canvas;
use downslope::diagnosis::learning_rate::Chosen;
use downslope::metrics::Metrics;
use downslope::run::Record;
use serde_json::Value;
pub type Run<'a> = (String, &'a Record, &'a [Value]);
pub fn to_text(r: &Record, _: &[Value], _: Canvas) -> String {
    format!("{:?} {:?} {:?}\n", r.outcome, r.train, r.validation)
}
pub fn metrics_to_text(m: &Metrics, _: usize, _: Canvas) -> String {
    format!("{m:?}\n")
}
pub fn learning_rate_words(c: &Chosen, _: usize) -> String {
    format!("{c:?}")
}
pub fn to_page(_: &[Run]) -> Page {
    Page::default()
}
pub fn to_svg(_: &[Run]) -> String {
    String::new()
}
pub fn to_png(_: &[Run]) -> downslope::Result<Vec<u8>> {
    Ok(vec![])
}
pub fn to_csv(_: &[Run]) -> String {
    String::new()
}
