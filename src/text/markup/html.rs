//! HTML as a reader sees it: what is shown, what is hidden, where links lead.
//!
//! Not a browser: no tree repair, no cascade. Unknown elements show their
//! content, as browsers do; scripts and style sheets show nothing.
//!
//! May import: `types`.

use super::{Budget, MAX_DEPTH, Rendered, entities, hidden};

/// Longest tag looked at, in bytes.
const TAG_WINDOW: usize = 4096;
/// Attributes looked at in one tag.
const MAX_ATTRIBUTES: usize = 32;

/// A tag in the source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag<'a> {
    pub name: &'a str,
    pub closing: bool,
    pub attributes: &'a str,
    /// Byte after the `>`.
    pub end: usize,
}

/// The tag that begins with the `<` at byte `at`.
pub(super) fn tag_at<'a>(text: &'a str, at: usize, budget: &mut Budget) -> Option<Tag<'a>> {
    let (name, closing, after) = tag_name(text, at)?;
    let end = tag_end(text, after, budget)?;
    Some(Tag { name, closing, attributes: text.get(after..end - 1)?, end })
}

/// Name, whether it closes, and the byte after the name.
pub(super) fn tag_name(text: &str, at: usize) -> Option<(&str, bool, usize)> {
    let bytes = text.as_bytes();
    let closing = bytes.get(at + 1) == Some(&b'/');
    let start = at + 1 + usize::from(closing);
    let rest = bytes.get(start..)?;
    if !rest.first()?.is_ascii_alphabetic() {
        return None;
    }
    let len = rest.iter().take(17).take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
    if len > 16 || !matches!(rest.get(len)?, b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n') {
        return None;
    }
    Some((text.get(start..start + len)?, closing, start + len))
}

/// The byte after the `>` that ends a tag, quoted attribute values apart.
fn tag_end(text: &str, from: usize, budget: &mut Budget) -> Option<usize> {
    let mut at = from;
    while let Some(stop) = budget.find(text, at, TAG_WINDOW, |b| matches!(b, b'>' | b'"' | b'\'')) {
        match text.as_bytes().get(stop)? {
            b'>' => return Some(stop + 1),
            quote => match budget.find(text, stop + 1, TAG_WINDOW, |b| b == *quote) {
                Some(close) => at = close + 1,
                None => break,
            },
        }
    }
    // A quote without its partner is no quote.
    budget.find(text, from, TAG_WINDOW, |b| b == b'>').map(|stop| stop + 1)
}

/// The value of an attribute, as written; empty if it has none.
pub(super) fn attribute<'a>(attributes: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = attributes;
    for _ in 0..MAX_ATTRIBUTES {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let len =
            rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '/')).unwrap_or(rest.len());
        let (name, after) = rest.split_at(len);
        let (value, next) = match after.trim_start().strip_prefix('=') {
            Some(value) => attribute_value(value.trim_start()),
            None => ("", after),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        if next.len() == rest.len() {
            return None;
        }
        rest = next;
    }
    None
}

fn attribute_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some((value, rest)) = text.strip_prefix(quote).and_then(|inner| inner.split_once(quote)) {
            return (value, rest);
        }
    }
    text.split_at(text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(text.len()))
}

/// Whether the name is one of `names`, in any case.
pub(super) fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Elements that stand on lines of their own.
#[rustfmt::skip]
pub(super) const BLOCKS: &[&str] = &[
    "p", "br", "div", "li", "ul", "ol", "tr", "table", "blockquote", "pre", "hr", "h1", "h2", "h3", "h4",
    "h5", "h6", "section", "article", "header", "footer", "dl", "dt", "dd", "center", "form", "fieldset",
];

const VOID: &[&str] = &["br", "img", "hr", "input", "wbr", "meta", "link", "area", "source", "col", "embed"];

const NEVER_SHOWN: &[&str] =
    &["script", "style", "template", "noscript", "title", "head", "iframe", "object"];

/// An element that is open.
struct Open<'a> {
    name: &'a str,
    hides: bool,
    /// Start of a quotation.
    quote: Option<usize>,
}

/// Elements open at a place of the source, and what they do to it.
pub(super) struct Elements<'a> {
    open: Vec<Open<'a>>,
    hiding: usize,
    budget: Budget,
}

impl<'a> Elements<'a> {
    pub(super) fn new(source: &str) -> Self {
        Self { open: Vec::new(), hiding: 0, budget: Budget::for_text(source) }
    }

    /// Whether a reader sees what stands here.
    pub(super) const fn seen(&self) -> bool {
        self.hiding == 0
    }

    /// Takes the tag, comment or declaration at the `<` at byte `at`; the byte
    /// after it, or nothing when there is none and `<` is text.
    pub(super) fn take(&mut self, source: &'a str, at: usize, out: &mut Rendered) -> Option<usize> {
        if source.as_bytes().get(at + 1) == Some(&b'!') {
            return self.declaration(source, at, out);
        }
        let tag = tag_at(source, at, &mut self.budget)?;
        out.tags += 1;
        if is_one_of(tag.name, BLOCKS) && self.seen() {
            out.break_line(at, tag.end);
        } else if is_one_of(tag.name, &["td", "th"]) && self.seen() {
            out.put(' ', at, tag.end, true);
        }
        if tag.closing {
            self.close(tag, at, out);
            return Some(tag.end);
        }
        if is_one_of(tag.name, &["script", "style"])
            && let Some(end) = self.raw_end(source, tag)
        {
            return Some(end);
        }
        self.enter(tag, at, out);
        Some(tag.end)
    }

    /// A comment goes to the invisible text, a declaration nowhere.
    fn declaration(&mut self, source: &str, at: usize, out: &mut Rendered) -> Option<usize> {
        let body = source.get(at + 2..)?.strip_prefix("--");
        let mut from = at + 2;
        while let Some(end) = self.budget.find(source, from, source.len(), |b| b == b'>') {
            let inner = source.get(at + 4..end).unwrap_or("");
            if body.is_none() {
                return Some(end + 1);
            }
            if inner.ends_with("--") {
                out.copy(source, at + 4, end - 2, false);
                return Some(end + 1);
            }
            from = end + 1;
        }
        None
    }

    /// Where the content of a script or style sheet ends.
    fn raw_end(&mut self, source: &str, tag: Tag<'_>) -> Option<usize> {
        let mut from = tag.end;
        while let Some(at) = self.budget.find(source, from, source.len(), |b| b == b'<') {
            match tag_at(source, at, &mut self.budget) {
                Some(end) if end.closing && end.name.eq_ignore_ascii_case(tag.name) => return Some(end.end),
                _ => from = at + 1,
            }
        }
        None
    }

    fn enter(&mut self, tag: Tag<'a>, at: usize, out: &mut Rendered) {
        if is_one_of(tag.name, &["a", "area"])
            && let Some(url) = attribute(tag.attributes, "href")
        {
            out.link(url, at, tag.end);
        }
        out.images += u32::from(tag.name.eq_ignore_ascii_case("img"));
        if is_one_of(tag.name, VOID) || self.open.len() >= MAX_DEPTH {
            return;
        }
        let hides = is_hidden(tag);
        let quote = is_one_of(tag.name, &["blockquote", "q"]).then_some(tag.end);
        self.hiding += usize::from(hides);
        self.open.push(Open { name: tag.name, hides, quote });
    }

    /// Closes the nearest element of that name and all inside it.
    fn close(&mut self, tag: Tag<'_>, at: usize, out: &mut Rendered) {
        let Some(place) = self.open.iter().rposition(|open| open.name.eq_ignore_ascii_case(tag.name)) else {
            return;
        };
        for open in self.open.drain(place..) {
            self.hiding -= usize::from(open.hides);
            if let Some(start) = open.quote {
                out.quote(start, at);
            }
        }
    }
}

fn is_hidden(tag: Tag<'_>) -> bool {
    is_one_of(tag.name, NEVER_SHOWN)
        || attribute(tag.attributes, "hidden").is_some()
        || attribute(tag.attributes, "style").is_some_and(|s| hidden::style_hides(&entities::decode(s)))
        || (tag.name.eq_ignore_ascii_case("font")
            && (attribute(tag.attributes, "color").is_some_and(|c| hidden::color_hides(c, None))
                || attribute(tag.attributes, "size").is_some_and(hidden::size_hides)))
}

/// Renders a whole source. Linear.
pub(super) fn render(source: &str, out: &mut Rendered) {
    let mut elements = Elements::new(source);
    let mut done = 0;
    for at in memchr::memchr2_iter(b'<', b'&', source.as_bytes()) {
        if at < done {
            continue;
        }
        let seen = elements.seen();
        if source.as_bytes().get(at) == Some(&b'&') {
            if let Some((c, end)) = entities::reference_at(source, at) {
                out.copy(source, done, at, seen);
                out.put(c, at, end, seen);
                out.escapes += 1;
                done = end;
            }
            continue;
        }
        out.copy(source, done, at, seen);
        done = at;
        if let Some(end) = elements.take(source, at, out) {
            done = end;
        }
    }
    out.copy(source, done, source.len(), elements.seen());
}

#[cfg(test)]
mod tests {
    use super::super::tests::rendered;
    use crate::types::Markup;

    #[test]
    fn html_reads_as_browsers_show_it() {
        #[rustfmt::skip]
        let cases: &[(&str, &str, &str)] = &[
            ("plain text",             "one < two & three <3",                           "one < two & three <3"),
            ("paragraphs",             "<p>one</p><p>two</p>",                           "one\ntwo\n"),
            ("inline tags join",       "<b>vi</b>ag<i>ra</i>",                           "viagra"),
            ("entities",               "caf&eacute; &#58;&#x29;",                        "café :)"),
            ("hidden by size",         "<span style=\"font-size:0\">good</span>buy",     "buy"),
            ("hidden deep",            "<div hidden><p>x<b>y</b></p></div>z",            "z"),
            ("white font",             "<font color=white>x</font>y",                    "y"),
            ("a quote in a value",     "<a title='>' href=x>y</a>",                      "y"),
            ("an open quote",          "<a href=\"x>y</a> z",                            "y z"),
            ("script",                 "a<script>if (a<b) {}</script>c",                 "ac"),
            ("a comment",              "a<!-- b > c -->d",                               "ad"),
            ("an image",               "<img src=x alt='words'>",                        ""),
        ];
        for (name, source, want) in cases {
            assert_eq!(rendered(source, Markup::Html).text, *want, "{name}");
        }
    }

    #[test]
    fn links_images_quotes_and_hidden_text_are_kept_apart() {
        let out = rendered(
            "<blockquote>old</blockquote><a href='https://x.example/?a=1&amp;b=2'>x</a><img><i style='display:none'>h</i>",
            Markup::Html,
        );
        assert_eq!(out.links[0].url, "https://x.example/?a=1&b=2");
        assert_eq!((out.images, out.quoted, out.invisible.as_str()), (1, 1, "h"));
    }
}
