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
        Field, Subject,
        signals::{Scale, Signal},
    },
    text::{TokenKind, ViewKind},
    types::Label,
};

/// Bytes that nearly every sentence fits in, so that it is written without growing.
const SENTENCE: usize = 96;

fn say(sentence: fmt::Arguments<'_>) -> Cow<'static, str> {
    let mut text = String::with_capacity(SENTENCE);
    // Writing to a string cannot fail.
    let _ = text.write_fmt(sentence);
    Cow::Owned(text)
}

/// How the words relate to the article and thread; `overlap` is the share of what
/// they say that occurs there, absent without an article.
pub(super) fn relevance_sentence(
    overlap: Option<f64>,
    nothing: bool,
    subject: &Subject<'_>,
) -> Cow<'static, str> {
    let words = words_of(subject);
    let part = match subject.context.article.map_or("none", |a| a.read()) {
        "title" => "article's title",
        "summary" => "article's summary",
        _ => "article",
    };
    match overlap {
        None => say(format_args!("{words} words, and no article to compare them with.")),
        Some(_) if nothing => say(format_args!("0 of {words} words relate to the {part} or thread.")),
        Some(overlap) => {
            let percent = overlap * 100.0;
            say(format_args!("{percent:.0} % of what its {words} words say occurs in the {part}."))
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
        "contacts/handle" | "contacts/messenger" => "It asks to be contacted on a messenger.".into(),
        "contacts/obfuscated" => "A contact is spaced, spelled out or disguised.".into(),
        "disguise/mixed_script" | "disguise/skeleton" => "Words imitate letters of another script.".into(),
        "disguise/zero_width" => "Invisible characters are hidden in words.".into(),
        "disguise/joined" => "Words are spaced out letter by letter.".into(),
        "disguise/leet" => "Letters are replaced by digits or symbols.".into(),
        "disguise/styled" => "Letters are written in a decorative style.".into(),
        "shape/uppercase" | "shape/shouted" => "How much of it is in capital letters.".into(),
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
        Field::Word | Field::Gram | Field::Shape | Field::Term => {
            let word = word.unwrap_or("");
            let word = word.char_indices().nth(40).and_then(|(end, _)| word.get(..end)).unwrap_or(word);
            say(format_args!("\u{201c}{word}\u{201d} {verb} {what}."))
        }
    }
}

/// Words of the comment, as people count.
fn words_of(subject: &Subject<'_>) -> usize {
    let tokens = subject.document.view(ViewKind::Folded).map_or(&[][..], |v| v.tokens());
    tokens
        .iter()
        .filter(|t| matches!(t.kind, TokenKind::Word | TokenKind::Number | TokenKind::Ideograph))
        .count()
}
