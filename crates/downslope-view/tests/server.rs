//! The server of the lesson, as a browser or something worse would meet it: over loopback.
#![allow(clippy::unwrap_used, reason = "all of this is tests")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use downslope_view::lesson::builtin;
use downslope_view::server::{Listen, Options, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

struct Served {
    address: SocketAddr,
    url: String,
    _folder: TempDir,
}

fn serve(listen: Listen) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let lesson = builtin::lesson(builtin::DEFAULT).unwrap().unwrap();
    let answers = folder.path().join("answers.json");
    let server = Server::bind(Options { lesson, answers, listen, port: 0 }).unwrap();
    let url = server.url();
    let address = url.trim_start_matches("http://").split('/').next().unwrap().parse().unwrap();
    // It ends with the program.
    std::thread::spawn(|| server.serve());
    Served { address, url, _folder: folder }
}

impl Served {
    /// Status and everything else of an answer.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let length = body.len();
        let mut lines = vec![format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {length}\r\n")];
        if !headers.iter().any(|(name, _)| *name == "host") {
            lines.push(format!("host: {}\r\n", self.address));
        }
        lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        let request = lines.concat();
        stream.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A server that refuses a large body may close before it has read all of it.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        (answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0), answer)
    }

    fn page(&self) -> Page {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let request = format!("ws://{}/api/stream", self.address).into_client_request().unwrap();
        Page(tungstenite::client(request, stream).unwrap().0)
    }
}

struct Page(WebSocket<TcpStream>);

impl Page {
    fn say(&mut self, wish: &Value) {
        self.0.send(Message::text(wish.to_string())).unwrap();
    }

    fn hear(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.read().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// What is told of a run once something holds of it.
    fn hear_until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..10_000 {
            let told = self.hear();
            if let Some(run) = told["runs"].as_array().unwrap().iter().find(|run| holds(run)) {
                return run.clone();
            }
        }
        panic!("it never came");
    }
}

fn start(run: u32, speed: f64, steps: u32) -> Value {
    let parameters = json!({ "steps": steps.to_string() });
    json!({ "do": "start", "run": run, "name": "zig-zag", "parameters": parameters, "batch_size": "1", "speed": speed })
}

#[test]
fn the_page_and_the_lesson_come_with_a_strict_policy() {
    let served = serve(Listen::Loopback);
    for path in ["/", "/api/lesson", "/any/other/address", "/assets/none.js", "/api/answers/answers.csv"] {
        let (_, answer) = served.ask("GET", path, &[], "");
        assert!(answer.contains("content-security-policy: default-src 'none'; script-src 'self'"), "{path}: {answer}");
        assert!(answer.contains("x-content-type-options: nosniff"), "{path}");
    }
    let (status, answer) = served.ask("GET", "/api/lesson", &[], "");
    assert_eq!(status, 200);
    assert!(answer.contains("downhill in fog"));
}

#[test]
fn a_foreign_host_or_origin_is_refused() {
    let served = serve(Listen::Loopback);
    let own = format!("http://{}", served.address);
    for (headers, expected) in [
        (vec![("origin", own.as_str())], 200),
        (vec![("host", "evil.example")], 403),
        (vec![("origin", "http://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
    ] {
        let (status, _) = served.ask("GET", "/api/lesson", &headers, "");
        assert_eq!(status, expected, "{headers:?}");
    }
    let stream = TcpStream::connect(served.address).unwrap();
    let mut request = format!("ws://{}/api/stream", served.address).into_client_request().unwrap();
    request.headers_mut().insert("origin", "http://evil.example".parse().unwrap());
    assert!(tungstenite::client(request, stream).is_err());
}

#[test]
fn whoever_listens_to_everyone_asks_for_a_token() {
    let address = [127, 0, 0, 1].into();
    let served = serve(Listen::Everyone { address, token: "0123456789abcdef".into() });
    assert!(served.url.ends_with("/?token=0123456789abcdef"));
    assert_eq!(served.ask("GET", "/api/lesson", &[], "").0, 401);
    assert_eq!(served.ask("GET", "/?token=0123456789abcdee", &[], "").0, 401);
    let (status, answer) = served.ask("GET", "/?token=0123456789abcdef", &[], "");
    assert_eq!(status, 303);
    assert!(answer.contains("set-cookie: downslope-token=0123456789abcdef; HttpOnly; SameSite=Strict"), "{answer}");
    let cookie = [("cookie", "a=b; downslope-token=0123456789abcdef")];
    assert_eq!(served.ask("GET", "/api/lesson", &cookie, "").0, 200);
    let foreign = [cookie[0], ("origin", "http://evil.example")];
    assert_eq!(served.ask("GET", "/api/lesson", &foreign, "").0, 403);
}

#[test]
fn malformed_requests_are_answered_with_what_is_wrong() {
    let served = serve(Listen::Loopback);
    for (path, body, expected) in [
        ("/api/probe/limits", "", 400),
        ("/api/probe/limits", "{\"name\":", 400),
        ("/api/probe/limits", "[1,2,3]", 400),
        ("/api/probe/limits", r#"{"name":"fly"}"#, 422),
        ("/api/probe/limits", r#"{"name":"race","parameters":{"data":"/etc/passwd"}}"#, 422),
        ("/api/probe/limits", r#"{"name":"race","batch_size":"-1"}"#, 422),
        ("/api/probe/price", r#"{"name":"step-price","parameters":{"rows":"4000000000"}}"#, 422),
        ("/api/probe/fly", r#"{"name":"race"}"#, 404),
        ("/api/answers", r#"{"id":"a"}"#, 400),
        ("/api/answers", r#"{"id":"a","answer":{"wings":2}}"#, 400),
        ("/api/answers", r#"{"id":"","answer":{}}"#, 422),
    ] {
        let (status, answer) = served.ask("POST", path, &[], body);
        assert_eq!(status, expected, "{path} {body}: {answer}");
    }
    let (status, _) = served.ask("POST", "/api/answers", &[], &"x".repeat(400 * 1024));
    assert!(matches!(status, 413 | 0), "{status}");
    assert_eq!(served.ask("GET", "/api/lesson", &[], "").0, 200);
}

#[test]
fn malformed_messages_are_answered_and_oversized_ones_end_only_their_page() {
    let served = serve(Listen::Loopback);
    let mut page = served.page();
    for text in ["", "{", "[]", "null", r#"{"do":"fly"}"#, r#"{"do":"pause","run":7}"#, "\u{0}\u{ffff}"] {
        page.0.send(Message::text(text)).unwrap();
        assert!(page.hear()["refused"][0]["error"].is_string(), "{text}");
    }
    page.0.send(Message::binary(vec![1, 2, 3])).unwrap();
    assert_eq!(page.hear()["refused"][0]["error"], "messages are JSON in text");
    let mut wrong = start(1, 0.0, 5);
    wrong["batch_size"] = json!("-1");
    page.say(&wrong);
    assert!(page.hear()["refused"][0]["error"].as_str().unwrap().contains("whole number above 0"));

    let mut other = served.page();
    let _ = other.0.send(Message::text("x".repeat(1 << 20)));
    assert!((0..100).any(|_| other.0.read().is_err()), "a message of a megabyte ends the page that sent it");

    page.say(&start(1, 0.0, 5));
    assert_eq!(page.hear_until(|run| run["mode"] == "finished")["step"], 5);
}

#[test]
fn a_run_is_steered_rewound_and_forked_over_the_wire() {
    let served = serve(Listen::Loopback);
    let mut page = served.page();
    let mut begin = start(1, 0.0, 400);
    begin["paused"] = json!(true);
    page.say(&begin);
    page.hear_until(|run| run["mode"] == "paused" && run["initial_loss"].is_number());
    page.say(&json!({ "do": "step", "run": 1 }));
    let one = page.hear_until(|run| run["step"] == 1);
    assert_eq!(one["mode"], "paused");
    page.say(&json!({ "do": "resume", "run": 1 }));
    let end = page.hear_until(|run| run["mode"] == "finished");
    assert_eq!(end["step"], 400);
    page.say(&json!({ "do": "fork", "run": 1, "as": 2, "step": 100, "batch_size": "full", "lr": 0.1 }));
    let fork = page.hear_until(|run| run["run"] == 2 && run["batch_size"] == 442);
    assert_eq!((&fork["step"], &fork["mode"], &fork["lr"]), (&json!(100), &json!("paused"), &json!(0.1)));
    page.say(&json!({ "do": "rewind", "run": 1, "step": 0 }));
    page.hear_until(|run| run["run"] == 1 && run["step"] == 0);
    page.say(&json!({ "do": "resume", "run": 1 }));
    let again = page.hear_until(|run| run["run"] == 1 && run["mode"] == "finished");
    assert_eq!(again["train_loss"], end["train_loss"]);
}

#[test]
fn a_page_that_stops_reading_holds_nobody_up() {
    let served = serve(Listen::Loopback);
    let mut stalled = served.page();
    for run in 0..8 {
        stalled.say(&start(run, 2_000.0, 200_000));
    }
    let mut reader = served.page();
    reader.say(&start(1, 100.0, 200));
    let begun = Instant::now();
    assert_eq!(reader.hear_until(|run| run["mode"] == "finished")["step"], 200);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    for run in 0..8 {
        stalled.say(&json!({ "do": "stop", "run": run }));
    }
}

#[test]
fn fifty_pages_stream_at_once_without_falling_behind() {
    const PAGES: usize = 50;
    const STEPS: u32 = 150;
    let served = serve(Listen::Loopback);
    let mut pages: Vec<Page> = (0..PAGES).map(|_| served.page()).collect();
    let begun = Instant::now();
    let threads: Vec<_> = pages
        .drain(..)
        .map(|mut page| {
            std::thread::spawn(move || {
                page.say(&start(1, 50.0, STEPS));
                let begun = Instant::now();
                let mut messages = 0;
                loop {
                    let told = page.hear();
                    messages += 1;
                    let run = &told["runs"][0];
                    if run["mode"] == "finished" {
                        assert_eq!(run["step"], STEPS);
                        return (messages, begun.elapsed().as_secs_f64());
                    }
                }
            })
        })
        .collect();
    let heard: Vec<(u32, f64)> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    for (messages, seconds) in heard {
        // 150 steps at 50 a second are 3 seconds; other tests want the cores as well.
        assert!(seconds < 15.0, "{seconds} s");
        assert!(f64::from(messages) / seconds <= 60.0, "{messages} messages in {seconds} s");
        assert!(messages >= 20, "{messages} messages in {seconds} s");
    }
    assert!(begun.elapsed() < Duration::from_secs(30));
}
