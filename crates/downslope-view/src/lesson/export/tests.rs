use super::*;
use crate::lesson::{builtin, read};
use crate::snapshot::assert_as_kept;

const EXAMPLES: [(&str, &str); 2] = [
    ("everything", include_str!("../../../../../lessons/examples/everything.md")),
    ("categories", include_str!("../../../../../lessons/examples/categories.txt")),
];

const FORMATS: [(&str, Format); 3] =
    [("gift", Format::Gift), ("moodle-xml", Format::MoodleXml), ("anki-tsv", Format::AnkiTsv)];

#[test]
fn every_format_writes_what_is_kept_and_says_what_it_left_out() {
    for (name, text) in EXAMPLES {
        let lesson = read(name, text.as_bytes()).unwrap();
        for (word, format) in FORMATS {
            assert_eq!(word.parse(), Ok(format));
            let Exported { text, left_out } = export(&lesson, format);
            assert_as_kept(&format!("lesson-{name}-{word}"), &(text + "\nleft out:\n" + &left_out.join("\n") + "\n"));
        }
    }
}

fn built_in() -> Lesson {
    builtin::lesson(builtin::DEFAULT).unwrap().unwrap()
}

/// A lesson in which every text holds what any of the formats gives a meaning to.
fn thorny() -> Lesson {
    let thorn = r#"a: b = {c} ~ #d -> "e" \ <b>&amp; %50% $x<y$ \n `f	g`"#;
    let file = format!(
        "# {thorn}\n\n## {thorn}\n\n{thorn}\n\n```choice\nprompt: {thorn}\noptions:\n- [x] %50% {thorn}\n  feedback: {thorn}\n- [x] 2 {thorn}\n- [ ] 3 {thorn}\n```\n\n\
         ```sort\nprompt: {thorn}\nboxes:\n- A {thorn}\n- B {thorn}\nitems:\n- 1 {thorn}\n  box: A {thorn}\n  reason: {thorn}\n- 2 {thorn}\n  box: B {thorn}\n```\n\n\
         ```code\n---\n{thorn}\n\n{thorn}\n```\n"
    );
    read("thorny.md", file.as_bytes()).unwrap()
}

#[test]
fn moodles_xml_is_well_formed_and_its_texts_are_those_of_the_lesson() {
    for lesson in [built_in(), thorny()] {
        let text = export(&lesson, Format::MoodleXml).text;
        let document = roxmltree::Document::parse(&text).unwrap();
        let questions: Vec<_> =
            document.root_element().children().filter(|node| node.has_tag_name("question")).collect();
        assert!(questions.len() > 4);
        for question in &questions[1..] {
            let html = question.children().find(|node| node.has_tag_name("questiontext")).unwrap();
            assert!(html.first_element_child().unwrap().text().is_some_and(|text| !text.is_empty()));
        }
    }
    let text = export(&thorny(), Format::MoodleXml).text;
    let document = roxmltree::Document::parse(&text).unwrap();
    let choice = document.descendants().find(|node| node.attribute("type") == Some("multichoice")).unwrap();
    let prompt = choice.descendants().find(|node| node.has_tag_name("questiontext")).unwrap();
    assert_eq!(
        prompt.first_element_child().unwrap().text().unwrap(),
        r#"a: b = {c} ~ #d -&gt; "e" \ &lt;b&gt;&amp; %50% \(x&lt;y\) \n <code>f	g</code>"#
    );
    let worth: Vec<_> = choice.children().filter_map(|node| node.attribute("fraction")).collect();
    assert_eq!(worth, ["50", "50", "-100"]);
}

/// Reads GIFT as Moodle does: control characters count unless a backslash stands before them.
#[test]
fn gift_has_no_control_character_that_is_not_meant() {
    for lesson in [built_in(), thorny()] {
        let text = export(&lesson, Format::Gift).text;
        for question in text.split("\n\n").skip(1) {
            let mut bare = String::new();
            let mut characters = question.chars();
            while let Some(character) = characters.next() {
                if character == '\\' {
                    assert!(characters.next().is_some_and(|next| r"\~=#{}:n".contains(next)), "{question}");
                } else {
                    bare.push(character);
                }
            }
            assert!(bare.starts_with("::") && bare.matches("::").count() == 2, "{bare}");
            assert_eq!(
                (bare.matches('{').count(), bare.matches('}').count()),
                if bare.contains('{') { (1, 1) } else { (0, 0) },
                "{bare}"
            );
            let answers = bare.split_once('{').map_or("", |(_, answers)| answers);
            for line in answers.lines().filter(|line| !line.is_empty() && *line != "}") {
                let general = line.starts_with("####");
                assert!(general || line.starts_with(['=', '~', '}']), "{line}");
                let rest = if general { &line[4..] } else { &line[1..] };
                assert!(rest.matches('#').count() <= 1 && !rest.contains(['~', '=']), "{line}");
                // The first arrow divides, and what stands before it is all of the item.
                assert!(rest.split_once(" -> ").is_none_or(|(item, _)| !item.contains("->")), "{line}");
            }
        }
    }
}

/// Reads the cards as Anki does, with a reader of delimited text.
#[test]
fn every_card_has_a_front_a_back_and_a_tag() {
    for lesson in [built_in(), thorny()] {
        let text = export(&lesson, Format::AnkiTsv).text;
        let cards = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
        let n_lines = cards.lines().count();
        let mut reader = csv::ReaderBuilder::new().delimiter(b'\t').has_headers(false).from_reader(cards.as_bytes());
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert!(records.len() == n_lines && n_lines > 2);
        for record in records {
            assert_eq!(record.len(), 3);
            assert!(record.iter().all(|field| !field.is_empty() && !field.contains(['\t', '\n'])), "{record:?}");
            assert!(!record[2].contains(' '));
        }
    }
}
