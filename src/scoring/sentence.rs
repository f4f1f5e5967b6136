//! Reasons in plain words.
//!
//! One place for every sentence that a moderator reads about a score; knows no
//! arithmetic. May import: `types`, `text`, `features`.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

use crate::{
    features::{
        Field, IdfTable, Part, Subject,
        signals::{Scale, Signal},
        term,
    },
    text::{TokenKind, ViewKind},
    types::{Label, Span},
};

/// Bytes that nearly every sentence fits in, so that it is written without growing.
const SENTENCE: usize = 96;

fn say(sentence: fmt::Arguments<'_>) -> Cow<'static, str> {
    let mut text = String::with_capacity(SENTENCE);
    // Writing to a string cannot fail.
    let _ = text.write_fmt(sentence);
    Cow::Owned(text)
}

/// Most related words that a sentence names.
const NAMED: usize = 3;
/// A word that tells less than this, in nats of IDF, is everybody's word: meeting it
/// proves nothing.
const TELLING: f32 = 3.0;

/// How the words of a comment relate to its article and to the comment it answers.
#[derive(Debug, Default)]
pub(super) struct Related {
    words: usize,
    related: usize,
    /// The first telling words that relate, as written, with where they stand.
    named: Vec<(String, Place)>,
    /// The first of them in the body.
    pub(super) span: Option<Span>,
}

/// Where a related word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Title,
    Article,
    Thread,
}

impl Related {
    /// Looks each word up once more; for the few comments that are explained.
    pub(super) fn of(subject: &Subject<'_>, idf: &IdfTable) -> Self {
        let mut found = Self::default();
        let Some(view) = subject.document.view(ViewKind::Folded) else { return found };
        let parent = subject.comment.place.parent_text.as_deref().unwrap_or("").to_lowercase();
        let alone = subject.context.article.is_none() && parent.is_empty();
        for &token in view.tokens().iter().take(2_000) {
            if !matches!(token.kind, TokenKind::Word | TokenKind::Number | TokenKind::Ideograph) {
                continue;
            }
            let word = view.word(token);
            found.words += 1;
            if alone {
                continue;
            }
            let place = match subject.context.article.and_then(|a| a.relate(word)).map(|m| m.part) {
                Some(Part::Title) => Place::Title,
                Some(Part::Summary | Part::Text) => Place::Article,
                None if parent.split(|c: char| !c.is_alphanumeric()).any(|w| w == word) => Place::Thread,
                None => continue,
            };
            if idf.get(term(word)) < TELLING {
                continue;
            }
            found.related += 1;
            let span = view.submitted(token.span);
            let written: String =
                span.of(subject.comment.body.as_str()).unwrap_or(word).chars().take(40).collect();
            if found.named.len() < NAMED && found.named.iter().all(|(named, _)| *named != written) {
                found.span = found.span.or(Some(span));
                found.named.push((written, place));
            }
        }
        found
    }

    /// The sentence for a label.
    pub(super) fn sentence(&self, label: Label, towards: bool, subject: &Subject<'_>) -> Cow<'static, str> {
        let part = match subject.context.article.map_or("none", |a| a.read()) {
            "none" => "",
            "title" => "article's title",
            "summary" => "article's summary",
            _ => "article",
        };
        let opening = match (label, towards) {
            (Label::LowContent, true) => "It says next to nothing: ",
            (Label::LowContent, false) => "It says something: ",
            _ => "",
        };
        let (count, related) = (self.words, self.related);
        let words = if count == 1 { "word" } else { "words" };
        match part {
            "" if label == Label::LowContent => say(format_args!("{opening}{count} {words}.")),
            "" => say(format_args!("{count} {words}, and no article to compare them with.")),
            part if related == 0 => {
                say(format_args!("{opening}0 of {count} {words} relate to the {part} or thread."))
            }
            part => {
                let verb = if related == 1 { "relates" } else { "relate" };
                let in_thread = self.named.iter().any(|(_, place)| *place == Place::Thread);
                let thread = if in_thread { " or thread" } else { "" };
                let names = self.names();
                say(format_args!(
                    "{opening}{related} of {count} {words} {verb} to the {part}{thread}{names}."
                ))
            }
        }
    }

    /// The words that relate, with those of the title told apart.
    fn names(&self) -> String {
        let list = |in_title: bool| {
            let of = self.named.iter().filter(|(_, p)| (*p == Place::Title) == in_title);
            of.map(|(word, _)| format!("\u{201c}{word}\u{201d}")).collect::<Vec<_>>().join(", ")
        };
        match (list(true), list(false)) {
            (title, other) if title.is_empty() => format!(": {other}"),
            (title, other) if other.is_empty() => format!(": {title} in the title"),
            (title, other) => format!(": {title} in the title; {other}"),
        }
    }
}

/// What a signal says of this comment.
pub(super) fn signal_sentence(signal: &Signal, value: f64) -> Cow<'static, str> {
    match signal.code {
        "links/count" => say(format_args!("It holds {value} links.")),
        "links/obfuscated" => "A link is written so that filters miss it.".into(),
        "links/at_end" => "It ends in a link.".into(),
        "contacts/phone" => "It gives a telephone number.".into(),
        "contacts/handle" => "It names a handle to write to.".into(),
        "contacts/messenger" => "It asks to be contacted on a messenger.".into(),
        "contacts/obfuscated" => "A contact is spaced, spelled out or disguised.".into(),
        "disguise/mixed_script" => "Words mix letters of several scripts.".into(),
        "disguise/skeleton" => "Words imitate letters of another script.".into(),
        "disguise/zero_width" => "Invisible characters are hidden in words.".into(),
        "disguise/joined" => "Words are spaced out letter by letter.".into(),
        "disguise/leet" => "Letters are replaced by digits or symbols.".into(),
        "disguise/styled" => "Letters are written in a decorative style.".into(),
        "shape/uppercase" => "How much of it is in capital letters.".into(),
        "shape/shouted" => "How many of its words are wholly in capital letters.".into(),
        "shape/unpronounceable" => "It cannot be pronounced: keyboard mash.".into(),
        _ => {
            let what = signal.doc.trim_end_matches('.');
            match signal.scale {
                // Whole numbers are written without the work that fractions take.
                Scale::Log if value.fract() == 0.0 && value.abs() < 1e9 => {
                    say(format_args!("{what}: {}.", value as i64))
                }
                Scale::Log => say(format_args!("{what}: {value}.")),
                Scale::Linear => say(format_args!("{what}: {value:.2}.")),
            }
        }
    }
}

/// What the decisions of the site on other comments say.
pub(super) fn decisions_sentence(
    word: Option<&str>,
    comments: u32,
    label: Label,
    towards: bool,
) -> Cow<'static, str> {
    let verb = if towards { "found" } else { "did not find" };
    let what = match label {
        Label::Spam => "advertising",
        Label::LowContent => "empty",
        Label::OffTopic => "off the subject",
        Label::Abuse => "abusive",
    };
    let of = if comments == 1 { "1 decision" } else { &format!("{comments} decisions") };
    match word {
        Some(word) => say(format_args!(
            "Moderators here {verb} comments with \u{201c}{}\u{201d} {what} ({of}).",
            shortened(word)
        )),
        None => say(format_args!("Moderators here {verb} comments like it {what} ({of}).")),
    }
}

/// The first letters of a word, enough to know it by.
fn shortened(word: &str) -> &str {
    word.char_indices().nth(40).and_then(|(end, _)| word.get(..end)).unwrap_or(word)
}

/// What a word of the comment says.
pub(super) fn word_sentence(
    field: Field,
    word: Option<&str>,
    label: Label,
    towards: bool,
) -> Cow<'static, str> {
    let what = match label {
        Label::Spam => "advertising",
        Label::LowContent => "empty remarks",
        Label::OffTopic => "remarks on something else",
        Label::Abuse => "abuse",
    };
    let verb = if towards { "is typical of" } else { "speaks against" };
    match field {
        Field::AuthorName => say(format_args!("The author's name {verb} {what}.")),
        Field::AuthorUrl => say(format_args!("The author's link {verb} {what}.")),
        Field::LinkHost => say(format_args!("The linked host {verb} {what}.")),
        Field::Word | Field::Skip | Field::Gram | Field::Shape | Field::Term => {
            let word = shortened(word.unwrap_or(""));
            say(format_args!("\u{201c}{word}\u{201d} {verb} {what}."))
        }
    }
}
