//! `downslope learn` as a server: it says where it is, and a kill loses no answer.
#![allow(clippy::unwrap_used, reason = "all of this is tests")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use support::Workplace;

struct Learning {
    child: Child,
    address: String,
}

fn learn(workplace: &Workplace, words: &str) -> Learning {
    let mut command = workplace.command(&format!("learn --no-open --port 0 --answers answers.json {words}"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().trim_start_matches("http://").split('/').next().unwrap().to_owned();
    Learning { child, address }
}

impl Learning {
    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close", self.address);
        stream.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_kill_loses_no_answer_that_was_acknowledged() {
    let workplace = Workplace::new();
    for round in 0..5 {
        let learning = learn(&workplace, "");
        for i in 0..10 {
            let body = format!(r#"{{"id":"{round}-{i}","answer":{{"prompt":"why?","own_words":"because"}}}}"#);
            assert!(learning.ask("POST", "/api/answers", &body).starts_with("HTTP/1.1 204"));
        }
        learning.kill();
        let kept = workplace.json("answers.json");
        assert_eq!(kept["answers"].as_object().unwrap().len(), 10 * (round + 1));
    }
    let learning = learn(&workplace, "");
    assert!(learning.ask("GET", "/api/lesson", "").contains(r#""4-9":{"prompt":"why?""#));
    assert!(learning.ask("GET", "/api/answers/answers.csv", "").contains("\n4-9,why?,"));
    learning.kill();
    assert_eq!(workplace.listing(), ["answers.json"]);
}

#[test]
fn a_plain_script_is_served_as_it_is() {
    let workplace = Workplace::new();
    let script = "One row is one opinion.\nEngagement Message\nWhy?\n";
    workplace.write("script.txt", script);
    let learning = learn(&workplace, "script.txt");
    let lesson = learning.ask("GET", "/api/lesson", "");
    assert!(lesson.contains("One row is one opinion.") && lesson.contains(r#""prompt":"Why?""#), "{lesson}");
    learning.kill();
}

#[test]
fn answers_are_not_written_over_a_file_that_holds_something_else() {
    let workplace = Workplace::new();
    workplace.write("answers.json", "my notes");
    let said = workplace.run("learn --no-open --answers answers.json").with_code(2);
    assert!(said.err.starts_with("error: expected a file of answers: answers.json"), "{said:?}");
    assert_eq!(workplace.read("answers.json"), b"my notes");
}
