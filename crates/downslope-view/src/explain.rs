//! How does the page of a finding read on a terminal?

use downslope::diagnosis::{RULES, Rule};

use crate::terminal::Canvas;
use crate::words::{hanging, paragraph};

/// A page as it is kept, in Markdown, for a terminal: paragraphs as wide as the canvas, commands as they are.
pub fn page_text(rule: &Rule, canvas: Canvas) -> String {
    let mut parts = Vec::new();
    for (index, text) in rule.page.split("```").enumerate() {
        if index % 2 == 1 {
            // The first line names the language.
            let commands = text.lines().skip(1);
            parts.push(commands.flat_map(|line| ["    ", line, "\n"]).collect());
            continue;
        }
        for text in text.split("\n\n").map(str::trim).filter(|text| !text.is_empty()) {
            let items: Vec<&str> = text.split("\n- ").collect();
            let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace("**", "");
            if let [first, others @ ..] = items.as_slice()
                && (first.starts_with("- ") || !others.is_empty())
            {
                let mut out = String::new();
                if let Some(item) = first.strip_prefix("- ") {
                    out += &hanging(&format!("- {}", plain(item)), canvas);
                } else {
                    out += &paragraph(&plain(first), canvas);
                }
                for item in others {
                    out += &hanging(&format!("- {}", plain(item)), canvas);
                }
                parts.push(out);
            } else {
                parts.push(paragraph(plain(text).trim_start_matches("# "), canvas));
            }
        }
    }
    parts.join("\n")
}

/// Every finding with the words its page begins with.
pub fn list_text(canvas: Canvas) -> String {
    let width = RULES.iter().map(|rule| rule.slug.len()).max().unwrap_or(0);
    let words = |rule: &Rule| {
        let title = rule.page.lines().next().unwrap_or_default();
        title.split_once(": ").map_or("", |(_, words)| words)
    };
    let line = |rule: &Rule| format!("{:width$}  {}\n", rule.slug, canvas.glyphs.spelled(words(rule)));
    RULES.iter().map(line).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::assert_fits;

    #[test]
    fn every_page_fits_and_says_what_it_must() {
        for rule in RULES {
            let text = page_text(rule, Canvas { width: 80, ..Canvas::default() });
            assert!(text.starts_with(&format!("{}: ", rule.slug)), "{text}");
            for part in ["What it sees.", "Why it matters.", "What to do.", "How to provoke it."] {
                assert!(text.contains(part), "{}: {part}", rule.slug);
            }
            assert!(text.contains("    downslope "), "{text}");
            assert!(!text.contains("```") && !text.contains("**"), "{text}");
            assert_fits(&text.replace("    downslope", "  downslope"), 80);
        }
    }
}
