//! What a rule can look at: texts by field and view, and named facts.
//!
//! Texts are cut so that matching is bounded. May import: `types`, `text`,
//! `features`.

use std::{borrow::Cow, cell::RefCell};

use crate::{
    features::{Subject, signals::Signals},
    text::{Document, View, ViewKind},
    types::{Markup, Span},
};

use super::rule::{Field, Targets};

/// Bytes of a text that rules look at: its beginning and its end, so that
/// padding in front hides nothing. Longer than nearly all comments.
const HEAD: usize = 12 * 1024;
const TAIL: usize = 4 * 1024;

thread_local! {
    /// The author's name, read; kept for its buffers.
    static NAME: RefCell<Document> = RefCell::default();
}

/// A comment with everything that rules can ask about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// The comment with its context.
    pub(super) subject: &'a Subject<'a>,
    /// Its signals.
    pub(super) signals: &'a Signals,
    /// Its language, when a guess was sure enough.
    pub(super) language: Option<&'a str>,
    /// How much of the article was read.
    pub(super) article_read: &'a str,
}

impl<'a> Facts<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, signals: &'a Signals) -> Self {
        Self {
            subject,
            signals,
            language: subject.document.language().map(|guess| guess.lang),
            article_read: subject.context.article.map_or("none", |article| article.read()),
        }
    }

    /// Calls `look` for each of the `wanted` texts that is there.
    pub(super) fn each_text(&self, wanted: Targets, look: &mut dyn FnMut(Text<'_>)) {
        each_view(self.subject.document, Field::Body, wanted, look);
        let author = &self.subject.comment.author;
        if let Some(name) = &author.name
            && ViewKind::ALL.into_iter().any(|view| wanted.meets(Targets::of(Field::AuthorName, view)))
        {
            NAME.with_borrow_mut(|document| {
                document.read(name, Markup::Plain);
                each_view(document, Field::AuthorName, wanted, look);
            });
        }
        let mut plain = |field, text: &str, span| {
            let target = Targets::of(field, ViewKind::Folded);
            // No term and no pattern matches the empty text.
            if !text.is_empty() && wanted.meets(target) {
                look(Text { target, field, text: &lower(text), origin: Origin::Whole(span) });
            }
        };
        plain(Field::AuthorUrl, author.url.as_deref().unwrap_or(""), None);
        plain(Field::LinkDomain, author.url.as_deref().map_or("", host), None);
        plain(Field::AuthorEmail, author.email.as_deref().unwrap_or(""), None);
        plain(Field::UserAgent, self.subject.comment.request.user_agent.as_deref().unwrap_or(""), None);
        for link in self.subject.document.links() {
            plain(Field::LinkUrl, &link.url, Some(link.span));
            plain(Field::LinkDomain, &link.host, Some(link.span));
        }
        for contact in self.subject.document.contacts() {
            plain(Field::Contact, &contact.value, Some(contact.span));
        }
    }
}

fn each_view(document: &Document, field: Field, wanted: Targets, look: &mut dyn FnMut(Text<'_>)) {
    for kind in ViewKind::ALL {
        let target = Targets::of(field, kind);
        if wanted.meets(target)
            && let Some(view) = document.view(kind)
        {
            let origin = if field == Field::Body { Origin::View(view) } else { Origin::Whole(None) };
            look(Text { target, field, text: view.text(), origin });
        }
    }
}

/// One text that rules look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'t> {
    /// Which text it is.
    pub(super) target: Targets,
    /// Its field.
    pub(super) field: Field,
    /// What it says.
    pub(super) text: &'t str,
    origin: Origin<'t>,
}

#[derive(Clone, Copy, Debug)]
enum Origin<'t> {
    View(&'t View),
    Whole(Option<Span>),
}

impl Text<'_> {
    /// The parts of the text that rules look at: all of it, or its beginning
    /// and its end.
    pub(super) fn windows(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let length = self.text.len();
        let (first, second) = if length <= HEAD + TAIL {
            (0..length, None)
        } else {
            let head = self.text.floor_char_boundary(HEAD);
            let tail = self.text.ceil_char_boundary(length - TAIL);
            (0..head, Some(tail..length))
        };
        std::iter::once(first).chain(second)
    }

    /// The place in the submitted body from which bytes of this text came.
    pub(super) fn submitted(&self, start: usize, end: usize) -> Option<Span> {
        match self.origin {
            Origin::View(view) => {
                let (start, end) = (u32::try_from(start).ok()?, u32::try_from(end).ok()?);
                Some(view.submitted(Span::new(start, end)))
            }
            Origin::Whole(span) => span,
        }
    }
}

/// Lower case, without copying where it is already.
pub(super) fn lower(text: &str) -> Cow<'_, str> {
    let capitals = match text.is_ascii() {
        true => text.bytes().any(|b| b.is_ascii_uppercase()),
        false => text.chars().any(char::is_uppercase),
    };
    if capitals { Cow::Owned(text.to_lowercase()) } else { Cow::Borrowed(text) }
}

/// The host of an address that a person typed: what stands between the scheme
/// (if any), user information, port and path. Not validated.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    host.split(':').next().unwrap_or("").trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_cut_out_of_addresses() {
        for (url, want) in [
            ("https://user:pw@Shop.Example:8080/a?b#c", "Shop.Example"),
            ("shop.example/path", "shop.example"),
            ("  shop.example ", "shop.example"),
            ("https://", ""),
            ("", ""),
        ] {
            assert_eq!(host(url), want, "{url}");
        }
    }

    #[test]
    fn long_texts_are_looked_at_from_both_ends() {
        let text = "ä".repeat(20_000);
        let target = Targets::of(Field::Body, ViewKind::Folded);
        let text = Text { target, field: Field::Body, text: &text, origin: Origin::Whole(None) };
        let windows: Vec<_> = text.windows().collect();
        assert_eq!(windows.len(), 2);
        assert!(windows.iter().map(std::ops::Range::len).sum::<usize>() <= HEAD + TAIL);
        assert_eq!(windows[1].end, text.text.len());
        for window in windows {
            assert!(text.text.get(window).is_some());
        }
    }
}
