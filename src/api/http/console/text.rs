//! Hostile text made safe to look at: cut into pieces that a template escapes, with
//! what nobody could see made visible and what changed marked.
//!
//! Characters that steer direction or hide are replaced by a mark with their name, so
//! nothing of a comment can act on the page around it. Linear in the text; comparing
//! two readings is bounded by time. May import: `types`.

use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use crate::types::Span;

/// How long two readings of one text may be compared.
const DIFF_TIME: Duration = Duration::from_millis(20);

/// A run of text that looks the same throughout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// What is shown.
    pub(super) text: String,
    /// What it is.
    pub(super) kind: Kind,
}

/// How a run of text is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it is.
    Plain,
    /// Part of what a reason points at; the number of the reason.
    Reason(usize),
    /// The name of a character that nobody sees.
    Hidden,
    /// There in this reading only.
    Added,
    /// Not there in this reading.
    Gone,
}

impl Piece {
    /// The class of the mark; empty for none.
    pub(super) const fn class(&self) -> &'static str {
        match self.kind {
            Kind::Plain => "",
            Kind::Reason(_) => "why",
            Kind::Hidden => "hidden-char",
            Kind::Added => "added",
            Kind::Gone => "gone",
        }
    }

    /// The number of the reason, from 1; 0 for none.
    pub(super) const fn reason(&self) -> usize {
        match self.kind {
            Kind::Reason(number) => number + 1,
            Kind::Plain | Kind::Hidden | Kind::Added | Kind::Gone => 0,
        }
    }
}

/// Cuts a text where marks begin and end. Marks are byte spans with the number of their
/// reason; where they overlap the first one is shown.
pub(super) fn marked(text: &str, marks: &[(Span, usize)]) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let mut before = None;
    for (at, c) in text.char_indices() {
        let inside = |(span, _): &&(Span, usize)| (span.start as usize..span.end as usize).contains(&at);
        let kind = marks.iter().find(inside).map_or(Kind::Plain, |(_, number)| Kind::Reason(*number));
        pieces.push(c, before, kind);
        before = Some(c);
    }
    pieces.0
}

/// A text without marks.
pub(super) fn plain(text: &str) -> Vec<Piece> {
    marked(text, &[])
}

/// A reading of a text beside the one before, letter case apart.
pub(super) fn changed(before: &str, after: &str) -> Vec<Piece> {
    let fold = |text: &str| text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect::<Vec<_>>();
    let (old, new): (Vec<char>, Vec<char>) = (before.chars().collect(), after.chars().collect());
    let deadline = Some(Instant::now() + DIFF_TIME);
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &fold(before), &fold(after), deadline);
    let mut pieces = Pieces::default();
    for op in ops {
        let kind = if matches!(op, DiffOp::Equal { .. }) { Kind::Plain } else { Kind::Added };
        if kind == Kind::Added {
            pieces.extend(old.get(op.old_range()).unwrap_or_default(), Kind::Gone);
        }
        pieces.extend(new.get(op.new_range()).unwrap_or_default(), kind);
    }
    pieces.0
}

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn extend(&mut self, chars: &[char], kind: Kind) {
        let mut before = None;
        for c in chars {
            self.push(*c, before, kind);
            before = Some(*c);
        }
    }

    fn push(&mut self, c: char, before: Option<char>, kind: Kind) {
        if let Some(name) = hidden(c, before) {
            self.0.push(Piece { text: name, kind: Kind::Hidden });
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.kind == kind => last.text.push(c),
            _ => self.0.push(Piece { text: c.to_string(), kind }),
        }
    }
}

/// The name of a character that nobody sees or that steers others; `None` for all that
/// is visible, white space, and joiners where writing or emoji need them.
fn hidden(c: char, before: Option<char>) -> Option<String> {
    let code = c as u32;
    let name = match code {
        0x09 | 0x0a => return None,
        0x0d => return None,
        0x00ad => "SHY",
        0x200b => "ZWSP",
        0x200c | 0x200d => {
            // Arabic, Indic and emoji sequences are written with these.
            let needed = before.is_some_and(|c| c as u32 >= 0x0590);
            if needed {
                return None;
            }
            if code == 0x200c { "ZWNJ" } else { "ZWJ" }
        }
        0x200e => "LRM",
        0x200f => "RLM",
        0x061c => "ALM",
        0x202a => "LRE",
        0x202b => "RLE",
        0x202c => "PDF",
        0x202d => "LRO",
        0x202e => "RLO",
        0x2060 => "WJ",
        0x2066 => "LRI",
        0x2067 => "RLI",
        0x2068 => "FSI",
        0x2069 => "PDI",
        0xfeff => "BOM",
        0x115f
        | 0x1160
        | 0x180e
        | 0x2028
        | 0x2029
        | 0x2061..=0x2064
        | 0x206a..=0x206f
        | 0x3164
        | 0xffa0
        | 0xfff9..=0xfffb
        | 0xe0000..=0xe0fff => return Some(format!("U+{code:04X}")),
        _ if c.is_control() => return Some(format!("U+{code:04X}")),
        _ => return None,
    };
    Some(name.to_owned())
}

/// One line of a text, cut: white space and hidden characters become single spaces.
pub(super) fn excerpt(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut before = None;
    for c in text.chars() {
        let gone = c.is_whitespace() || hidden(c, before).is_some();
        before = Some(c);
        if gone {
            if !line.ends_with(' ') && !line.is_empty() {
                line.push(' ');
            }
        } else {
            line.push(c);
        }
        if line.chars().count() > most {
            line.pop();
            line.push('…');
            break;
        }
    }
    line
}

/// An address that a link may lead to: of the web, and nothing else.
pub(super) fn web_address(url: &str) -> Option<&str> {
    let lower: String = url.chars().take(8).flat_map(char::to_lowercase).collect();
    let web = lower.starts_with("http://") || lower.starts_with("https://");
    (web && !url.chars().any(|c| c.is_control() || c.is_whitespace())).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[Piece]) -> Vec<(&str, &'static str)> {
        pieces.iter().map(|piece| (piece.text.as_str(), piece.class())).collect()
    }

    #[test]
    fn marks_and_hidden_characters_cut_the_text() {
        let text = "buy\u{200b} now\u{202e}!";
        let pieces = marked(text, &[(Span::new(0, 3), 0), (Span::new(1, 2), 1)]);
        assert_eq!(
            shown(&pieces),
            [("buy", "why"), ("ZWSP", "hidden-char"), (" now", ""), ("RLO", "hidden-char"), ("!", "")]
        );
        assert_eq!(pieces[0].reason(), 1);
    }

    #[test]
    fn writing_that_needs_joiners_keeps_them() {
        for text in ["می\u{200c}خواهم", "👨\u{200d}👩", "क्\u{200d}ष", "a\nb\tc"] {
            assert_eq!(shown(&plain(text)), [(text, "")], "{text}");
        }
        assert_eq!(plain("a\u{200d}b").len(), 3);
    }

    #[test]
    fn what_a_reading_changes_is_marked_and_case_is_not() {
        assert_eq!(shown(&changed("Hello", "hello")), [("hello", "")]);
        assert_eq!(
            shown(&changed("v1agra", "viagra")),
            [("v", ""), ("1", "gone"), ("i", "added"), ("agra", "")]
        );
    }

    #[test]
    fn only_the_web_is_linked() {
        assert!(web_address("https://paper.example/a?b=c").is_some());
        for bad in [
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "https://a b",
            "",
            "http:/x",
            "java\nscript:x",
        ] {
            assert_eq!(web_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn excerpts_are_one_line() {
        assert_eq!(excerpt(" a\n\nb\u{202e}c ", 10), "a b c ");
        assert_eq!(excerpt("abcdef", 3), "abc…");
    }
}
