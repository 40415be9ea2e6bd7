//! What does `downslope learn` say of a lesson, and what does it write?
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and ends")]

mod support;

use support::Workplace;

const SCRIPT: &str = "\
Yeast eats sugar.

Engagement Message
What does it breathe out?

Type
Sort Into Boxes
Practice Question
Warm or cold?
Labels
- First Box Label: Warm
- Second Box Label: Cold
First Box Items
- fast
Second Box Items
- slow

Type
Fill In The Blanks
Text
Yeast eats [sugar].
";

const CONVERTED: &str = "\
Yeast eats sugar.

```question
prompt: What does it breathe out?
```

##

```sort
prompt: Warm or cold?
boxes:
- Warm
- Cold
items:
- fast
  box: Warm
- slow
  box: Cold
```

##

```practice
type: Fill In The Blanks
---
Text
Yeast eats [sugar].
```
";

fn with_script() -> Workplace {
    let here = Workplace::new();
    here.write("bread.txt", SCRIPT);
    here
}

#[test]
fn the_built_in_lesson_has_nothing_wrong_with_it() {
    let said = Workplace::new().run("learn --check").with_code(0);
    assert_eq!(said.out, "");
    assert!(said.err.starts_with("gradient-descent: 8 steps: "), "{}", said.err);
}

#[test]
fn a_check_counts_what_is_there_and_names_what_is_not_known() {
    let said = with_script().run("learn bread.txt --check").with_code(0);
    assert_eq!(said.out, "");
    assert_eq!(
        said.err,
        "bread.txt: 3 steps: 1 question, 1 sort\n\
         note: bread.txt:18: a practice of the type `Fill In The Blanks` is not known; it is shown as it stands\n"
    );
    assert_eq!(with_script().run("learn bread.txt --check --quiet").with_code(0).err, "");
}

#[test]
fn a_script_becomes_markdown_that_says_the_same() {
    let here = with_script();
    let said = here.run("learn bread.txt --convert").with_code(0);
    assert_eq!((said.out.as_str(), said.err.as_str()), (CONVERTED, ""));
    let said = here.run("learn bread.txt --convert --out bread.md").with_code(0);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", "wrote bread.md\n"));
    assert_eq!(here.run("learn bread.md --convert").with_code(0).out, CONVERTED);
}

#[test]
fn exports_say_what_they_left_out() {
    let here = with_script();
    for (format, begins) in [("gift", "$CATEGORY"), ("moodle-xml", "<?xml"), ("anki-tsv", "#separator:tab")] {
        let said = here.run(&format!("learn bread.txt --export {format}")).with_code(0);
        assert!(said.out.starts_with(begins), "{}", said.out);
        assert!(
            said.err.contains("note: left out 1 practice of an unknown kind (step-3/1, `Fill In The Blanks`)\n"),
            "{}",
            said.err
        );
    }
}

#[test]
fn every_problem_of_a_lesson_is_told_and_nothing_is_written() {
    let here = Workplace::new();
    here.write("bad.md", "# Bad\n\n```question\nprmpt: Why?\n```\n\n```sort\nprompt: Sort.\nboxes:\n- A\n- B\n```\n");
    let before = here.listing();
    for flags in ["--check", "--convert", "--convert --out out.md", "--export gift --out out.gift", ""] {
        let said = here.run(&format!("learn bad.md {flags}")).with_code(2);
        assert_eq!(said.out, "");
        assert_eq!(
            said.err,
            "error: bad.md:4: expected a key of `question` (`prompt`, `unit`, `own-words`, `keywords`, `reveal`, `options`, `reasons` or `ticks`), found `prmpt`\n\
             hint: did you mean `prompt`?\n\
             error: bad.md:7: expected `items:` with a list in this `sort` block, found none\n"
        );
        assert_eq!(here.listing(), before);
    }
}

#[test]
fn a_lesson_that_is_not_there_and_flags_that_exclude_each_other() {
    let here = with_script();
    let said = here.run("learn no.md --check").with_code(2);
    assert_eq!(
        said.err,
        "error: cannot read `no.md`: No such file or directory (os error 2)\n\
         hint: check the path; without one, `downslope learn` takes the lesson that is built in\n"
    );
    for flags in ["--check --convert", "--convert --export gift", "--check --out x", "--export pdf"] {
        here.run(&format!("learn bread.txt {flags}")).with_code(2);
    }
}
