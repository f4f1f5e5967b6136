//! One comment as the filter reads it: views V0 to V5 with spans back to the
//! submitted bytes, links, contacts, counts of tricks, and a language guess.
//!
//! Pure, deterministic, versioned; time is linear in the input and every output
//! is bounded. Knows nothing of models, rules or articles.
//!
//! May import: `types`.

use crate::types::{Markup, Span};

/// Version of everything that reading depends on; recorded in each verdict.
/// Grows with any change that can change a view, a token or a count.
pub const NORMALIZER_VERSION: u32 = 1;

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
    text: String,
    tokens: Vec<Token>,
    /// Pairs (offset in `text`, offset in the submitted body), both rising.
    origins: Vec<(u32, u32)>,
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
    #[must_use]
    pub fn submitted(&self, span: Span) -> Span {
        let _ = &self.origins;
        span
    }
}

/// What kind of address a link has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The address as read, scheme included when there was one.
    pub url: String,
    /// Host, lower case, without `www.`; punycode decoded when it round-trips.
    pub host: String,
    /// Registrable domain of the host by the public suffix list; the host
    /// itself for numeric addresses.
    pub domain: String,
    /// Written so that filters do not see it ("dot", "[.]", hxxp, spaced).
    pub obfuscated: bool,
    /// The host is a known link shortener.
    pub shortener: bool,
    /// The host is an IP address, in any notation.
    pub numeric_host: bool,
    /// The address carries user information before an `@`.
    pub userinfo: bool,
    /// The host was written in punycode, or mixes scripts.
    pub lookalike: bool,
    /// It stood in markup (`<a href>`, `[..](..)`, `[url]`), not in the text.
    pub markup: bool,
    /// Place in the submitted body.
    pub span: Span,
}

/// The ways to be reached outside the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactKind {
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A messenger or social handle: "telegram @name", "WhatsApp +1…".
    Handle,
}

/// A way to be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Which way.
    pub kind: ContactKind,
    /// Digits with a leading `+` when written, the address, or the handle, folded.
    pub value: String,
    /// The messenger named beside it: "whatsapp", "telegram"...; empty when none.
    pub messenger: &'static str,
    /// Spaced, spelled out or otherwise disguised.
    pub obfuscated: bool,
    /// Place in the submitted body.
    pub span: Span,
}

/// Counts taken while reading. All are of the visible text unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Characters.
    pub chars: u32,
    /// Letters.
    pub letters: u32,
    /// Upper-case letters.
    pub uppercase: u32,
    /// Decimal digits.
    pub digits: u32,
    /// White-space characters.
    pub whitespace: u32,
    /// Emoji and pictographs.
    pub emoji: u32,
    /// Punctuation and other symbols.
    pub symbols: u32,
    /// Exclamation and question marks.
    pub exclamations: u32,
    /// Currency signs.
    pub currency: u32,
    /// Words that are wholly upper case and at least three letters long.
    pub shouted_words: u32,
    /// Zero-width and other format characters removed.
    pub zero_width: u32,
    /// Bidirectional controls removed.
    pub bidi_controls: u32,
    /// Combining marks beyond what the script needs, removed.
    pub surplus_marks: u32,
    /// Characters that NFKC turned into plain letters or digits (styled letters).
    pub styled: u32,
    /// Words that mix scripts which no language mixes.
    pub mixed_script_words: u32,
    /// Words changed by the skeleton view.
    pub skeleton_words: u32,
    /// Words changed by the leet view.
    pub leet_words: u32,
    /// Runs joined by the joined view.
    pub joined_runs: u32,
    /// Runs squeezed by the squeezed view.
    pub squeezed_runs: u32,
    /// Characters of invisible text (hidden by markup).
    pub invisible_chars: u32,
    /// Line breaks.
    pub lines: u32,
    /// HTML, Markdown or BBCode tags found; foreign ones in plain text included.
    pub markup_tags: u32,
    /// Tags of another markup than the declared one.
    pub foreign_markup: u32,
    /// Spintax braces with alternatives (`{a|b}`).
    pub spintax: u32,
    /// Images.
    pub images: u32,
    /// Quoted passages.
    pub quotes: u32,
    /// Entities and percent escapes decoded in the text.
    pub escapes: u32,
}

/// A guess at the language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LanguageGuess {
    /// BCP 47 primary language subtag: "en".
    pub lang: &'static str,
    /// How sure, in `[0, 1]`; guesses below the floor are not made.
    pub confidence: f32,
}

/// A comment body as the filter reads it. Reading into the same value again
/// reuses its buffers.
#[derive(Clone, Debug, Default)]
pub struct Document {
    views: [View; 6],
    present: [bool; 6],
    links: Vec<Link>,
    contacts: Vec<Contact>,
    counts: Counts,
    language: Option<LanguageGuess>,
}

impl Document {
    /// Reads `body`, replacing what was read before.
    ///
    /// Never fails and never panics; `O(n)` in the bytes of `body`.
    pub fn read(&mut self, body: &str, _markup: Markup) {
        *self = Self::default();
        for (view, text) in self.views.iter_mut().zip([body.to_owned(), body.to_lowercase()]) {
            let mut start = 0_u32;
            for piece in text.split_inclusive(char::is_whitespace) {
                let end = start + piece.len() as u32;
                let trimmed = start + piece.trim_end().len() as u32;
                view.tokens.push(Token { span: Span::new(start, trimmed), kind: TokenKind::Word });
                start = end;
            }
            view.text = text;
        }
        self.present = [true, true, false, false, false, false];
    }

    /// A view. Original and Folded are always there; the others only where they
    /// differ from Folded.
    #[must_use]
    pub fn view(&self, kind: ViewKind) -> Option<&View> {
        let at = kind as usize;
        self.present.get(at).copied().unwrap_or(false).then(|| self.views.get(at)).flatten()
    }

    /// Links, in order, at most 64.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Contacts, in order, at most 64.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// Counts.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The language, when a guess is sure enough.
    #[must_use]
    pub const fn language(&self) -> Option<LanguageGuess> {
        self.language
    }
}
