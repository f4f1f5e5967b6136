//! One comment as the filter reads it: views V0 to V5 with spans back to the
//! submitted bytes, links, contacts, counts of tricks, and a language guess.
//!
//! Pure, deterministic, versioned; time is linear in the input and every output
//! is bounded. Knows nothing of models, rules or articles.
//!
//! In reading order: `document` names the steps; `markup` makes the visible
//! text (V0), `fold` the folded one (V1), `tokenize` splits both; `confusables`,
//! `leet`, `joined` and `squeeze` note the edits that make V2 to V5; `lexicon`
//! looks up words; `links`, `contacts` and `language` read what the text says.
//!
//! May import: `types`.

mod chars;
mod confusables;
mod contacts;
mod counts;
mod document;
mod edits;
mod fold;
mod joined;
mod language;
mod leet;
mod lexicon;
mod lexicon_words;
mod links;
mod markup;
mod spans;
mod squeeze;
mod tokenize;
mod view;

pub use contacts::{Contact, ContactKind};
pub use counts::Counts;
pub use document::{Document, MAX_BODY_BYTES};
pub use language::LanguageGuess;
pub use links::{Link, punycode_label};
pub use view::{Token, TokenKind, View, ViewKind};

/// Version of everything that reading depends on; recorded in each verdict.
/// Grows with any change that can change a view, a token or a count.
pub const NORMALIZER_VERSION: u32 = 1;
