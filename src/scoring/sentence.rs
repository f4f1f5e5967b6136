//! Reasons in plain words.
//!
//! One place for every sentence that a moderator reads about a score; knows no
//! arithmetic. May import: `types`, `text`, `features`.

use crate::{
    features::{
        Field, Subject,
        signals::{Scale, Signal},
    },
    text::{TokenKind, ViewKind},
    types::Label,
};

/// How the words relate to the article and thread; `overlap` is the share of what
/// they say that occurs there, absent without an article.
pub(super) fn relevance_sentence(overlap: Option<f64>, nothing: bool, subject: &Subject<'_>) -> String {
    let words = words_of(subject);
    let part = match subject.context.article.map_or("none", |a| a.read()) {
        "title" => "article's title",
        "summary" => "article's summary",
        _ => "article",
    };
    match overlap {
        None => format!("{words} words, and no article to compare them with."),
        Some(_) if nothing => format!("0 of {words} words relate to the {part} or thread."),
        Some(overlap) => {
            format!("{:.0} % of what its {words} words say occurs in the {part}.", overlap * 100.0)
        }
    }
}

/// What a signal says of this comment.
pub(super) fn signal_sentence(signal: &Signal, value: f64) -> String {
    match signal.code {
        "links/count" => format!("It holds {value} links."),
        "links/obfuscated" => "A link is written so that filters miss it.".to_owned(),
        "links/at_end" => "It ends in a link.".to_owned(),
        "contacts/phone" => "It gives a telephone number.".to_owned(),
        "contacts/handle" | "contacts/messenger" => "It asks to be contacted on a messenger.".to_owned(),
        "contacts/obfuscated" => "A contact is spaced, spelled out or disguised.".to_owned(),
        "disguise/mixed_script" | "disguise/skeleton" => {
            "Words imitate letters of another script.".to_owned()
        }
        "disguise/zero_width" => "Invisible characters are hidden in words.".to_owned(),
        "disguise/joined" => "Words are spaced out letter by letter.".to_owned(),
        "disguise/leet" => "Letters are replaced by digits or symbols.".to_owned(),
        "disguise/styled" => "Letters are written in a decorative style.".to_owned(),
        "shape/uppercase" | "shape/shouted" => "How much of it is in capital letters.".to_owned(),
        "shape/unpronounceable" => "It cannot be pronounced: keyboard mash.".to_owned(),
        _ => {
            let what = signal.doc.trim_end_matches('.');
            match signal.scale {
                Scale::Log => format!("{what}: {value}."),
                Scale::Linear => format!("{what}: {value:.2}."),
            }
        }
    }
}

/// What a word of the comment says.
pub(super) fn word_sentence(field: Field, word: Option<&str>, label: Label, towards: bool) -> String {
    let what = match label {
        Label::Spam => "advertising",
        Label::LowContent => "empty remarks",
        Label::OffTopic => "remarks on something else",
        Label::Abuse => "abuse",
    };
    let verb = if towards { "is typical of" } else { "speaks against" };
    match field {
        Field::AuthorName => format!("The author's name {verb} {what}."),
        Field::AuthorUrl => format!("The author's link {verb} {what}."),
        Field::LinkHost => format!("The linked host {verb} {what}."),
        Field::Word | Field::Gram | Field::Shape | Field::Term => {
            let word: String = word.unwrap_or("").chars().take(40).collect();
            format!("\u{201c}{word}\u{201d} {verb} {what}.")
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
