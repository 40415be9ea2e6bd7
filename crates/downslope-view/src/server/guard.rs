//! Who may ask?
//!
//! The server is for one person on one machine. A page from elsewhere in the same browser may reach the address, so every
//! request must name this server as its host, and as its origin where it has one (DNS rebinding and cross-site requests
//! end here). A server that listens to other machines also wants a token, once in the address and then in a cookie.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The name of the cookie that holds the token.
const COOKIE: &str = "downslope-token";

/// What a request must show.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    hosts: Vec<String>,
    token: Option<String>,
}

impl Guard {
    /// For a server at an address, which a person may also call by a name.
    pub(crate) fn new(address: SocketAddr, name: Option<&str>, token: Option<String>) -> Self {
        let port = address.port();
        let mut hosts = vec![format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")];
        hosts.push(address.to_string());
        hosts.extend(name.map(|name| format!("{name}:{port}")));
        if port == 80 {
            let without_port: Vec<String> =
                hosts.iter().filter_map(|host| host.strip_suffix(":80")).map(str::to_owned).collect();
            hosts.extend(without_port);
        }
        Self { hosts, token }
    }

    /// Whether the host, and the origin where there is one, are this server. One that listens to everyone is known to
    /// others by names that it does not know itself: there the token stands guard, and the origin must be the host.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let Some(host) = text(header::HOST) else { return false };
        let is_own = self.token.is_some() || self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
        let origin_fits = match headers.get(header::ORIGIN) {
            None => true,
            Some(origin) => origin.to_str().is_ok_and(|origin| origin.eq_ignore_ascii_case(&format!("http://{host}"))),
        };
        let site = text(HeaderName::from_static("sec-fetch-site"));
        is_own && origin_fits && !matches!(site, Some("cross-site" | "same-site"))
    }

    fn has_token(&self, request: &Request) -> bool {
        let Some(token) = &self.token else { return true };
        let cookies = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| name == COOKIE && same(value, token))
    }

    fn token_in_address(&self, request: &Request) -> bool {
        let Some(token) = &self.token else { return false };
        let pairs = request.uri().query().unwrap_or("").split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().any(|(name, value)| name == "token" && same(value, token))
    }
}

/// Whether two texts are the same, in a time that does not tell how much of them is.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Lets through who may ask, and tells the browser what the page may do.
pub(crate) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let response = if !guard.knows(request.headers()) {
        (StatusCode::FORBIDDEN, "this server answers only to its own page\n").into_response()
    } else if guard.has_token(&request) {
        next.run(request).await
    } else if guard.token_in_address(&request) {
        let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", guard.token.as_deref().unwrap_or(""));
        (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/".to_owned())]).into_response()
    } else {
        (StatusCode::UNAUTHORIZED, "open the address that `downslope learn` printed: it holds the token\n")
            .into_response()
    };
    with_policy(response)
}

/// Nothing but this server's own files: no script in the page, no frame, no form, no other host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn with_policy(mut response: Response<Body>) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_this_servers_own_name_and_origin_are_known() {
        let guard = Guard::new(([127, 0, 0, 1], 8000).into(), None, None);
        let knows = |pairs| guard.knows(&headers(pairs));
        assert!(knows(&[("host", "127.0.0.1:8000")]));
        assert!(knows(&[("host", "localhost:8000"), ("origin", "http://localhost:8000")]));
        assert!(!knows(&[]));
        assert!(!knows(&[("host", "evil.example:8000")]));
        assert!(!knows(&[("host", "127.0.0.1:8001")]));
        assert!(!knows(&[("host", "localhost:8000"), ("origin", "http://evil.example")]));
        assert!(!knows(&[("host", "localhost:8000"), ("origin", "null")]));
        assert!(!knows(&[("host", "localhost:8000"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn the_same_text_is_the_same() {
        assert!(same("abc", "abc") && !same("abc", "abd") && !same("abc", "ab"));
    }
}
