//! Is every mistake in a lesson file named, with its line and what would help?

use super::read;

/// A file and all that is said about it.
struct Case {
    what: &'static str,
    file: &'static str,
    words: &'static str,
}

const CASES: &[Case] = &[
    Case {
        what: "an empty file",
        file: "",
        words: "lesson.md:1: expected a lesson with at least one step, found nothing to read or to do",
    },
    Case {
        what: "nothing but white space and a byte order mark",
        file: "\
            \u{feff}\n\
            \x20 \n",
        words: "lesson.md:1: expected a lesson with at least one step, found nothing to read or to do",
    },
    Case {
        what: "a title and no more",
        file: "# Only a title\n",
        words: "lesson.md:1: expected a lesson with at least one step, found nothing to read or to do",
    },
    Case {
        what: "two titles",
        file: "\
            # One\n\
            \n\
            Text.\n\
            \n\
            # Two\n\
            \n\
            More.\n",
        words: "\
            lesson.md:5: expected one title, found `Two`\n\
            hint: a step begins with `##`, the title alone with `#`",
    },
    Case {
        what: "a title below prose",
        file: "\
            Text.\n\
            \n\
            # Late\n",
        words: "\
            lesson.md:3: expected the title before all else, found `Late`\n\
            hint: a step begins with `##`, the title alone with `#`",
    },
    Case {
        what: "a title without words",
        file: "\
            #\n\
            \n\
            Text.\n",
        words: "lesson.md:1: expected a title after `#`, found nothing",
    },
    Case {
        what: "a step with nothing in it",
        file: "\
            ## Empty\n\
            \n\
            ## Full\n\
            \n\
            Text.\n",
        words: "\
            lesson.md:1: expected something in the step `Empty`, found nothing\n\
            hint: `###` makes a heading within a step",
    },
    Case {
        what: "a block that never closes",
        file: "\
            ## Step\n\
            \n\
            Text.\n\
            \n\
            ```question\n\
            prompt: Why?\n",
        words: "\
            lesson.md:5: expected a closing fence, found the end of the file\n\
            hint: a block ends in a line of as many ` or ~ as it begins with",
    },
    Case {
        what: "a listing that never closes",
        file: "\
            Text.\n\
            \n\
            ~~~~python\n\
            x = 1\n\
            ~~~\n",
        words: "\
            lesson.md:3: expected a closing fence, found the end of the file\n\
            hint: a block ends in a line of as many ` or ~ as it begins with",
    },
    Case {
        what: "a block whose name is misspelt",
        file: "\
            Text.\n\
            \n\
            ```quesiton\n\
            prompt: Why?\n\
            ```\n",
        words: "\
            lesson.md:3: expected a block or a programming language, found `quesiton`\n\
            hint: did you mean `question`?",
    },
    Case {
        what: "a block with a capital",
        file: "\
            Text.\n\
            \n\
            ```Sort\n\
            prompt: Why?\n\
            ```\n",
        words: "\
            lesson.md:3: expected a block or a programming language, found `Sort`\n\
            hint: did you mean `sort`?",
    },
    Case {
        what: "words after the name of a block",
        file: "\
            ```question the first\n\
            prompt: Why?\n\
            ```\n",
        words: "lesson.md:1: expected nothing after `question`, found `the first`",
    },
    Case {
        what: "a question without a prompt",
        file: "\
            ```question\n\
            reveal: Because.\n\
            ```\n",
        words: "lesson.md:1: expected `prompt: …` in this `question` block, found none",
    },
    Case {
        what: "a key that is misspelt",
        file: "\
            ```question\n\
            prompt: Why?\n\
            reveel: Because.\n\
            \x20 And so on.\n\
            ```\n",
        words: "\
            lesson.md:3: expected a key of `question` (`prompt`, `unit`, `own-words`, `keywords`, `reveal`, `options`, `reasons` or `ticks`), found `reveel`\n\
            hint: did you mean `reveal`?",
    },
    Case {
        what: "a key that is none",
        file: "\
            ```choice\n\
            prompt: Why?\n\
            colour: red\n\
            options:\n\
            - [x] a\n\
            - [ ] b\n\
            ```\n",
        words: "lesson.md:3: expected a key of `choice` (`prompt`, `reveal` or `options`), found `colour`",
    },
    Case {
        what: "a key twice",
        file: "\
            ```question\n\
            prompt: Why?\n\
            reveal: Because.\n\
            prompt: How?\n\
            ```\n",
        words: "lesson.md:4: expected `prompt` once, found it again (first in line 2)",
    },
    Case {
        what: "a key without a value",
        file: "\
            ```question\n\
            prompt:\n\
            reveal: Because.\n\
            ```\n",
        words: "lesson.md:2: expected a text after `prompt:`, found nothing",
    },
    Case {
        what: "a line that is no key",
        file: "\
            ```question\n\
            prompt: Why?\n\
            Because it is so.\n\
            ```\n",
        words: "lesson.md:3: expected `key: value`, or a line indented by two spaces that goes on with the text above, found `Because it is so.`",
    },
    Case {
        what: "an item below no list",
        file: "\
            ```question\n\
            - first\n\
            prompt: Why?\n\
            - second\n\
            ```\n",
        words: "\
            lesson.md:2: expected `key: value`, or a line indented by two spaces that goes on with the text above, found `- first`\n\
            lesson.md:4: expected `key: value`, or a line indented by two spaces that goes on with the text above, found `- second`",
    },
    Case {
        what: "a list with a value beside its key, and one without items",
        file: "\
            ```question\n\
            prompt: Why?\n\
            options: yes, no\n\
            ticks:\n\
            ```\n",
        words: "\
            lesson.md:3: expected the items of `options` in lines of their own, each with a dash, found `yes, no`\n\
            lesson.md:4: expected items, each in a line with a dash, found nothing",
    },
    Case {
        what: "a dash without a text",
        file: "\
            ```question\n\
            prompt: Why?\n\
            ticks:\n\
            -\n\
            - I said so.\n\
            ```\n",
        words: "lesson.md:4: expected a text after the dash, found nothing",
    },
    Case {
        what: "keys of an item that are none",
        file: "\
            ```question\n\
            prompt: Why?\n\
            reasons:\n\
            - [x] so\n\
            \x20 feedbak: Yes.\n\
            - [ ] not so\n\
            \x20 note: but\n\
            ```\n",
        words: "\
            lesson.md:5: expected a key of an item (`feedback`), found `feedbak`\n\
            hint: did you mean `feedback`?\n\
            lesson.md:7: expected a key of an item (`feedback`), found `note`\n\
            hint: a line that goes on with the text is indented by four spaces more than the dash",
    },
    Case {
        what: "a key of an item twice, and one without a value",
        file: "\
            ```question\n\
            prompt: Why?\n\
            reasons:\n\
            - [x] so\n\
            \x20 feedback: Yes.\n\
            \x20 feedback: No.\n\
            - [ ] not so\n\
            \x20 feedback:\n\
            ```\n",
        words: "\
            lesson.md:6: expected `feedback` once, found it again (first in line 5)\n\
            lesson.md:8: expected a text after `feedback:`, found nothing",
    },
    Case {
        what: "options of which some are marked, and none is right",
        file: "\
            ```question\n\
            prompt: Why?\n\
            options:\n\
            - [ ] a\n\
            - b\n\
            ```\n",
        words: "\
            lesson.md:4: expected a right one among the `options`, marked `[x]`, found none\n\
            lesson.md:5: expected `[x]` or `[ ]` before the text, found `b`",
    },
    Case {
        what: "a single option",
        file: "\
            ```question\n\
            prompt: Why?\n\
            options:\n\
            - [x] a\n\
            ```\n",
        words: "lesson.md:4: expected two or more `options`, found one",
    },
    Case {
        what: "two right predictions",
        file: "\
            ```question\n\
            prompt: Why?\n\
            options:\n\
            - [x] a\n\
            - [x] b\n\
            ```\n",
        words: "\
            lesson.md:5: expected one right prediction, found a second one\n\
            hint: a `choice` block can have several right options",
    },
    Case {
        what: "a mark without a text, and marks that are missing",
        file: "\
            ```choice\n\
            prompt: Why?\n\
            options:\n\
            - [x]\n\
            - b\n\
            ```\n",
        words: "\
            lesson.md:4: expected a text after the mark, found nothing\n\
            lesson.md:5: expected `[x]` or `[ ]` before the text, found `b`",
    },
    Case {
        what: "a choice without options",
        file: "\
            ```choice\n\
            prompt: Why?\n\
            ```\n",
        words: "lesson.md:1: expected `options:` with a list in this `choice` block, found none",
    },
    Case {
        what: "options and a unit",
        file: "\
            ```question\n\
            prompt: Why?\n\
            unit: ms\n\
            options:\n\
            - a\n\
            - b\n\
            ```\n",
        words: "lesson.md:3: expected a `unit` for a number to guess, or `options` to choose from, found both",
    },
    Case {
        what: "a sketch that is none",
        file: "\
            ```question\n\
            prompt: Why?\n\
            options:\n\
            - a\n\
            \x20 sketch: wiggle\n\
            - b\n\
            ```\n",
        words: "lesson.md:5: expected a sketch (`fall`, `crawl`, `jitter`, `bounce`, `explode` or `flat`), found `wiggle`",
    },
    Case {
        what: "an experiment that is none",
        file: "\
            ```experiment\n\
            name: fog-mountian\n\
            ```\n\
            \n\
            ```experiment\n\
            name: volcano\n\
            ```\n",
        words: "\
            lesson.md:2: expected the name of an experiment, found `fog-mountian`\n\
            hint: did you mean `fog-mountain`?\n\
            lesson.md:6: expected the name of an experiment, found `volcano`\n\
            hint: one of `fog-mountain`, `learning-rate`, `step-price`, `gradient-cloud`, `zig-zag`, `noise-and-batch`, `race`, `pytorch-code`, `recap` or `prove-it`",
    },
    Case {
        what: "an experiment without a name",
        file: "\
            ```experiment\n\
            caption: Try.\n\
            ```\n",
        words: "lesson.md:1: expected `name: …` in this `experiment` block, found none",
    },
    Case {
        what: "a parameter of another experiment",
        file: "\
            ```experiment\n\
            name: fog-mountain\n\
            batch-size: 32\n\
            ```\n",
        words: "lesson.md:3: expected a key of `experiment` (`name`, `caption`, `terrain`, `lr`, `steps` or `seed`), found `batch-size`",
    },
    Case {
        what: "parameters with values that they cannot have",
        file: "\
            ```experiment\n\
            name: race\n\
            batch-sizes: full, 0\n\
            lr: -1\n\
            loss: quadratic\n\
            epochs: 2.5\n\
            seed: -3\n\
            target-loss: nan\n\
            ```\n",
        words: "\
            lesson.md:3: expected batch sizes divided by commas, each `full` or a whole number above 0 for `batch-sizes`, found `full, 0`\n\
            lesson.md:4: expected `auto` or a number above 0 for `lr`, found `-1`\n\
            lesson.md:5: expected a loss as `--loss` has it for `loss`, found `quadratic`\n\
            lesson.md:6: expected a whole number above 0 for `epochs`, found `2.5`\n\
            lesson.md:7: expected a whole number, 0 or above for `seed`, found `-3`\n\
            lesson.md:8: expected a number above 0 for `target-loss`, found `nan`",
    },
    Case {
        what: "a claim that is missing, and one that is none",
        file: "\
            ```experiment\n\
            name: prove-it\n\
            ```\n\
            \n\
            ```experiment\n\
            name: prove-it\n\
            claim: is-best\n\
            ```\n",
        words: "\
            lesson.md:2: expected `claim` for `prove-it`: `uses-all-data`, `slowest-per-update`, `smooth-descent`, `uses-one-example`, `fastest-per-update` or `noisy-descent`, found none\n\
            lesson.md:7: expected `uses-all-data`, `slowest-per-update`, `smooth-descent`, `uses-one-example`, `fastest-per-update` or `noisy-descent` for `claim`, found `is-best`",
    },
    Case {
        what: "a sort without boxes and items",
        file: "\
            ```sort\n\
            prompt: Sort.\n\
            ```\n",
        words: "\
            lesson.md:1: expected `boxes:` with a list in this `sort` block, found none\n\
            lesson.md:1: expected `items:` with a list in this `sort` block, found none",
    },
    Case {
        what: "boxes that cannot be told apart, and a single one",
        file: "\
            ```sort\n\
            prompt: Sort.\n\
            boxes:\n\
            - A\n\
            - A\n\
            items:\n\
            - a\n\
            \x20 box: A\n\
            ```\n\
            \n\
            ```sort\n\
            prompt: Sort.\n\
            boxes:\n\
            - A\n\
            items:\n\
            - a\n\
            \x20 box: A\n\
            ```\n",
        words: "\
            lesson.md:5: expected every box to have a name of its own, found `A` again (first in line 4)\n\
            lesson.md:14: expected two boxes or more, found one",
    },
    Case {
        what: "items without a box, in no box, and twice",
        file: "\
            ```sort\n\
            prompt: Sort.\n\
            boxes:\n\
            - Batch GD\n\
            - Stochastic GD\n\
            items:\n\
            - smooth\n\
            - noisy\n\
            \x20 box: Stochastik GD\n\
            - smooth\n\
            \x20 box: Batch GD\n\
            ```\n",
        words: "\
            lesson.md:7: expected `box: …` below this item, found none\n\
            lesson.md:9: expected a box of this practice (`Batch GD` or `Stochastic GD`), found `Stochastik GD`\n\
            hint: did you mean `Stochastic GD`?\n\
            lesson.md:10: expected every item once, found `smooth` again (first in line 7)",
    },
    Case {
        what: "proofs that prove nothing",
        file: "\
            ```sort\n\
            prompt: Sort.\n\
            boxes:\n\
            - A\n\
            - B\n\
            items:\n\
            - a\n\
            \x20 box: A\n\
            \x20 prove: race quickly\n\
            - b\n\
            \x20 box: B\n\
            \x20 prove: race wheels=4 seed=1 seed=2\n\
            ```\n",
        words: "\
            lesson.md:9: expected `key=value` after the name of an experiment, found `quickly`\n\
            lesson.md:12: expected a parameter of `race` (`data`, `target`, `columns`, `loss`, `batch-sizes`, `lr`, `epochs`, `target-loss` or `seed`), found `wheels`\n\
            lesson.md:12: expected `seed` once, found it again",
    },
    Case {
        what: "code without the line that divides it",
        file: "\
            ```code\n\
            language: python\n\
            x = 1\n\
            ```\n",
        words: "lesson.md:1: expected a line `---` in this `code` block, between its keys and what is shown as it stands, found none",
    },
    Case {
        what: "lines to point out that are not there",
        file: "\
            ```code\n\
            highlight: 1, 3, x\n\
            ---\n\
            x = 1\n\
            ```\n\
            \n\
            ```code\n\
            ---\n\
            ```\n",
        words: "\
            lesson.md:2: expected line numbers from 1 to 1 divided by commas, found `3`\n\
            lesson.md:2: expected line numbers from 1 to 1 divided by commas, found `x`\n\
            lesson.md:7: expected code below the line `---`, found none",
    },
    Case {
        what: "a practice without a type",
        file: "\
            ```practice\n\
            ---\n\
            Text.\n\
            ```\n",
        words: "lesson.md:1: expected `type: …` in this `practice` block, found none",
    },
    Case {
        what: "both forms in one file",
        file: "\
            ```question\n\
            prompt: Why?\n\
            ```\n\
            \n\
            Engagement Message\n\
            And how?\n",
        words: "\
            lesson.md:5: expected a `question` block, as the other blocks of this file, found `Engagement Message` of the plain script form\n\
            hint: write the whole lesson in one form; `downslope learn --convert` makes Markdown of a script",
    },
    Case {
        what: "an engagement message without a question",
        file: "\
            Text.\n\
            \n\
            Engagement Message\n\
            \n\
            __Type__\n\
            Sort Into Boxes\n\
            __Practice Question__\n\
            Sort.\n\
            __Categories__\n\
            - A\n\
            - B\n\
            __Items__\n\
            - a: A\n\
            \n\
            Engagement Message\n",
        words: "\
            lesson.md:3: expected a question in the line after `Engagement Message`, found `__Type__`\n\
            lesson.md:15: expected a question in the line after `Engagement Message`, found the end of the file",
    },
    Case {
        what: "a practice without a type, and one at the end of the file",
        file: "\
            Type\n\
            Practice Question\n\
            Sort.\n\
            \n\
            Type\n",
        words: "\
            lesson.md:1: expected the type of the practice in the line after `Type`, found `Practice Question`\n\
            hint: `Sort Into Boxes` is the type that is played\n\
            lesson.md:5: expected the type of the practice in the line after `Type`, found the end of the file\n\
            hint: `Sort Into Boxes` is the type that is played",
    },
    Case {
        what: "a practice with nothing in it",
        file: "\
            Type\n\
            Sort Into Boxes\n",
        words: "\
            lesson.md:1: expected `Practice Question` in this practice, found none\n\
            lesson.md:1: expected `Labels` or `Categories` in this practice, found neither",
    },
    Case {
        what: "a practice without its question",
        file: "\
            Type\n\
            Sort Into Boxes\n\
            Sort these.\n\
            Labels\n\
            - First Box Label: A\n\
            - Second Box Label: B\n\
            First Box Items\n\
            - a\n\
            Second Box Items\n\
            - b\n",
        words: "lesson.md:3: expected `Practice Question` after the type of the practice, found `Sort these.`",
    },
    Case {
        what: "labels that are none",
        file: "\
            Type\n\
            Sort Into Boxes\n\
            Practice Question\n\
            Sort.\n\
            Labels\n\
            - Box one: A\n\
            - Second Box Label:\n\
            - Second Box Label: B\n\
            - Second Box Label: C\n\
            First Box Items\n\
            - a\n\
            Second Box Items\n\
            - b\n",
        words: "\
            lesson.md:6: expected a label such as `First Box Label: its name`, found `Box one: A`\n\
            lesson.md:7: expected a label such as `First Box Label: its name`, found `Second Box Label:`\n\
            lesson.md:9: expected `Second Box Label` once, found it again (first in line 8)\n\
            lesson.md:10: expected a `First Box Label` among the labels, found none",
    },
    Case {
        what: "items of a box that has no label, and a box without items",
        file: "\
            Type\n\
            Sort Into Boxes\n\
            Practice Question\n\
            Sort.\n\
            Labels\n\
            - First Box Label: A\n\
            - Second Box Label: B\n\
            First Box Items\n\
            - a\n\
            Third Box Items\n\
            - c\n",
        words: "\
            lesson.md:1: expected `Second Box Items` for the box `B`, found none\n\
            lesson.md:10: expected a `Third Box Label` among the labels, found none",
    },
    Case {
        what: "lists without dashes",
        file: "\
            Type\n\
            Sort Into Boxes\n\
            Practice Question\n\
            Sort.\n\
            Labels\n\
            First Box Label: A\n\
            - Second Box Label: B\n\
            First Box Items\n\
            - a\n\
            b\n\
            Second Box Items\n\
            \n\
            Engagement Message\n\
            Why?\n",
        words: "\
            lesson.md:6: expected an item of `Labels`: a dash, a space and a text, found `First Box Label: A`\n\
            lesson.md:7: expected two boxes or more, found one\n\
            lesson.md:8: expected a `First Box Label` among the labels, found none\n\
            lesson.md:10: expected an item of `First Box Items`: a dash, a space and a text, found `b`\n\
            lesson.md:11: expected a list below `Second Box Items`, found `Engagement Message`",
    },
    Case {
        what: "an item in two boxes",
        file: "\
            Type\n\
            Sort Into Boxes\n\
            Practice Question\n\
            Sort.\n\
            Labels\n\
            - First Box Label: A\n\
            - Second Box Label: B\n\
            First Box Items\n\
            - a\n\
            Second Box Items\n\
            - a\n\
            -\n",
        words: "\
            lesson.md:11: expected every item once, found `a` again (first in line 9)\n\
            lesson.md:12: expected a text after the dash, found nothing",
    },
    Case {
        what: "items of no category",
        file: "\
            __Type__\n\
            \n\
            Sort Into Boxes\n\
            \n\
            __Practice Question__\n\
            \n\
            Sort.\n\
            \n\
            __Categories__\n\
            \n\
            - Solid\n\
            - Liquid\n\
            \n\
            __Items__\n\
            \n\
            - ice: Solid\n\
            - steam: Gas\n\
            - water\n\
            - : Liquid\n",
        words: "\
            lesson.md:17: expected an item that ends in a colon and a category (`Solid` or `Liquid`), found `steam: Gas`\n\
            lesson.md:18: expected an item that ends in a colon and a category (`Solid` or `Liquid`), found `water`\n\
            lesson.md:19: expected an item that ends in a colon and a category (`Solid` or `Liquid`), found `: Liquid`",
    },
    Case {
        what: "the parts of the two kinds mixed",
        file: "\
            Type\n\
            Sort Into Boxes\n\
            Practice Question\n\
            Sort.\n\
            Categories\n\
            - A\n\
            - B\n\
            First Box Items\n\
            - a\n\
            \n\
            Type\n\
            Sort Into Boxes\n\
            Practice Question\n\
            Sort.\n\
            Labels\n\
            - First Box Label: A\n\
            - Second Box Label: B\n\
            Items\n\
            - a: A\n\
            \n\
            Type\n\
            Sort Into Boxes\n\
            Practice Question\n\
            Sort.\n\
            Labels\n\
            - First Box Label: A\n\
            Categories\n\
            - A\n\
            - B\n",
        words: "\
            lesson.md:1: expected `Items` in this practice, found none\n\
            lesson.md:8: expected `Items` below `Categories`, found `First Box Items`\n\
            hint: boxes with items of their own belong to `Labels`\n\
            lesson.md:18: expected `First Box Items` below `Labels`, found `Items`\n\
            hint: `Items` belong to `Categories`\n\
            lesson.md:27: expected either `Labels` or `Categories` in a practice, found both",
    },
    Case {
        what: "headings that a practice does not have, and one without a practice",
        file: "\
            __Labels__\n\
            \n\
            Type\n\
            Sort Into Boxes\n\
            Practice Question\n\
            Sort.\n\
            __Colours__\n\
            Categories\n\
            - A\n\
            - B\n\
            Categories\n\
            - A\n\
            - B\n\
            Items\n\
            - a: A\n",
        words: "\
            lesson.md:1: expected a practice to begin with `Type`, found `__Labels__`\n\
            hint: above it stand a line `Type` and a line `Sort Into Boxes`\n\
            lesson.md:7: expected `Practice Question`, `Labels`, `Categories` or `Items` in a practice, found `__Colours__`\n\
            lesson.md:11: expected `Categories` once in a practice, found it again",
    },
    Case {
        what: "a control character",
        file: "\
            Text.\n\
            \n\
            A bell: \u{7}\n",
        words: "\
            lesson.md:3: expected text, found the control character U+0007\n\
            hint: save it as plain text",
    },
];

#[test]
fn every_problem_of_a_malformed_file_is_told_with_its_line() {
    for Case { what, file, words } in CASES {
        match read("lesson.md", file.as_bytes()) {
            Ok(lesson) => panic!("{what}: read as {lesson:?}"),
            Err(problems) => assert_eq!(problems.to_string(), *words, "{what}"),
        }
    }
    assert!(CASES.len() >= 50);
}

#[test]
fn bytes_that_are_no_text_are_named() {
    let said = |bytes: &[u8]| read("lesson.md", bytes).unwrap_err().to_string();
    assert_eq!(
        said(b"Text.\n\nCaf\xe9.\n"),
        "lesson.md:3: expected UTF-8 text, found bytes of another encoding\n\
         hint: save it as UTF-8, for instance with `iconv -f latin1 -t utf-8`"
    );
    assert_eq!(
        said(&vec![b'x'; 2_000_000]),
        "lesson.md:1: expected a lesson of at most 1048576 bytes, found more\n\
         hint: divide it into several lessons"
    );
}

#[test]
fn more_problems_than_anyone_reads_are_counted() {
    let file = format!("```question\nprompt: Why?\n{}```\n", "nonsense\n".repeat(53));
    let problems = read("lesson.md", file.as_bytes()).unwrap_err();
    assert_eq!(problems.list().len(), 53);
    let said = problems.to_string();
    assert!(said.lines().count() == 51 && said.ends_with("\nlesson.md: and 3 more"), "{said}");
}

/// Files made to be slow are refused or read in time that grows with their size alone.
#[test]
fn large_files_of_one_kind_of_line_are_read_quickly() {
    let started = std::time::Instant::now();
    for (line, around) in [
        ("## a\n\nb\n\n", ""),
        ("```x\n", ""),
        ("- a: B:", "Type\nSort Into Boxes\nPractice Question\nq\nCategories\n- B\n- C\nItems\n"),
        ("- a\n", "Type\nSort Into Boxes\nPractice Question\nq\nCategories\n- B\n- C\nItems\n"),
        ("options:\n", "```question\n"),
        ("- a\n  box: a\n", "```sort\nprompt: q\nboxes:\n- a\n- b\nitems:\n"),
        ("First Box Items\n- a\n", "Type\nSort Into Boxes\nLabels\n"),
        ("_", ""),
        (" ", "- "),
    ] {
        let _ = read("large", format!("{around}{}", line.repeat(1_000_000 / line.len())).as_bytes());
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
