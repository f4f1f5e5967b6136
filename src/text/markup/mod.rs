//! Markup to visible text, invisible text, links, quotes and images.
//!
//! One renderer per markup, all iterative, with bounded stacks and a budget
//! for looking ahead, so that time is linear whatever is nested or left open.
//! Nothing is ever rejected: what is not well-formed is text. Knows nothing
//! of folding.
//!
//! May import: `types`.

use crate::types::{Markup, Span};

use super::spans::SpanMap;

mod bbcode;
mod entities;
mod hidden;
mod html;
mod markdown;
mod peel;

pub(super) use entities::decode_percent;
pub(super) use peel::{Peeler, foreign_markdown_links, may_peel};

/// Elements that may be open at once; deeper ones are closed unseen.
const MAX_DEPTH: usize = 64;
/// Links and quotes that are kept.
pub(super) const MAX_LINKS: usize = 64;
const MAX_QUOTES: usize = 64;

/// An address that stood in markup.
#[derive(Clone, Debug)]
pub(super) struct MarkupLink {
    pub url: String,
    /// Place in the rendered source.
    pub span: Span,
}

/// What rendering produces, with its buffers.
#[derive(Clone, Debug, Default)]
pub(super) struct Rendered {
    pub text: String,
    pub map: SpanMap,
    pub invisible: String,
    pub links: Vec<MarkupLink>,
    /// Quoted passages, in the rendered source.
    pub quotes: Vec<Span>,
    pub tags: u32,
    pub images: u32,
    pub quoted: u32,
    pub escapes: u32,
}

impl Rendered {
    fn clear(&mut self) {
        self.text.clear();
        self.map.clear();
        self.invisible.clear();
        self.links.clear();
        self.quotes.clear();
        (self.tags, self.images, self.quoted, self.escapes) = (0, 0, 0, 0);
    }

    /// Copies `source[start..end]`, which the reader sees or does not see.
    fn copy(&mut self, source: &str, start: usize, end: usize, seen: bool) {
        let Some(piece) = source.get(start..end) else { return };
        if piece.is_empty() {
            return;
        }
        if seen {
            self.map.linear(self.text.len() as u32, start as u32);
            self.text.push_str(piece);
        } else {
            self.invisible.push_str(piece);
        }
    }

    /// Writes `c` for `source[start..end]`.
    fn put(&mut self, c: char, start: usize, end: usize, seen: bool) {
        if seen {
            self.map.whole(self.text.len() as u32, Span::new(start as u32, end as u32));
            self.text.push(c);
        } else {
            self.invisible.push(c);
        }
    }

    /// Ends the line that the text is on, at a block's edge.
    fn break_line(&mut self, start: usize, end: usize) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.put('\n', start, end, true);
        }
    }

    fn link(&mut self, url: &str, start: usize, end: usize) {
        if self.links.len() < MAX_LINKS && !url.trim().is_empty() {
            let url = entities::decode(url.trim());
            self.links.push(MarkupLink { url, span: Span::new(start as u32, end as u32) });
        }
    }

    fn quote(&mut self, start: usize, end: usize) {
        self.quoted += 1;
        if self.quotes.len() < MAX_QUOTES {
            self.quotes.push(Span::new(start as u32, end as u32));
        }
    }
}

/// Renders `source`; plain text is not touched (`false`).
pub(super) fn render(source: &str, markup: Markup, out: &mut Rendered) -> bool {
    out.clear();
    match markup {
        Markup::Plain => return false,
        Markup::Html => html::render(source, out),
        Markup::Markdown => markdown::render(source, out),
        Markup::Bbcode => bbcode::render(source, out),
    }
    true
}

/// Bytes that may still be looked ahead over in one text.
///
/// Every search for a closing delimiter pays from it, so that a text of
/// openings without closings costs linear time; once it is spent, openings
/// are text.
struct Budget(usize);

impl Budget {
    fn for_text(text: &str) -> Self {
        Self(16 * text.len() + 1024)
    }

    /// Finds `wanted` in `text` within `window` bytes of `from`.
    fn find(&mut self, text: &str, from: usize, window: usize, wanted: impl Fn(u8) -> bool) -> Option<usize> {
        let bytes = text.as_bytes().get(from..)?;
        let reach = window.min(self.0);
        let found = bytes.iter().take(reach).position(|&b| wanted(b));
        self.0 -= found.unwrap_or(reach.min(bytes.len()));
        found.map(|at| from + at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn rendered(source: &str, markup: Markup) -> Rendered {
        let mut out = Rendered::default();
        render(source, markup, &mut out);
        out
    }

    #[test]
    fn openings_without_closings_are_text_and_cheap() {
        for markup in [Markup::Html, Markup::Markdown, Markup::Bbcode] {
            for piece in
                ["<", "<a ", "<a href=\"", "[", "[url=", "](", "[x](", "&amp;", "`", "*", "<!--", "![", "> "]
            {
                let source = piece.repeat(65_536 / piece.len());
                let started = std::time::Instant::now();
                let out = rendered(&source, markup);
                assert!(out.text.len() <= source.len() + 1, "{piece} in {markup:?}");
                assert!(
                    started.elapsed().as_millis() < 2_000,
                    "{piece} in {markup:?} took {:?}",
                    started.elapsed()
                );
            }
        }
    }
}
