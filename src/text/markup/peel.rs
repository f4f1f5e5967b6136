//! Foreign markup and character references in text that should have none.
//!
//! Fields that are declared plain often are not; tags of other markups split
//! words and carry links either way. Peeling runs on the visible text before
//! folding, and again while folding brings new ones to light (full-width
//! brackets, nested references), three times at most; what is then left is
//! broken up, so that a folded text never has any.
//!
//! May import: `types`.

use super::{Budget, Rendered, bbcode, entities, html};

/// HTML elements that are taken for markup in text of another kind.
#[rustfmt::skip]
const HTML_NAMES: &[&str] = &[
    "a", "abbr", "b", "big", "blockquote", "br", "center", "cite", "code", "dd", "del", "div", "dl", "dt",
    "em", "embed", "font", "form", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "iframe", "img", "input",
    "ins", "li", "link", "mark", "marquee", "meta", "object", "ol", "p", "pre", "q", "s", "script", "small",
    "span", "strike", "strong", "style", "sub", "sup", "svg", "table", "tbody", "td", "th", "tr", "tt", "u",
    "ul", "video",
];

/// Whether `text` holds anything that could be peeled; one fast byte scan.
pub(in crate::text) fn may_peel(text: &str) -> bool {
    memchr::memchr3(b'<', b'[', b'&', text.as_bytes()).is_some()
}

/// Peels text; owns the buffers for it.
#[derive(Clone, Debug, Default)]
pub(in crate::text) struct Peeler {
    pub(in crate::text) out: Rendered,
}

impl Peeler {
    /// Peels `source` into `self.out`; whether there was anything to peel.
    /// Linear.
    pub(in crate::text) fn peel(&mut self, source: &str) -> bool {
        self.out.clear();
        let mut peel = Peel {
            source,
            out: &mut self.out,
            budget: Budget::for_text(source),
            done: 0,
            changed: false,
            closed: None,
        };
        for at in memchr::memchr3_iter(b'<', b'[', b'&', source.as_bytes()) {
            if at >= peel.done {
                peel.at(at);
            }
        }
        let (done, changed) = (peel.done, peel.changed);
        self.out.copy(source, done, source.len(), true);
        changed
    }

    /// Breaks up whatever could still be peeled. Lengths do not change.
    pub(in crate::text) fn defuse(text: &mut String) {
        let broken: String =
            text.chars().map(|c| if matches!(c, '<' | '[' | '&') { ' ' } else { c }).collect();
        *text = broken;
    }
}

struct Peel<'a> {
    source: &'a str,
    out: &'a mut Rendered,
    budget: Budget,
    done: usize,
    changed: bool,
    /// One-letter BBCode tags that are closed somewhere, once looked for.
    closed: Option<u32>,
}

impl Peel<'_> {
    fn at(&mut self, at: usize) {
        match self.source.as_bytes().get(at) {
            Some(b'&') => {
                if let Some((c, end)) = entities::reference_at(self.source, at) {
                    self.skip_to(at, end);
                    self.out.put(c, at, end, true);
                    self.out.escapes += 1;
                }
            }
            Some(b'<') => self.html(at),
            _ => self.bbcode(at),
        }
    }

    /// Copies what precedes `start` and goes on at `end`.
    fn skip_to(&mut self, start: usize, end: usize) {
        self.out.copy(self.source, self.done, start, true);
        self.done = end;
        self.changed = true;
    }

    fn html(&mut self, at: usize) {
        let known =
            html::tag_name(self.source, at).is_some_and(|(name, ..)| html::is_one_of(name, HTML_NAMES));
        let Some(tag) = known.then(|| html::tag_at(self.source, at, &mut self.budget)).flatten() else {
            return;
        };
        self.skip_to(at, tag.end);
        self.out.tags += 1;
        if html::is_one_of(tag.name, html::BLOCKS) {
            self.out.put('\n', at, tag.end, true);
        }
        self.out.images += u32::from(!tag.closing && tag.name.eq_ignore_ascii_case("img"));
        if let Some(url) = html::attribute(tag.attributes, "href") {
            self.out.link(url, at, tag.end);
        }
    }

    fn bbcode(&mut self, at: usize) {
        let Some(tag) = bbcode::tag_at(self.source, at, &mut self.budget) else { return };
        if tag.name.len() == 1 && !self.is_closed(tag.name) {
            return;
        }
        self.skip_to(at, tag.end);
        self.out.tags += 1;
        if tag.is_block() {
            self.out.put('\n', at, tag.end, true);
        }
        self.out.images += u32::from(!tag.closing && tag.name == "img");
        if matches!(tag.name, "url" | "link" | "email") && !tag.value.is_empty() {
            self.out.link(tag.value, at, tag.end);
        }
    }

    /// Whether a one-letter tag is closed anywhere: "a[i]" alone is code.
    fn is_closed(&mut self, name: &str) -> bool {
        let bytes = self.source.as_bytes();
        let closed = *self.closed.get_or_insert_with(|| {
            memchr::memmem::find_iter(bytes, b"[/")
                .filter(|at| bytes.get(at + 3) == Some(&b']'))
                .filter_map(|at| bytes.get(at + 2).filter(|b| b.is_ascii_alphabetic()))
                .fold(0, |set, b| set | 1 << (b.to_ascii_lowercase() - b'a'))
        });
        name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() && closed & 1 << (b - b'a') != 0)
    }
}

/// Markdown links that stand in text of another kind: `[..](http..)`.
pub(in crate::text) fn foreign_markdown_links(text: &str) -> u32 {
    memchr::memmem::find_iter(text.as_bytes(), b"](")
        .filter(|at| {
            let rest = text.get(at + 2..).unwrap_or("");
            ["http", "www.", "//"].iter().any(|start| rest.starts_with(start))
        })
        .count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Span;

    #[test]
    fn tags_and_references_are_peeled_and_other_brackets_stay() {
        #[rustfmt::skip]
        let cases: &[(&str, &str, &str)] = &[
            ("nothing",             "a < b & c [d] e",                          "a < b & c [d] e"),
            ("html",                "<b>vi</b>agra<br>now",                     "viagra\nnow"),
            ("bbcode",              "[url=https://x.example]x",                 "x"),
            ("references",          "http&#58;//x",                             "http://x"),
            ("code stays",          "a[i] = b[s]",                              "a[i] = b[s]"),
            ("one-letter bbcode",   "[b]x[/b]",                                 "x"),
            ("unknown tags stay",   "<sarcasm>fine</sarcasm>",                  "<sarcasm>fine</sarcasm>"),
        ];
        let mut peeler = Peeler::default();
        for (name, text, want) in cases {
            peeler.peel(text);
            assert_eq!(peeler.out.text, *want, "{name}");
        }
    }

    #[test]
    fn links_of_foreign_tags_are_kept() {
        let mut peeler = Peeler::default();
        assert!(peeler.peel("go [url=https://x.example]x[/url] <a href='https://y.example'>y</a>"));
        let urls: Vec<_> = peeler.out.links.iter().map(|l| l.url.as_str()).collect();
        assert_eq!(urls, ["https://x.example", "https://y.example"]);
        assert_eq!(peeler.out.links[0].span, Span::new(3, 26));
    }
}
