//! One reading of the body: its text, its tokens, the way back.
//!
//! Knows nothing of how a view is made.
//!
//! May import: `types`.

use crate::types::Span;

use super::spans::SpanMap;

/// One reading of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ViewKind {
    /// The visible text as written: markup removed, nothing folded.
    Original,
    /// NFKC, invisible characters and surplus marks removed, case folded.
    Folded,
    /// Look-alike letters replaced in words that mix scripts or styled letters.
    Skeleton,
    /// Digits and symbols between letters read as letters.
    Leet,
    /// Runs of spaced or dotted single letters joined.
    Joined,
    /// Letters repeated more than twice squeezed.
    Squeezed,
}

impl ViewKind {
    /// Every view, in reading order.
    pub const ALL: [Self; 6] =
        [Self::Original, Self::Folded, Self::Skeleton, Self::Leet, Self::Joined, Self::Squeezed];
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A run of letters (with inner apostrophes), of a script that spaces words.
    Word,
    /// A run that begins with a digit.
    Number,
    /// One character of a script that does not space words (Han, Kana, Thai...).
    Ideograph,
    /// One emoji or pictograph.
    Emoji,
    /// A run of one and the same other symbol: "!!!", "$$", "...".
    Symbol,
}

/// A token: bytes `start..end` of its view's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Place in the view's text.
    pub span: Span,
    /// What it is.
    pub kind: TokenKind,
}

/// One view: text, tokens and the way back to the submitted bytes.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    pub(super) map: SpanMap,
}

impl View {
    /// The text of this view.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its tokens, in order.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The text of a token of this view.
    #[must_use]
    pub fn word(&self, token: Token) -> &str {
        token.span.of(&self.text).unwrap_or("")
    }

    /// The bytes of the submitted body from which `span` of this view came.
    /// Falls on character boundaries of the body if `span` does on the view's.
    /// `O(log n)`.
    #[must_use]
    pub fn submitted(&self, span: Span) -> Span {
        self.map.origin(span)
    }

    /// Forgets what it held; keeps its buffers.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.tokens.clear();
        self.map.clear();
    }
}
