//! What is the page made of?
//!
//! The files that `build.rs` found built, inside this program. Where there were none, one page says how to get them.

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// Whether the page was there when this program was built.
pub fn is_built() -> bool {
    !FILES.is_empty()
}

const MISSING: &str = include_str!("missing.html");

/// A file of the page; any other address outside `/api` is the page itself, which has addresses of its own.
pub(crate) async fn file(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let find = |name: &str| FILES.iter().find(|(file, _)| *file == name);
    if let Some((name, bytes)) = find(path).filter(|_| !path.is_empty()) {
        // A built name changes with what is in it.
        let keep = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        return ([(header::CONTENT_TYPE, kind(name)), (header::CACHE_CONTROL, keep)], *bytes).into_response();
    }
    if path.starts_with("assets/") || path.starts_with("api/") {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    }
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    match find("index.html") {
        Some((_, bytes)) => (html, *bytes).into_response(),
        None => (html, MISSING).into_response(),
    }
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}
