//! Where are the learner's answers kept?
//!
//! In one file, replaced whole by a rename after every answer, so that a kill at any moment loses nothing that the page
//! was told is kept. Nothing leaves the machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use downslope::checkpoint::write_whole;
use downslope::{Error, Result};
use serde::{Deserialize, Serialize};

/// Answers in a file at most.
const MOST_ANSWERS: usize = 2_000;
/// The longest text in an answer, in bytes.
const LONGEST: usize = 8_192;

/// What a learner answered to one question or practice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Answer {
    /// What was asked.
    pub(crate) prompt: String,
    /// What was committed to before the experiment.
    pub(crate) committed: Option<String>,
    /// The reason chosen after it.
    pub(crate) reason: Option<String>,
    /// In one's own words.
    pub(crate) own_words: String,
    /// What one ticked as said.
    pub(crate) ticks: Vec<String>,
    /// What was sorted or chosen, and where.
    pub(crate) placed: Vec<String>,
    /// Whether it was right the first time; nothing where that cannot be said.
    pub(crate) correct: Option<bool>,
    /// How often it was got wrong.
    pub(crate) misses: u32,
    /// Whether it is done.
    pub(crate) done: bool,
}

impl Answer {
    fn is_of_bearable_size(&self) -> bool {
        let texts = [&self.prompt, &self.own_words].into_iter().chain(&self.committed).chain(&self.reason);
        let lists = self.ticks.iter().chain(&self.placed);
        texts.chain(lists).all(|text| text.len() <= LONGEST) && self.ticks.len() <= 64 && self.placed.len() <= 256
    }
}

/// The file of a learner's answers.
pub(crate) struct Answers {
    path: PathBuf,
    lesson: String,
    writing: Mutex<()>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    lesson: String,
    answers: BTreeMap<String, Answer>,
}

impl Answers {
    /// Answers kept in a file, which may not be there yet.
    ///
    /// # Errors
    /// A folder that cannot be made, and a file that holds something else.
    pub(crate) fn open(path: &Path, lesson: &str) -> Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| Error::io("make", folder, error))?;
        }
        let answers = Self { path: path.to_owned(), lesson: lesson.to_owned(), writing: Mutex::new(()) };
        answers.read()?;
        Ok(answers)
    }

    /// All answers, by the name of what they answer.
    pub(crate) fn read(&self) -> Result<BTreeMap<String, Answer>> {
        match std::fs::read(&self.path) {
            Ok(bytes) => {
                let kept: Kept = serde_json::from_slice(&bytes).map_err(|error| {
                    Error::malformed("file of answers", format!("{} ({error})", self.path.display()))
                })?;
                Ok(kept.answers)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(Error::io("read", &self.path, error)),
        }
    }

    /// Keeps one answer; when this returns it is on the disk.
    pub(crate) fn keep(&self, id: &str, answer: Answer) -> Result<()> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answers = self.read()?;
        let too_many = answers.len() >= MOST_ANSWERS && !answers.contains_key(id);
        if id.is_empty() || id.len() > 200 || too_many || !answer.is_of_bearable_size() {
            return Err(Error::malformed("answer", "it is larger than an answer can be"));
        }
        answers.insert(id.to_owned(), answer);
        self.write(answers)
    }

    /// Forgets all answers.
    pub(crate) fn forget(&self) -> Result<()> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(BTreeMap::new())
    }

    fn write(&self, answers: BTreeMap<String, Answer>) -> Result<()> {
        let kept = Kept { lesson: self.lesson.clone(), answers };
        let bytes = serde_json::to_vec_pretty(&kept).map_err(|error| Error::malformed("answer", error))?;
        write_whole(&self.path, &bytes)
    }

    /// All answers as a table.
    pub(crate) fn csv(&self) -> Result<String> {
        let mut out = "id,prompt,committed,reason,own_words,ticks,placed,correct,misses,done\n".to_owned();
        for (id, answer) in self.read()? {
            let correct = answer.correct.map_or(String::new(), |correct| correct.to_string());
            let fields = [
                id,
                answer.prompt,
                answer.committed.unwrap_or_default(),
                answer.reason.unwrap_or_default(),
                answer.own_words,
                answer.ticks.join("; "),
                answer.placed.join("; "),
                correct,
                answer.misses.to_string(),
                answer.done.to_string(),
            ];
            out.push_str(&fields.map(|field| quoted(&field)).join(","));
            out.push('\n');
        }
        Ok(out)
    }
}

/// A field of CSV. What a spreadsheet would take for a formula is marked as text.
fn quoted(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t']);
    let marked = if is_formula { format!("'{field}") } else { field.to_owned() };
    if marked.contains([',', '"', '\n', '\r']) { format!("\"{}\"", marked.replace('"', "\"\"")) } else { marked }
}

/// Where the answers to a lesson are kept if nobody says otherwise: under the user's folder for data.
pub fn default_path(title: &str) -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).unwrap_or_default();
    let data = if cfg!(windows) {
        variable("APPDATA").unwrap_or_else(home)
    } else if cfg!(target_os = "macos") {
        home().join("Library/Application Support")
    } else {
        variable("XDG_DATA_HOME").unwrap_or_else(|| home().join(".local/share"))
    };
    let simple: String =
        title.to_lowercase().chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
    let words: Vec<&str> = simple.split('-').filter(|word| !word.is_empty()).take(12).collect();
    let name = if words.is_empty() { "lesson".to_owned() } else { words.join("-") };
    data.join("downslope").join("answers").join(format!("{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_one_by_one_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/answers.json");
        let answers = Answers::open(&path, "Downhill").unwrap();
        assert!(answers.read().unwrap().is_empty());
        let answer = Answer { prompt: "Why, \"really\"?".into(), own_words: "=1+1".into(), ..Answer::default() };
        answers.keep("a/question", answer.clone()).unwrap();
        answers.keep("b/question", Answer::default()).unwrap();
        let again = Answers::open(&path, "Downhill").unwrap();
        assert_eq!(again.read().unwrap()["a/question"], answer);
        let csv = again.csv().unwrap();
        assert!(csv.contains("\na/question,\"Why, \"\"really\"\"?\",,,'=1+1,,,,0,false\n"), "{csv}");
        again.forget().unwrap();
        assert!(again.read().unwrap().is_empty());
    }

    #[test]
    fn a_file_that_holds_something_else_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "my notes").unwrap();
        assert!(Answers::open(&path, "Downhill").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"my notes");
    }

    #[test]
    fn an_answer_of_unbearable_size_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let answers = Answers::open(&folder.path().join("answers.json"), "").unwrap();
        let long = Answer { own_words: "x".repeat(LONGEST + 1), ..Answer::default() };
        assert!(answers.keep("a", long).is_err());
    }
}
