//! Host names whose dots are spelled out, bracketed or set off by spaces.
//!
//! A chain is a row of labels with joints between them: ".", "[.]", "(dot)",
//! " dot ", " . ". It is taken for a host only if it ends in a top-level domain
//! that its weakest joint lets pass: a bracket proves intent, a word or a
//! space proves little. Windows are short, so the work per joint is bounded.
//!
//! May import: `types`.

use super::{
    super::{
        chars::{self, char_at},
        lexicon::{Cues, Role, role},
        view::View,
    },
    Sink,
    find::Finder,
    tld,
};

/// Labels of one host.
const MAX_LABELS: usize = 6;
/// Longest label, in bytes.
const MAX_LABEL: usize = 63;
/// White space on one side of a joint.
const MAX_SPACES: usize = 3;
/// Longest word for a dot or an at sign, in bytes.
const MAX_WORD: usize = 16;

/// Top-level domains that a spaced dot may precede: no sentence goes on so.
const AFTER_SPACED: &[&str] = &["com", "net", "org", "ru", "xyz", "example"];

/// Words before "dot com" that make it a phrase of the language, and words
/// after it that do.
const PHRASE_BEFORE: &[&str] =
    &["the", "a", "this", "that", "any", "every", "first", "big", "old", "of", "era"];
const PHRASE_AFTER: &[&str] = &[
    "bubble",
    "boom",
    "bust",
    "era",
    "crash",
    "company",
    "companies",
    "days",
    "stock",
    "stocks",
    "craze",
    "millionaire",
    "startup",
    "startups",
    "mania",
    "crisis",
    "burst",
];

/// A host in disguise.
#[derive(Debug)]
pub(super) struct Chain {
    pub host: String,
    /// Byte after it.
    pub end: usize,
    /// Whether any joint was more than a dot.
    pub disguised: bool,
}

/// What stands between two labels.
#[derive(Clone, Copy)]
enum Joint {
    Plain,
    Bracketed,
    Spaced,
    Word(&'static [&'static str]),
}

impl Joint {
    /// Whether a host may end in `tld` after this joint.
    fn admits(self, tld: &str) -> bool {
        match self {
            Self::Plain | Self::Bracketed => true,
            Self::Spaced => AFTER_SPACED.contains(&tld),
            Self::Word(tlds) => tlds.contains(&tld),
        }
    }

    /// Whether the joint at `at`, between `host` and `label`, is part of a
    /// sentence: a full stop with a space behind it, "the dot com".
    fn is_prose(self, text: &str, at: usize, label: &str, host: &str) -> bool {
        match self {
            Self::Plain | Self::Bracketed => false,
            Self::Spaced => char_at(text, at) != ' ' && !AFTER_SPACED.contains(&label),
            Self::Word(_) => PHRASE_BEFORE.contains(&host),
        }
    }
}

const fn closing_of(open: char) -> Option<char> {
    Some(match open {
        '[' => ']',
        '(' => ')',
        '{' => '}',
        '<' => '>',
        '-' => '-',
        '_' => '_',
        '*' => '*',
        '|' => '|',
        '\'' => '\'',
        '"' => '"',
        _ => return None,
    })
}

/// Past at most [`MAX_SPACES`] spaces.
fn skip_spaces(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or(&[]);
    at + rest.iter().take(MAX_SPACES).take_while(|b| **b == b' ').count()
}

fn word_at(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or("");
    let len: usize =
        rest.chars().take_while(|c| c.is_alphanumeric()).take(MAX_WORD + 1).map(char::len_utf8).sum();
    rest.get(..len).unwrap_or("")
}

/// The sign or word at `at` that `wanted` recognises, perhaps in brackets and
/// spaces: its reading, the byte after it, and whether brackets and spaces
/// stood around it.
fn joint_with<T>(
    text: &str,
    at: usize,
    wanted: impl Fn(&str, usize) -> Option<(T, usize)>,
) -> Option<(T, usize, bool, bool)> {
    let opened = skip_spaces(text, at);
    let open = char_at(text, opened);
    let close = closing_of(open);
    let inner = if close.is_some() { skip_spaces(text, opened + open.len_utf8()) } else { opened };
    let (found, after) = wanted(text, inner)?;
    let mut end = after;
    if let Some(close) = close {
        let place = skip_spaces(text, after);
        if char_at(text, place) != close {
            return None;
        }
        end = place + close.len_utf8();
    }
    let next = skip_spaces(text, end);
    Some((found, next, close.is_some(), opened > at || next > end))
}

fn joint_at(text: &str, at: usize) -> Option<(Joint, usize)> {
    let read = |text: &str, at: usize| -> Option<(Option<&'static [&'static str]>, usize)> {
        if matches!(char_at(text, at), '.' | '·' | '•' | '∙') {
            return Some((None, at + char_at(text, at).len_utf8()));
        }
        let word = word_at(text, at);
        match role(word) {
            Role::Dot(tlds) => Some((Some(tlds), at + word.len())),
            Role::None | Role::At | Role::Digit(_) | Role::Plus | Role::Messenger(_) | Role::Call => None,
        }
    };
    let (word, next, bracketed, spaced) = joint_with(text, at, read)?;
    let joint = match word {
        _ if bracketed => Joint::Bracketed,
        // A word must be set off: "dotcom" is no joint.
        Some(tlds) if spaced => Joint::Word(tlds),
        Some(_) => return None,
        None if spaced => Joint::Spaced,
        None => Joint::Plain,
    };
    Some((joint, next))
}

/// The label at `at`: letters, digits, inner hyphens that open no bracketed
/// joint.
fn label_at(text: &str, at: usize) -> Option<&str> {
    let rest = text.get(at..)?;
    let mut end = 0;
    for (place, c) in rest.char_indices() {
        let wordy = c.is_alphanumeric() && (c.is_ascii() || !chars::is_unspaced(chars::script(c)));
        let hyphen = c == '-'
            && char_at(rest, place + 1).is_alphanumeric()
            && !matches!(role(word_at(rest, place + 1)), Role::Dot(_));
        if !(wordy || hyphen) {
            break;
        }
        end = place + c.len_utf8();
        if end > MAX_LABEL {
            return None;
        }
    }
    rest.get(..end).filter(|label| !label.is_empty())
}

/// Reads a chain whose first label begins at `start`: the longest that ends in
/// a top-level domain.
pub(super) fn chain(text: &str, start: usize) -> Option<Chain> {
    let mut host = label_at(text, start)?.to_owned();
    let mut at = start + host.len();
    let mut best = None;
    let mut disguised = false;
    for _ in 1..MAX_LABELS {
        let Some((joint, next)) = joint_at(text, at) else { break };
        let Some(label) = label_at(text, next) else { break };
        if joint.is_prose(text, at, label, &host) {
            break;
        }
        host.push('.');
        host.push_str(label);
        at = next + label.len();
        disguised |= !matches!(joint, Joint::Plain);
        let ends_word = !char_at(text, at).is_alphanumeric();
        if ends_word
            && joint.admits(label)
            && (tld::has_known_tld(&host) || super::host::is_dotted_quad(&host))
        {
            best = Some((host.len(), at, disguised));
        }
    }
    let (len, end, disguised) = best?;
    if PHRASE_AFTER.contains(&word_at(text, skip_spaces(text, end))) {
        return None;
    }
    host.truncate(len);
    Some(Chain { host, end, disguised })
}

/// The chain around a dot that stands apart from letters, not before `floor`,
/// and where it begins.
pub(super) fn around_dot(text: &str, floor: usize, dot: usize) -> Option<(usize, Chain)> {
    let before = text.get(floor..dot)?;
    let bare = before.trim_end_matches(' ');
    let bare = bare.strip_suffix(['[', '(', '{', '<']).map_or(bare, |rest| rest.trim_end_matches(' '));
    if before.len() - bare.len() > 2 * MAX_SPACES + 1 {
        return None;
    }
    chain_before(text, floor, floor + bare.len())
}

/// The disguised chain whose first joint begins at `end`.
fn chain_before(text: &str, floor: usize, end: usize) -> Option<(usize, Chain)> {
    let before = text.get(floor..end)?;
    let tail = before.get(before.ceil_char_boundary(before.len().saturating_sub(3 * MAX_LABEL))..)?;
    let run =
        tail.len() - tail.trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '-' | '.')).len();
    let run = before.get(before.len() - run..)?;
    let start = end - run.trim_start_matches(['-', '.']).len();
    let chain = chain(text, start).filter(|chain| chain.disguised)?;
    Some((start, chain))
}

/// Finds hosts whose dots are words.
pub(super) fn find_spelled(folded: &View, body: &str, cues: &Cues, sink: &mut Sink<'_>) {
    let mut done = 0;
    for (at, _) in cues.list().iter().filter(|(_, role)| matches!(role, Role::Dot(_))) {
        let Some(dot) = folded.tokens.get(*at as usize) else { continue };
        let dot = dot.span.start as usize;
        if dot < done {
            continue;
        }
        let text = folded.text.as_str();
        let before = text.get(done..dot).unwrap_or("");
        let bare = before.trim_end_matches([' ', '[', '(', '{', '<', '-', '_', '*', '|', '\'', '"']);
        if before.len() - bare.len() > 2 * MAX_SPACES + 1 {
            continue;
        }
        let Some((start, chain)) = chain_before(text, done, done + bare.len()) else { continue };
        let span = crate::types::Span::new(start as u32, chain.end as u32);
        let place = folded.submitted(span);
        if !sink.links.iter().any(|link| link.covers(place))
            && !sink.contacts.iter().any(|c| c.span.end > place.start && c.span.start < place.end)
        {
            Finder::starting_at(folded, body, sink, done).disguised(start, &chain);
        }
        done = chain.end;
    }
}

/// Providers of mailboxes: "ann at gmail dot com" is an address, "visit us at
/// example dot com" is none.
const MAIL_HOSTS: &[&str] = &[
    "gmail",
    "googlemail",
    "yahoo",
    "outlook",
    "hotmail",
    "live",
    "icloud",
    "proton",
    "protonmail",
    "gmx",
    "web",
    "mail",
    "yandex",
    "aol",
    "tutanota",
    "zoho",
    "qq",
    "163",
    "rambler",
    "inbox",
    "list",
    "bk",
];

/// The local part of an e-mail address whose host begins at `start`, and where
/// it begins: "ann (at) ", "ann@ ", "ann at " before a mail provider.
pub(super) fn local_part(text: &str, floor: usize, start: usize) -> Option<(String, usize)> {
    let before = text.get(floor..start)?;
    let window = before.get(before.ceil_char_boundary(before.len().saturating_sub(96))..)?;
    let bare = window.trim_end_matches(' ');
    let (rest, bracketed) = match bare.strip_suffix([']', ')', '}', '>', '-', '_', '*']) {
        Some(rest) => (rest.trim_end_matches(' '), true),
        None => (bare, false),
    };
    let (rest, sign) = match rest.strip_suffix('@') {
        Some(rest) => (rest, true),
        None => {
            let word = rest.len() - rest.trim_end_matches(char::is_alphanumeric).len();
            let (rest, word) = rest.split_at(rest.len() - word);
            if role(word) != Role::At {
                return None;
            }
            (rest, false)
        }
    };
    let rest = if bracketed {
        rest.trim_end_matches(' ').strip_suffix(['[', '(', '{', '<', '-', '_', '*'])?
    } else {
        rest
    };
    let rest = rest.trim_end_matches(' ');
    let len = rest.len()
        - rest.trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+')).len();
    let local = rest.get(rest.len() - len..)?.trim_start_matches(['.', '-']);
    let mailbox = word_at(text, start);
    let personal = local.contains(['.', '_']) || local.bytes().any(|b| b.is_ascii_digit());
    if local.is_empty() || !(bracketed || sign || personal || MAIL_HOSTS.contains(&mailbox)) {
        return None;
    }
    let offset = start - window.len() + rest.len() - local.len();
    Some((local.to_owned(), offset))
}
