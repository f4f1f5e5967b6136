//! Where a text names messengers, in whatever disguise, and which links lead
//! into one.
//!
//! May import: `types`.

use crate::types::Span;

use super::{
    super::{
        chars::Script,
        lexicon::{Role, role},
        links::Link,
        view::{Token, TokenKind, View},
    },
    Contact, ContactKind, Reader, overlap,
};

/// Mentions that are kept.
const MAX_MENTIONS: usize = 32;
/// Shortest name that is looked for inside a run of joined letters.
const MIN_EMBEDDED: usize = 5;

/// A messenger's name in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub name: &'static str,
    /// Split, spaced or written with look-alikes.
    pub disguised: bool,
    /// Place in the submitted body.
    pub span: Span,
}

impl Mention {
    /// Whether the name is also a common word, so that it proves little.
    pub(super) fn is_common_word(&self) -> bool {
        matches!(self.name, "signal" | "line" | "kik" | "qq")
    }
}

/// Names that are looked for inside joined runs ("mywhatsapp").
const EMBEDDED: &[&str] = &[
    "whatsapp",
    "telegram",
    "viber",
    "wechat",
    "weixin",
    "skype",
    "snapchat",
    "instagram",
    "discord",
    "kakaotalk",
];

/// Names in scripts without spaces, where tokens are single characters.
const UNSPACED: &[(&str, &str)] = &[
    ("微信", "wechat"),
    ("微", "wechat"),
    ("电报", "telegram"),
    ("電報", "telegram"),
    ("ライン", "line"),
    ("テレグラム", "telegram"),
    ("ワッツアップ", "whatsapp"),
    ("เทเลแกรม", "telegram"),
    ("ไลน์", "line"),
];

/// Finds mentions, in the order of their place.
pub(super) fn find(reader: &Reader<'_>) -> Vec<Mention> {
    let mut mentions = Vec::new();
    for (at, role) in reader.cues.list() {
        if let (Role::Messenger(name), Some(token)) = (role, reader.folded.tokens.get(*at as usize)) {
            push(&mut mentions, name, false, reader.folded.submitted(token.span));
        }
    }
    split_names(reader.folded, &mut mentions);
    for view in reader.others {
        for token in view.tokens.iter().filter(|t| t.kind == TokenKind::Word) {
            in_word(view, *token, &mut mentions);
        }
    }
    if reader.folded.tokens.iter().any(|t| t.kind == TokenKind::Ideograph) {
        for (name, messenger) in UNSPACED {
            if let Some(at) = reader.folded.text.find(name) {
                let span = Span::new(at as u32, (at + name.len()) as u32);
                push(&mut mentions, messenger, false, reader.folded.submitted(span));
            }
        }
    }
    mentions.sort_by_key(|mention| mention.span);
    mentions
}

fn push(mentions: &mut Vec<Mention>, name: &'static str, disguised: bool, span: Span) {
    if mentions.len() < MAX_MENTIONS && !mentions.iter().any(|m| overlap(m.span, span)) {
        mentions.push(Mention { name, disguised, span });
    }
}

/// A name in another view that the folded view does not show there.
fn in_word(view: &View, token: Token, mentions: &mut Vec<Mention>) {
    let word = view.word(token);
    if let Role::Messenger(name) = role(word) {
        return push(mentions, name, true, view.submitted(token.span));
    }
    if word.len() <= MIN_EMBEDDED || !word.is_ascii() {
        return;
    }
    for name in EMBEDDED {
        if let (Some(at), Role::Messenger(messenger)) = (word.find(name), role(name)) {
            let start = token.span.start + at as u32;
            push(mentions, messenger, true, view.submitted(Span::new(start, start + name.len() as u32)));
        }
    }
}

/// Names split in two or three by spaces or symbols: "tele gram", "whats-app".
fn split_names(folded: &View, mentions: &mut Vec<Mention>) {
    let mut joined = String::new();
    for (at, token) in folded.tokens.iter().enumerate() {
        let first = folded.word(*token);
        if token.kind != TokenKind::Word || !begins_like_a_name(first) {
            continue;
        }
        joined.clear();
        joined.push_str(first);
        let mut parts = 1;
        for next in folded.tokens.iter().skip(at + 1).take(4) {
            if next.kind != TokenKind::Word {
                if folded.word(*next).len() > 1 || next.kind != TokenKind::Symbol {
                    break;
                }
                continue;
            }
            joined.push_str(folded.word(*next));
            parts += 1;
            if parts > 3 || joined.len() > 16 {
                break;
            }
            if let Role::Messenger(name) = role(&joined)
                && joined.len() >= MIN_EMBEDDED
            {
                let span = Span::new(token.span.start, next.span.end);
                push(mentions, name, true, folded.submitted(span));
                break;
            }
        }
    }
}

/// A cheap first test: the first letter of a name, and short enough.
fn begins_like_a_name(word: &str) -> bool {
    word.len() <= 10
        && (matches!(word.as_bytes().first(), Some(b'w' | b't' | b'v' | b's' | b'i' | b'd' | b'k' | b'z'))
            || (word.len() <= 20
                && matches!(
                    super::super::chars::script(super::super::chars::char_at(word, 0)),
                    Script::Cyrillic | Script::Arabic | Script::Hebrew
                )))
}

/// The handle that a link into a messenger carries.
pub(super) fn of_link(link: &Link) -> Option<Contact> {
    let path = link.path();
    let query = |name: &str| path.split(['?', '&']).find_map(|part| part.strip_prefix(name));
    let first = path.trim_start_matches('/').split(['/', '?', '#']).next().unwrap_or("");
    let (messenger, value) = match link.host.as_str() {
        "wa.me" | "wa.link" => ("whatsapp", first),
        "api.whatsapp.com" | "web.whatsapp.com" | "whatsapp.com" => {
            ("whatsapp", query("phone=").or_else(|| query("?phone=")).unwrap_or(""))
        }
        "chat.whatsapp.com" => ("whatsapp", first),
        "t.me" | "telegram.me" | "telegram.dog" => ("telegram", first.trim_start_matches('@')),
        "signal.me" => ("signal", path.rsplit('/').next().unwrap_or("")),
        "m.me" => ("messenger", first),
        "viber.me" | "vb.me" | "chats.viber.com" => ("viber", first),
        "line.me" | "lin.ee" => ("line", path.rsplit('/').next().unwrap_or("")),
        "discord.gg" | "discord.com" => ("discord", path.rsplit('/').next().unwrap_or("")),
        "zalo.me" => ("zalo", first),
        "snapchat.com" => ("snapchat", path.rsplit('/').next().unwrap_or("")),
        "kik.me" => ("kik", first),
        _ => return None,
    };
    let value = value.to_lowercase();
    if value.is_empty() {
        return None;
    }
    let digits = value.trim_start_matches('+');
    let number = digits.len() >= 7 && digits.bytes().all(|b| b.is_ascii_digit());
    Some(Contact {
        kind: ContactKind::Handle,
        value: if number { format!("+{digits}") } else { value },
        messenger,
        obfuscated: link.obfuscated,
        span: link.span,
    })
}
