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

/// What a signal says of this comment.
pub(super) fn signal_sentence(signal: &Signal, value: f64, subject: &Subject<'_>) -> String {
    let percent = (value * 100.0).round();
    match signal.code {
        "relevance/nothing" | "relevance/stray" | "relevance/unmatched" if value > 0.0 => {
            let words = words_of(subject);
            match signal.code {
                "relevance/nothing" => format!("0 of {words} words relate to the article or thread."),
                _ => "Its telling words do not occur in the article.".to_owned(),
            }
        }
        "relevance/overlap" | "relevance/title_overlap" | "relevance/letter_overlap" => {
            format!("{percent} % of what it says occurs in the {}.", part(signal.code, subject))
        }
        "relevance/matched" | "relevance/best_match" => "It uses telling words of the article.".to_owned(),
        "relevance/parent_overlap" => {
            format!("{percent} % of what it says occurs in the comment it answers.")
        }
        "relevance/title_covered" => format!("It repeats {percent} % of the title."),
        "relevance/article_terms" => "There was little of the article to compare with.".to_owned(),
        "content/information" | "content/mean_information" | "content/most_informative" => {
            "How much its words tell: common words fit anywhere.".to_owned()
        }
        "content/unknown" => format!("{percent} % of its words are unknown to the model."),
        "length/words" => format!("It is {} words long.", words_of(subject)),
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

fn part(code: &str, subject: &Subject<'_>) -> &'static str {
    match (code, subject.context.article.map_or("none", |a| a.read())) {
        ("relevance/title_overlap", _) | (_, "title") => "title",
        _ => "article",
    }
}
