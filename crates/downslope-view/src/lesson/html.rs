//! How does a text look?
//!
//! Markdown with `$math$` becomes HTML that cannot do harm: tags that stand in the text are shown as text, a link leads
//! to the web, a mail address or a place in the page, an image is its description. Formulas become MathML, which
//! browsers draw themselves, or stay TeX between `\(…\)` for programs that do so.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};
use pulldown_latex::config::{DisplayMode, RenderConfig};

use super::{Block, Experiment, Lesson};

/// What becomes of a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Math {
    /// MathML.
    MathMl,
    /// TeX between `\(` and `\)`, or `\[` and `\]`.
    Tex,
}

/// The longest formula that is drawn, in bytes.
const LONGEST_FORMULA: usize = 1000;

/// What formulas may not do: define what makes them longer, or name characters by number.
const REFUSED: [&str; 10] = [
    r"\def",
    r"\gdef",
    r"\edef",
    r"\xdef",
    r"\let",
    r"\futurelet",
    r"\newcommand",
    r"\renewcommand",
    r"\providecommand",
    r"\char",
];

/// A text of paragraphs.
pub fn block(markdown: &str, math: Math) -> String {
    let options = Options::ENABLE_MATH | Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    // Links and images that are not kept leave the words between their tags.
    let mut kept = Vec::new();
    let events = Parser::new_ext(markdown, options).filter_map(|event| match event {
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { ref dest_url, .. }) => {
            kept.push(is_harmless(dest_url));
            kept.last().is_some_and(|kept| *kept).then_some(event)
        }
        Event::End(TagEnd::Link) => kept.pop().is_some_and(|kept| kept).then_some(event),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::InlineMath(tex) => Some(formula(&tex, math, DisplayMode::Inline)),
        Event::DisplayMath(tex) => Some(formula(&tex, math, DisplayMode::Block)),
        event => Some(event),
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out.truncate(out.trim_end().len());
    out
}

/// The same; a single paragraph is without its tag, so that it fits into a line, a button or a cell.
pub fn flow(markdown: &str, math: Math) -> String {
    let html = block(markdown, math);
    let inner = html.strip_prefix("<p>").and_then(|html| html.strip_suffix("</p>"));
    match inner.filter(|inner| !inner.contains("<p>")) {
        Some(inner) => inner.to_owned(),
        None => html,
    }
}

/// The words alone, in one line.
pub fn plain(markdown: &str) -> String {
    let mut words = String::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_MATH | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                words.push_str(&text);
            }
            Event::Html(text) | Event::InlineHtml(text) => words.push_str(&text),
            Event::SoftBreak | Event::HardBreak | Event::End(_) => words.push(' '),
            _ => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same lesson with every text as HTML, for a page.
///
/// What is no Markdown stays as it is and must be escaped where it is shown: the title, names and parameters of
/// experiments, units, outcomes, keywords, code, and practices that are not known.
#[must_use]
pub fn lesson(lesson: &Lesson) -> Lesson {
    let mut lesson = lesson.clone();
    let rendered = |text: &mut String| *text = flow(text, Math::MathMl);
    let perhaps = |text: &mut Option<String>| {
        if let Some(text) = text {
            *text = flow(text, Math::MathMl);
        }
    };
    let experiment = |experiment: &mut Experiment| perhaps(&mut experiment.caption);
    for step in &mut lesson.steps {
        rendered(&mut step.heading);
        for block_of_step in &mut step.blocks {
            match block_of_step {
                Block::Prose(prose) => prose.text = block(&prose.text, Math::MathMl),
                Block::Question(question) => {
                    rendered(&mut question.prompt);
                    for option in &mut question.options {
                        rendered(&mut option.text);
                        perhaps(&mut option.feedback);
                    }
                    for reason in &mut question.reasons {
                        rendered(&mut reason.text);
                        perhaps(&mut reason.feedback);
                    }
                    perhaps(&mut question.own_words);
                    perhaps(&mut question.reveal);
                    question.ticks.iter_mut().for_each(rendered);
                }
                Block::Experiment(block) => experiment(block),
                Block::Choice(choice) => {
                    rendered(&mut choice.prompt);
                    for option in &mut choice.options {
                        rendered(&mut option.text);
                        perhaps(&mut option.feedback);
                    }
                    perhaps(&mut choice.reveal);
                }
                Block::Sort(sort) => {
                    rendered(&mut sort.prompt);
                    sort.boxes.iter_mut().for_each(rendered);
                    for item in &mut sort.items {
                        rendered(&mut item.text);
                        perhaps(&mut item.reason);
                        item.prove.iter_mut().for_each(experiment);
                    }
                }
                Block::Code(code) => perhaps(&mut code.caption),
                Block::Unknown(_) => {}
            }
        }
    }
    lesson
}

fn is_harmless(url: &str) -> bool {
    let url = url.to_ascii_lowercase();
    ["https://", "http://", "mailto:", "#"].iter().any(|beginning| url.starts_with(beginning))
}

fn formula<'e>(tex: &str, math: Math, display: DisplayMode) -> Event<'e> {
    let drawn = match math {
        Math::MathMl => math_ml(tex, display),
        Math::Tex if display == DisplayMode::Inline => Some(format!(r"\({}\)", escaped(tex))),
        Math::Tex => Some(format!(r"\[{}\]", escaped(tex))),
    };
    match drawn {
        Some(html) => Event::InlineHtml(html.into()),
        None => Event::Code(CowStr::from(tex.to_owned())),
    }
}

/// A formula as MathML, if it can be understood.
fn math_ml(tex: &str, display_mode: DisplayMode) -> Option<String> {
    if tex.len() > LONGEST_FORMULA || REFUSED.iter().any(|command| tex.contains(command)) {
        return None;
    }
    let storage = pulldown_latex::Storage::new();
    let events = pulldown_latex::Parser::new(tex, &storage).collect::<Result<Vec<_>, _>>().ok()?;
    let events = events.into_iter().map(Ok::<_, std::convert::Infallible>);
    let mut out = String::new();
    pulldown_latex::push_mathml(&mut out, events, RenderConfig { display_mode, ..RenderConfig::default() }).ok()?;
    // These come out as they went in.
    let out = out
        .replace("&nbsp;", "\u{a0}")
        .replace("><</", ">&lt;</")
        .replace(">></", ">&gt;</")
        .replace(">&</", ">&amp;</");
    is_mathml(&out).then_some(out)
}

/// Whether it is MathML and nothing else: tags that close, no attribute that leads elsewhere, and text that is escaped.
fn is_mathml(html: &str) -> bool {
    let mut open = Vec::new();
    let Some(html) = html.strip_prefix('<') else { return false };
    for piece in html.split('<') {
        let Some((tag, text)) = piece.split_once('>') else { return false };
        if !is_text(text) {
            return false;
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return false;
            }
            continue;
        }
        let (name, attributes) = tag.strip_suffix('/').unwrap_or(tag).split_once(' ').unwrap_or((tag, ""));
        if !name.starts_with('m') || !name.chars().all(|c| c.is_ascii_alphanumeric()) || !are_attributes(attributes) {
            return false;
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    open.is_empty()
}

fn are_attributes(attributes: &str) -> bool {
    let parts: Vec<&str> = attributes.split('"').collect();
    let names = parts.iter().step_by(2).map(|name| name.trim().trim_end_matches('='));
    let values = parts.iter().skip(1).step_by(2);
    parts.len() % 2 == 1
        && names.into_iter().all(|name| !name.starts_with("on") && !["href", "src", "action"].contains(&name))
        && values.into_iter().all(|value| is_text(value))
}

fn is_text(text: &str) -> bool {
    let mut after = text.split('&').skip(1);
    !text.contains('>') && after.all(|after| ["lt;", "gt;", "amp;", "quot;"].iter().any(|name| after.starts_with(name)))
}

/// A text as it stands in HTML and XML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use downslope::random::{Purpose, Stream};

    use super::*;

    #[test]
    fn markdown_becomes_html_and_formulas_mathml() {
        assert_eq!(flow("a *b* `c<d`", Math::MathMl), "a <em>b</em> <code>c&lt;d</code>");
        assert_eq!(
            flow(r"below $2/\lambda_{\max}$", Math::MathMl),
            "below <math display=\"inline\"><mn>2</mn><mo>/</mo><msub><mi>λ</mi><mrow><mi>max</mi></mrow></msub></math>"
        );
        assert_eq!(flow("$a<b$", Math::Tex), r"\(a&lt;b\)");
        assert_eq!(flow(r"$\frac$ and $\def\a{b}$", Math::MathMl), r"<code>\frac</code> and <code>\def\a{b}</code>");
        assert_eq!(flow("it costs $5 or $6", Math::MathMl), "it costs $5 or $6");
        assert_eq!(flow("$a<b$", Math::MathMl), "<math display=\"inline\"><mi>a</mi><mo>&lt;</mo><mi>b</mi></math>");
        assert_eq!(
            flow(r"$\frac<b$", Math::MathMl),
            "<math display=\"inline\"><mfrac><mo>&lt;</mo><mi>b</mi></mfrac></math>"
        );
        assert_eq!(block("a\n\nb", Math::MathMl), "<p>a</p>\n<p>b</p>");
        assert_eq!(plain("a **b** $x$\nc"), "a b x c");
    }

    #[test]
    fn what_could_do_harm_is_shown_as_text() {
        assert_eq!(flow("<script>alert(1)</script>", Math::MathMl), "&lt;script&gt;alert(1)&lt;/script&gt;");
        assert_eq!(flow("a <img src=x onerror=alert(1)> b", Math::MathMl), "a &lt;img src=x onerror=alert(1)&gt; b");
        assert_eq!(flow("[click](javascript:alert(1)) ![dog](https://example.org/dog.png)", Math::MathMl), "click dog");
        assert_eq!(flow("[web](https://example.org)", Math::MathMl), "<a href=\"https://example.org\">web</a>");
        assert_eq!(flow(r"$\text{<b>}$", Math::MathMl), "<math display=\"inline\"><mtext>&lt;b&gt;</mtext></math>");
    }

    const PIECES: &[&str] = &[
        "a",
        "<",
        ">",
        "&",
        "\"",
        "'",
        "<b>",
        "</p>",
        "<!--",
        "-->",
        "<script>",
        "<a href=\"javascript:x\" onclick=x>",
        "[",
        "]",
        "(",
        ")",
        "![",
        "](javascript:x)",
        "](https://e.org)",
        "](#a)",
        "<https://e.org>",
        "`",
        "```\n",
        "*",
        "**",
        "~~",
        "#",
        "### ",
        "\n",
        "\n\n",
        "- ",
        "1. ",
        "> ",
        "|",
        "|-|-|\n",
        "    ",
        "$",
        "$$",
        "\\",
        "\\frac",
        "{",
        "}",
        "_",
        "^",
        "\\text{",
        "\\color{red}",
        "\\begin{matrix}",
        "\\end{matrix}",
        "\\left(",
        "\\right",
        "\\operatorname{",
        "é",
        "%",
        "\\\\",
        "\\hspace{1em}",
    ];

    const TAGS: &[&str] = &[
        "x",
        "p",
        "em",
        "strong",
        "del",
        "code",
        "pre",
        "a",
        "ul",
        "ol",
        "li",
        "blockquote",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "br",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    ];

    /// Whatever is written, what comes out is well-formed and has no tag and no attribute that could do harm.
    #[test]
    fn any_text_becomes_harmless_html() {
        let attributes = ["href", "title", "class", "start", "style"];
        let mut n_formulas = 0;
        for number in 0..30_000 {
            let mut stream = Stream::new(5, Purpose::Probe, number);
            let n_pieces = stream.below(16);
            let text: String = (0..n_pieces).map(|_| PIECES[stream.below(PIECES.len() as u32) as usize]).collect();
            let html = format!("<x>{}</x>", block(&text, Math::MathMl));
            let document =
                roxmltree::Document::parse(&html).unwrap_or_else(|error| panic!("{text:?} became {html:?}: {error}"));
            for node in document.descendants().filter(roxmltree::Node::is_element) {
                let in_formula = node.ancestors().any(|node| node.has_tag_name("math"));
                n_formulas += usize::from(node.has_tag_name("math"));
                let name = node.tag_name().name();
                assert!(in_formula && name.starts_with('m') || TAGS.contains(&name), "{text:?} became {html:?}");
                for attribute in node.attributes() {
                    let is_known =
                        attributes.contains(&attribute.name()) || (in_formula && !attribute.name().starts_with("on"));
                    let leads_out = attribute.name() == "href" && !is_harmless(attribute.value());
                    assert!(is_known && !leads_out, "{text:?} became {html:?}");
                }
            }
            plain(&text);
        }
        assert!(n_formulas > 150, "{n_formulas}");
    }
}
