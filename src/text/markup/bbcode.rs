//! BBCode as a reader sees it.
//!
//! Only tags that boards know are tags; any other bracket is text.
//!
//! May import: `types`.

use super::{Budget, MAX_DEPTH, Rendered, hidden};

/// Longest tag looked at, in bytes.
const TAG_WINDOW: usize = 2048;

/// Tags of the usual boards; `*` is a list item.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "*", "align", "attach", "b", "background", "bgcolor", "center", "code", "color", "colour", "email",
    "flash", "font", "h1", "h2", "h3", "hide", "highlight", "hr", "i", "img", "indent", "justify", "left",
    "li", "link", "list", "mail", "media", "noparse", "ol", "pre", "q", "quote", "right", "s", "size",
    "spoiler", "strike", "sub", "sup", "table", "td", "th", "tr", "u", "ul", "url", "user", "video", "youtube",
];

const BLOCKS: &[&str] =
    &["*", "li", "list", "ul", "ol", "quote", "code", "hr", "center", "table", "tr", "h1", "h2"];

/// A tag in the source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag<'a> {
    /// The name as listed, lower case.
    pub name: &'static str,
    pub closing: bool,
    pub value: &'a str,
    /// Byte after the `]`.
    pub end: usize,
}

impl Tag<'_> {
    /// Whether the tag stands on a line of its own.
    pub(super) fn is_block(&self) -> bool {
        BLOCKS.contains(&self.name)
    }
}

/// The tag that begins with the `[` at byte `at`.
pub(super) fn tag_at<'a>(text: &'a str, at: usize, budget: &mut Budget) -> Option<Tag<'a>> {
    let bytes = text.as_bytes();
    let closing = bytes.get(at + 1) == Some(&b'/');
    let start = at + 1 + usize::from(closing);
    let rest = bytes.get(start..)?;
    let len = rest.iter().take(12).take_while(|b| b.is_ascii_alphanumeric() || **b == b'*').count();
    let written = text.get(start..start + len)?;
    let name = NAMES.iter().find(|known| known.eq_ignore_ascii_case(written))?;
    let after = start + len;
    match bytes.get(after)? {
        b']' => Some(Tag { name, closing, value: "", end: after + 1 }),
        b'=' | b' ' if !closing => {
            let close = budget.find(text, after, TAG_WINDOW, |b| matches!(b, b']' | b'\n'))?;
            let value = text.get(after + 1..close)?.trim().trim_matches(['"', '\'']);
            (bytes.get(close) == Some(&b']')).then_some(Tag { name, closing, value, end: close + 1 })
        }
        _ => None,
    }
}

/// The closing tag of `name` at or after `from`.
fn closing_of<'a>(text: &'a str, name: &str, from: usize, budget: &mut Budget) -> Option<(usize, Tag<'a>)> {
    let mut from = from;
    while let Some(at) = budget.find(text, from, text.len(), |b| b == b'[') {
        match tag_at(text, at, budget) {
            Some(tag) if tag.closing && tag.name == name => return Some((at, tag)),
            _ => from = at + 1,
        }
    }
    None
}

struct Open {
    name: &'static str,
    hides: bool,
    quote: Option<usize>,
}

/// Renders a whole source. Linear.
pub(super) fn render(source: &str, out: &mut Rendered) {
    let mut budget = Budget::for_text(source);
    let mut open: Vec<Open> = Vec::new();
    let mut done = 0;
    for at in memchr::memchr_iter(b'[', source.as_bytes()) {
        if at < done {
            continue;
        }
        let seen = !open.iter().any(|o| o.hides);
        let Some(tag) = tag_at(source, at, &mut budget) else { continue };
        out.copy(source, done, at, seen);
        out.tags += 1;
        if tag.is_block() && seen {
            out.break_line(at, tag.end);
        }
        done = tag.end;
        if tag.closing {
            close(&mut open, tag, at, out);
        } else {
            done = enter(source, &mut open, tag, at, out, &mut budget);
        }
    }
    out.copy(source, done, source.len(), !open.iter().any(|o| o.hides));
}

/// Opens a tag; the byte at which reading goes on.
fn enter(
    source: &str,
    open: &mut Vec<Open>,
    tag: Tag<'_>,
    at: usize,
    out: &mut Rendered,
    budget: &mut Budget,
) -> usize {
    let seen = !open.iter().any(|o| o.hides);
    match tag.name {
        "img" | "attach" | "media" | "video" | "youtube" | "flash" => {
            out.images += 1;
            return closing_of(source, tag.name, tag.end, budget).map_or(tag.end, |(_, close)| close.end);
        }
        "code" | "noparse" | "pre" => {
            if let Some((start, close)) = closing_of(source, tag.name, tag.end, budget) {
                out.copy(source, tag.end, start, seen);
                return close.end;
            }
        }
        "url" | "link" | "email" | "mail" => {
            if tag.value.is_empty() {
                if let Some((start, _)) = closing_of(source, tag.name, tag.end, budget) {
                    out.link(source.get(tag.end..start).unwrap_or(""), at, tag.end);
                }
            } else {
                out.link(tag.value, at, tag.end);
            }
        }
        "*" | "hr" | "li" => {}
        _ if open.len() < MAX_DEPTH => {
            let hides = match tag.name {
                "color" | "colour" => hidden::color_hides(tag.value, None),
                "size" => hidden::size_hides(tag.value),
                _ => false,
            };
            open.push(Open { name: tag.name, hides, quote: (tag.name == "quote").then_some(tag.end) });
        }
        _ => {}
    }
    tag.end
}

fn close(open: &mut Vec<Open>, tag: Tag<'_>, at: usize, out: &mut Rendered) {
    if let Some(place) = open.iter().rposition(|o| o.name == tag.name) {
        for start in open.drain(place..).filter_map(|o| o.quote) {
            out.quote(start, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rendered;
    use crate::types::Markup;

    #[test]
    fn bbcode_reads_as_boards_show_it() {
        #[rustfmt::skip]
        let cases: &[(&str, &str, &str)] = &[
            ("text styles",      "[b]vi[/b]ag[i]ra[/i]",                    "viagra"),
            ("a link",           "[url=https://x.example]here[/url]",       "here"),
            ("an open link",     "[url=https://x.example]here",             "here"),
            ("a bare link",      "[url]https://x.example[/url]",            "https://x.example"),
            ("an image",         "[img]https://x.example/a.png[/img]",      ""),
            ("hidden by colour", "[color=#ffffff]good[/color]buy",          "buy"),
            ("code is raw",      "[code][b]x[/b][/code]",                   "[b]x[/b]"),
            ("other brackets",   "see [1] and [deleted] [sic]",             "see [1] and [deleted] [sic]"),
        ];
        for (name, source, want) in cases {
            assert_eq!(rendered(source, Markup::Bbcode).text.trim(), *want, "{name}");
        }
        assert_eq!(rendered("[url=https://x.example]x", Markup::Bbcode).links[0].url, "https://x.example");
        assert_eq!(rendered("[quote=\"ann\"]old[/quote]new", Markup::Bbcode).quoted, 1);
    }
}
