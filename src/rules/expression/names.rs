//! The names an expression can use, and what they stand for.
//!
//! A signal `family/name` is called `family_name`. A name whose data is absent
//! has no value. May import: `types`, `features`.

use std::sync::LazyLock;

use crate::{
    features::signals::{self, SIGNALS, SignalId},
    rules::{facts::Facts, suggest},
    text::ViewKind,
};

use super::eval::Value;

/// What kind of value something has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Type {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Double,
    /// A text.
    Text,
}

impl Type {
    /// How messages call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Double => "a number",
            Self::Text => "a text",
        }
    }
}

/// Something an expression can ask about a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Symbol {
    /// The body as submitted.
    Body,
    /// The body as folded for matching.
    Folded,
    /// The author's name.
    AuthorName,
    /// The author's link.
    AuthorUrl,
    /// The author's e-mail address.
    AuthorEmail,
    /// The client's user agent.
    UserAgent,
    /// The language guessed.
    Language,
    /// How much of the article was read.
    ArticleRead,
    /// Whether the hidden field was filled in.
    Honeypot,
    /// Seconds between showing the form and posting it.
    FormSeconds,
    /// A signal.
    Signal(SignalId),
}

/// Names of fields; signals follow from their catalogue.
const FIELDS: [(&str, Symbol, Type); 10] = [
    ("body", Symbol::Body, Type::Text),
    ("folded", Symbol::Folded, Type::Text),
    ("author_name", Symbol::AuthorName, Type::Text),
    ("author_url", Symbol::AuthorUrl, Type::Text),
    ("author_email", Symbol::AuthorEmail, Type::Text),
    ("user_agent", Symbol::UserAgent, Type::Text),
    ("language", Symbol::Language, Type::Text),
    ("article_read", Symbol::ArticleRead, Type::Text),
    ("honeypot", Symbol::Honeypot, Type::Bool),
    ("form_seconds", Symbol::FormSeconds, Type::Double),
];

/// Every name an expression can use.
static ALL: LazyLock<Vec<(String, Symbol, Type)>> = LazyLock::new(|| {
    let fields = FIELDS.iter().map(|&(text, name, kind)| (text.to_owned(), name, kind));
    let signals = SIGNALS.iter().filter_map(|signal| {
        let id = signals::find(signal.code)?;
        Some((signal.code.replace(['/', '-'], "_"), Symbol::Signal(id), Type::Double))
    });
    fields.chain(signals).collect()
});

impl Symbol {
    /// The thing called `text` and the kind of its value.
    pub(in crate::rules) fn find(text: &str) -> Option<(Self, Type)> {
        ALL.iter().find(|(known, ..)| known == text).map(|&(_, name, kind)| (name, kind))
    }

    /// The name nearest to `text`.
    pub(in crate::rules) fn nearest(text: &str) -> Option<&'static str> {
        let text = text.replace(['/', '-', '.'], "_");
        suggest::nearest(&text, ALL.iter().map(|(known, ..)| known.as_str()))
    }

    /// What it is for a comment; nothing when the data for it is absent.
    pub(super) fn value<'a>(self, facts: &Facts<'a>) -> Option<Value<'a>> {
        let comment = facts.subject.comment;
        match self {
            Self::Body => Some(Value::Text(comment.body.as_str())),
            Self::Folded => {
                facts.subject.document.view(ViewKind::Folded).map(|view| Value::Text(view.text()))
            }
            Self::AuthorName => comment.author.name.as_deref().map(Value::Text),
            Self::AuthorUrl => comment.author.url.as_deref().map(Value::Text),
            Self::AuthorEmail => comment.author.email.as_deref().map(Value::Text),
            Self::UserAgent => comment.request.user_agent.as_deref().map(Value::Text),
            Self::Language => facts.language.map(Value::Text),
            Self::ArticleRead => Some(Value::Text(facts.article_read)),
            Self::Honeypot => comment.request.honeypot_filled.map(Value::Bool),
            Self::FormSeconds => comment.request.form_seconds.map(|s| Value::Double(f64::from(s))),
            Self::Signal(id) => facts.signals.get(id).map(|value| Value::Double(f64::from(value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_identifiers() {
        for (at, (text, name, kind)) in ALL.iter().enumerate() {
            assert!(
                text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{text}"
            );
            assert!(!ALL[..at].iter().any(|(other, ..)| other == text), "{text} stands for two things");
            assert_eq!(Symbol::find(text), Some((*name, *kind)));
        }
        assert_eq!(ALL.len(), FIELDS.len() + SIGNALS.len());
    }

    #[test]
    fn mistyped_names_are_recognised() {
        assert_eq!(Symbol::nearest("links/count"), Some("links_count"));
        assert_eq!(Symbol::nearest("autor_name"), Some("author_name"));
        assert_eq!(Symbol::nearest("zebra"), None);
    }
}
