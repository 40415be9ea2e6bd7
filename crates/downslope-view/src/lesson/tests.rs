use downslope::random::{Purpose, Stream};

use super::*;
use crate::snapshot::assert_as_kept;

const TWO_BOXES: &str = include_str!("../../../../lessons/examples/two-boxes.txt");
const CATEGORIES: &str = include_str!("../../../../lessons/examples/categories.txt");
const EVERYTHING: &str = include_str!("../../../../lessons/examples/everything.md");
const EXAMPLES: [(&str, &str); 3] = [("two-boxes", TWO_BOXES), ("categories", CATEGORIES), ("everything", EVERYTHING)];

/// A lesson, but for the line of a practice that is not known: that one is of its file.
fn placeless(mut lesson: Lesson) -> Lesson {
    for block in lesson.steps.iter_mut().flat_map(|step| &mut step.blocks) {
        if let Block::Unknown(practice) = block {
            practice.line = 0;
        }
    }
    lesson
}

/// What is written reads back the same, and is written the same again.
fn assert_survives(lesson: &Lesson, text: &str) {
    let written = to_markdown(lesson);
    let again = read("again.md", written.as_bytes())
        .unwrap_or_else(|problems| panic!("{text:?} became {written:?}: {problems}"));
    assert_eq!(placeless(lesson.clone()), placeless(again.clone()), "{text:?} became {written:?}");
    assert_eq!(to_markdown(&again), written, "{text:?}");
    let json = serde_json::to_string(lesson).unwrap();
    assert_eq!(serde_json::from_str::<Lesson>(&json).unwrap(), *lesson);
}

#[test]
fn both_forms_are_read_as_they_are_kept() {
    for (name, text) in EXAMPLES {
        let lesson = read(name, text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
        assert_as_kept(&format!("lesson-{name}"), &(serde_json::to_string_pretty(&lesson).unwrap() + "\n"));
        assert_as_kept(&format!("lesson-{name}-converted"), &to_markdown(&lesson));
        assert_survives(&lesson, text);
    }
}

#[test]
fn the_built_in_lesson_is_read_and_survives() {
    let lesson = builtin::lesson(builtin::DEFAULT).unwrap().unwrap_or_else(|problems| panic!("{problems}"));
    assert_survives(&lesson, builtin::DEFAULT);
}

/// An unknown practice in the two ways of writing headings, and what comes after it.
#[test]
fn a_practice_that_is_not_known_ends_where_prose_begins() {
    let marked = "__Type__\n\nFill In The Blanks\n\n__Text__\n\nOne [gap].\n\nAnother [gap].\n\n__Answers__\n\nTwo of them.\n\n- a\n- b\n\nShort prose\n\n__Engagement Message__\n\nWhy?\n";
    let plain = "Type\nFill In The Blanks\nText\nOne [gap].\nAnother [gap].\n\nAnswers\n- a\n- b\n\nProse of more than five words follows.\n\nEngagement Message\nWhy?\n";
    let headings = "Type\nFill In The Blanks\n## Next\nProse.\nType\nMatching\nType\nCards";
    let told = |text: &str| {
        let lesson = read("t", text.as_bytes()).unwrap();
        let tell = |block: &Block| match block {
            Block::Unknown(Unknown { kind, line, text }) => format!("{kind} ({line}): {}", text.replace('\n', "|")),
            Block::Prose(prose) => prose.text.clone(),
            Block::Question(question) => question.prompt.clone(),
            _ => panic!("{block:?}"),
        };
        lesson.steps.iter().map(|step| step.blocks.iter().map(tell).collect()).collect::<Vec<Vec<String>>>()
    };
    assert_eq!(
        told(marked),
        [
            vec!["Fill In The Blanks (1): __Text__||One [gap].||Another [gap].||__Answers__||Two of them.||- a|- b"],
            vec!["Short prose", "Why?"]
        ]
    );
    assert_eq!(
        told(plain),
        [
            vec!["Fill In The Blanks (1): Text|One [gap].|Another [gap].||Answers|- a|- b"],
            vec!["Prose of more than five words follows.", "Why?"]
        ]
    );
    assert_eq!(
        told(headings),
        [vec!["Fill In The Blanks (1): "], vec!["Prose.", "Matching (5): "], vec!["Cards (7): "]]
    );
}

/// The whole lessons in `lessons/README.md`: fenced text within it.
#[test]
fn the_examples_told_to_teachers_are_lessons_and_its_tables_are_complete() {
    let readme = include_str!("../../../../lessons/README.md");
    for (fence, n_steps) in [("````markdown\n", 2), ("```text\n", 2)] {
        let end = fence.trim_end_matches(|c: char| c != '`');
        let example = readme.split_once(fence).and_then(|(_, rest)| rest.split_once(&format!("\n{end}\n"))).unwrap().0;
        let lesson = read("README.md", example.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(lesson.steps.len(), n_steps);
        assert!(lesson.steps.iter().all(|step| step.blocks.len() <= 2));
    }
    for known in known() {
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{}` |", known.name))).unwrap();
        assert!(known.parameters.iter().all(|parameter| row.contains(&format!("`{}`", parameter.name))), "{row}");
    }
}

#[test]
fn every_formula_of_the_built_in_lesson_is_drawn() {
    let lesson = builtin::lesson(builtin::DEFAULT).unwrap().unwrap();
    let html = serde_json::to_string(&html::lesson(&lesson)).unwrap();
    assert!(html.matches("<math").count() > 30 && !html.contains('$'), "{html}");
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    for (name, text) in EXAMPLES {
        let lesson = read(name, text.as_bytes()).unwrap();
        for other in [
            text.replace('\n', "\r\n"),
            text.replace('\n', "\r"),
            format!("\u{feff}{text}"),
            text.replace('\n', "  \n"),
        ] {
            assert_eq!(read(name, other.as_bytes()).unwrap(), lesson, "{name}");
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_is_a_lesson_or_names_its_problems() {
    let long = builtin::text(builtin::DEFAULT).unwrap();
    for (text, every) in EXAMPLES.map(|(_, text)| (text, 1)).into_iter().chain([(long, 13)]) {
        for end in (0..text.len()).step_by(every) {
            // Characters are cut through as well.
            match read("cut", &text.as_bytes()[..end]) {
                Ok(lesson) => assert_survives(&lesson, &String::from_utf8_lossy(&text.as_bytes()[..end])),
                Err(problems) => assert!(!problems.list().is_empty()),
            }
        }
    }
}

/// Any text at all is a lesson or a list of problems, and a lesson that is written reads back the same.
#[test]
fn whatever_is_read_can_be_written_and_read_again() {
    let pieces = [
        "a",
        "b c",
        ":",
        "-",
        "- ",
        "[x] ",
        "[ ] ",
        "  ",
        "    ",
        "\t",
        "\n",
        "\n",
        "\n",
        "\n\n",
        "#",
        "## ",
        "# ",
        "```",
        "````",
        "~~~",
        "---",
        "```question\n",
        "```sort\n",
        "```choice\n",
        "```code\n",
        "```experiment\n",
        "```practice\n",
        "\n```\n",
        "prompt: ",
        "options:\n",
        "- [x] yes\n- [ ] no\n",
        "reasons:\n",
        "  feedback: ",
        "reveal:\n",
        "ticks:\n- t\n",
        "unit: ms\n",
        "name: race\n",
        "lr: 0.1\n",
        "boxes:\n- A\n- B\n",
        "items:\n",
        "- i\n  box: A\n",
        "  reason: r\n",
        "  prove: race seed=1\n",
        "type: t\n",
        "Engagement Message\n",
        "__Type__\n",
        "Type\n",
        "Sort Into Boxes\n",
        "Practice Question\n",
        "Labels\n",
        "- First Box Label: A\n- Second Box Label: B\n",
        "First Box Items\n- u\n",
        "Second Box Items\n- v\n",
        "Categories\n- A\n- B\n",
        "Items\n- u: A\n",
        "é",
        "\u{a0}",
        "$x: y$",
        "`",
        "*",
        "_",
        "\r",
    ];
    let (mut n_lessons, mut n_blocks) = (0, 0);
    for number in 0..40_000 {
        let mut stream = Stream::new(3, Purpose::Probe, number);
        let n_pieces = stream.below(24);
        let text: String = (0..n_pieces).map(|_| pieces[stream.below(pieces.len() as u32) as usize]).collect();
        let Ok(lesson) = read("t", text.as_bytes()) else { continue };
        n_lessons += 1;
        n_blocks +=
            lesson.steps.iter().flat_map(|step| &step.blocks).filter(|block| !matches!(block, Block::Prose(_))).count();
        assert_survives(&lesson, &text);
    }
    assert!(n_lessons > 2000 && n_blocks > 1000, "{n_lessons} {n_blocks}");
}

/// The same with parts of good lessons, shuffled: nearer to what a person may write.
#[test]
fn lines_of_good_lessons_in_any_order_never_panic_and_survive() {
    let lines: Vec<&str> = EXAMPLES.iter().flat_map(|(_, text)| text.lines()).collect();
    let mut n_lessons = 0;
    for number in 0..4000 {
        let mut stream = Stream::new(4, Purpose::Probe, number);
        let n_parts = 1 + stream.below(6);
        let parts = (0..n_parts).map(|_| {
            let from = stream.below(lines.len() as u32) as usize;
            let until = (from + 1 + stream.below(30) as usize).min(lines.len());
            lines[from..until].join("\n")
        });
        let text = parts.collect::<Vec<_>>().join("\n");
        if let Ok(lesson) = read("t", text.as_bytes()) {
            n_lessons += 1;
            assert_survives(&lesson, &text);
        }
    }
    assert!(n_lessons > 200, "{n_lessons}");
}

#[test]
fn an_item_is_divided_at_the_last_colon_that_a_category_follows() {
    let text = "Type\nSort Into Boxes\nPractice Question\nSort.\nCategories\n- A: x\n- B\nItems\n- a: B: B\n- ratio 1:2 of $f: X$: a: X\n- B: no: b\n";
    let lesson = read("t", text.as_bytes()).unwrap();
    let Block::Sort(sort) = &lesson.steps[0].blocks[0] else { panic!() };
    let items: Vec<(&str, usize)> = sort.items.iter().map(|item| (item.text.as_str(), item.box_index)).collect();
    assert_eq!(items, [("a: B", 1), ("ratio 1:2 of $f: X$", 0), ("B: no", 1)]);
}

#[test]
fn the_json_in_this_modules_documentation_is_what_a_lesson_becomes() {
    let documented: String = include_str!("mod.rs")
        .lines()
        .skip_while(|line| *line != "//! ```json")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.trim_start_matches("//! ").to_owned() + "\n")
        .collect();
    let lesson: Lesson = serde_json::from_str(&documented).unwrap();
    let value: serde_json::Value = serde_json::from_str(&documented).unwrap();
    assert_eq!(serde_json::to_value(&lesson).unwrap(), value);
    assert_eq!(lesson.steps[0].blocks.len(), 7);
}
