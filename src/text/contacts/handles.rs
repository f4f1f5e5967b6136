//! Handles that stand beside a messenger's name.
//!
//! "telegram: @fx_anna", "my ig is fx.anna99", "@fx_anna on telegram". An at
//! sign without a messenger is a mention of another reader and no contact.
//!
//! May import: `types`.

use crate::types::Span;

use super::{
    super::{
        lexicon::{Role, role},
        view::{Token, TokenKind},
    },
    Contact, ContactKind, Reader,
    messengers::Mention,
    push,
};

/// Tokens looked at after and before the name.
const AHEAD: usize = 8;
const BEHIND: usize = 5;
/// Shortest and longest handle, in bytes.
const MIN_HANDLE: usize = 4;
const MAX_HANDLE: usize = 32;

/// Words that may stand between the name and the handle.
#[rustfmt::skip]
const FILLERS: &[&str] = &[
    "is", "me", "my", "id", "on", "at", "add", "contact", "name", "username", "user", "handle", "the", "us",
    "here", "channel", "group", "account", "chat", "or", "via", "app", "also", "it", "ist", "mein", "mich", "mon",
    "est", "es", "mi", "meu", "é", "è", "il", "mio", "мой", "ник", "канал", "jest", "to", "mój", "kanal",
];

/// Finds the handle that goes with a mention.
pub(super) fn find(reader: &Reader<'_>, mention: &Mention, contacts: &mut Vec<Contact>) {
    if let Some((value, span)) = after(reader, mention).or_else(|| before(reader, mention))
        && !reader.is_taken(span, contacts)
    {
        push(
            contacts,
            Contact {
                kind: ContactKind::Handle,
                value,
                messenger: mention.name,
                obfuscated: mention.disguised,
                span,
            },
        );
    }
}

fn after(reader: &Reader<'_>, mention: &Mention) -> Option<(String, Span)> {
    let first = reader.token_from(mention.span.end);
    let view = reader.folded;
    let mut announced = false;
    for token in view.tokens.iter().skip(first).take(AHEAD) {
        let word = view.word(*token);
        match token.kind {
            TokenKind::Symbol if word == "@" => {
                let handle = handle_from(reader, token.span.end)?;
                return accept(reader, handle, MIN_HANDLE - 1);
            }
            TokenKind::Symbol if matches!(word, ":" | "=" | ">") => announced = true,
            TokenKind::Symbol | TokenKind::Emoji => {}
            TokenKind::Word | TokenKind::Number => {
                let handle = handle_from(reader, token.span.start)?;
                let text = handle.of(&view.text)?;
                if is_made_up(text) {
                    return accept(reader, handle, MIN_HANDLE);
                }
                if FILLERS.contains(&word) {
                    announced |= matches!(word, "id" | "username" | "handle" | "ник");
                    continue;
                }
                let plain = announced
                    && !mention.is_common_word()
                    && role(word) == Role::None
                    && text.len() > MIN_HANDLE;
                return if plain && is_last_of_its_kind(reader, handle) {
                    accept(reader, handle, MIN_HANDLE)
                } else {
                    None
                };
            }
            TokenKind::Ideograph => return None,
        }
    }
    None
}

/// "@name on telegram": nothing but fillers in between.
fn before(reader: &Reader<'_>, mention: &Mention) -> Option<(String, Span)> {
    let last = reader.token_from(mention.span.start);
    let view = reader.folded;
    let behind: &[Token] = view.tokens.get(last.saturating_sub(BEHIND)..last)?;
    let sign = behind.iter().rev().find(|token| view.word(**token) == "@")?;
    let handle = handle_from(reader, sign.span.end)?;
    let filler = |token: &&Token| token.kind == TokenKind::Symbol || FILLERS.contains(&view.word(**token));
    let between = || behind.iter().filter(|token| token.span.start >= handle.end);
    if between().count() != between().filter(filler).count() {
        return None;
    }
    accept(reader, handle, MIN_HANDLE - 1)
}

/// The handle that begins at a byte of the folded view.
fn handle_from(reader: &Reader<'_>, start: u32) -> Option<Span> {
    let rest = reader.folded.text.get(start as usize..)?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let handle =
        rest.get(..rest.len() - rest.trim_start_matches(is_part).len())?.trim_end_matches(['.', '-', '_']);
    (!handle.is_empty() && handle.len() <= MAX_HANDLE).then(|| Span::new(start, start + handle.len() as u32))
}

/// Whether no one would write it but as a handle: letters with digits or
/// underscores.
fn is_made_up(text: &str) -> bool {
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let marks = text.bytes().filter(|b| b.is_ascii_digit() || *b == b'_').count();
    letters >= 2 && marks > 0 && letters + marks >= MIN_HANDLE
}

/// Whether a plain word may be a handle: nothing or a new sentence follows.
fn is_last_of_its_kind(reader: &Reader<'_>, handle: Span) -> bool {
    let rest = reader.folded.text.get(handle.end as usize..).unwrap_or("");
    let next = rest.trim_start().chars().next();
    rest.starts_with('\n') || next.is_none_or(|c| matches!(c, '.' | ',' | '!' | ';' | ')' | '?'))
}

fn accept(reader: &Reader<'_>, handle: Span, shortest: usize) -> Option<(String, Span)> {
    let text = handle.of(&reader.folded.text)?;
    let wordy = text.bytes().any(|b| b.is_ascii_alphabetic());
    (wordy && text.len() >= shortest).then(|| (text.to_owned(), reader.folded.submitted(handle)))
}
