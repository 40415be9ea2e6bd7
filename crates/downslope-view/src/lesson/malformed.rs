//! Is every mistake in a lesson file named, with its line and what would help?

use super::read;

/// A file and all that is said about it.
struct Case {
    what: &'static str,
    file: &'static str,
    words: &'static str,
}

const CASES: &[Case] = &[];

#[test]
fn every_problem_of_a_malformed_file_is_told_with_its_line() {
    for Case { what, file, words } in CASES {
        match read("lesson.md", file.as_bytes()) {
            Ok(lesson) => panic!("{what}: read as {lesson:?}"),
            Err(problems) => assert_eq!(problems.to_string(), *words, "{what}"),
        }
    }
    assert!(CASES.len() >= 20);
}
