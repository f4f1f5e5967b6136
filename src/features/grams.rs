//! Sparse text features: words, word pairs, letter groups, per field.
//!
//! One walk serves scoring, training and explanation: it tells a sink each
//! feature with the token it came from, and the sink keeps what it needs. The
//! walk allocates nothing.
//!
//! Words and pairs of neighbours follow Joachims (1998) and Wang & Manning
//! (2012); letter groups of 3 to 5 within word bounds are what makes short,
//! misspelt and inflected text learnable without a language model. Scripts that
//! pack more into a letter (Han, Kana, Hangul) use groups of 1 to 3.
//!
//! May import: `types`, `text`.

use crate::{
    text::{Document, Token, TokenKind, View, ViewKind},
    types::{Comment, Span},
};

use super::hash::{Field, Hasher, hash};

/// Most tokens of one view that are looked at: bounds the work for a hostile
/// comment at about 40,000 features.
const MAX_TOKENS: usize = 2_000;
/// Most letters of one word that are looked at.
const MAX_WORD: usize = 40;
/// Marks word bounds inside letter groups.
const BOUND: u32 = 0x01;

/// Receives features.
pub trait Sink {
    /// One feature with its place in the submitted body (empty for fields that
    /// are not the body). `word` is the text of the token, for showing.
    fn feature(&mut self, number: u32, origin: Origin<'_>);
}

/// Where a feature came from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The field.
    pub field: Field,
    /// The view, when the field is the body.
    pub view: Option<&'a View>,
    /// The token, when the field is the body.
    pub token: Option<Token>,
}

/// Tells `sink` every feature of a comment. `O(n)` in its text.
pub fn walk(comment: &Comment, document: &Document, sink: &mut impl Sink) {
    if let Some(view) = document.view(ViewKind::Folded) {
        walk_view(view, None, sink);
        for kind in [ViewKind::Skeleton, ViewKind::Leet, ViewKind::Joined, ViewKind::Squeezed] {
            if let Some(other) = document.view(kind) {
                walk_view(other, Some(view), sink);
            }
        }
    }
    for link in document.links() {
        walk_field(Field::LinkHost, &link.host, sink);
    }
    if let Some(name) = &comment.author.name {
        walk_field(Field::AuthorName, name, sink);
    }
    if let Some(url) = &comment.author.url {
        walk_field(Field::AuthorUrl, url, sink);
    }
}

/// Features of one view. With a `base`, only of tokens that `base` does not hold
/// at the same place of the text: what the view uncovered.
fn walk_view(view: &View, base: Option<&View>, sink: &mut impl Sink) {
    let mut before: Option<u32> = None;
    for &token in view.tokens().iter().take(MAX_TOKENS) {
        let text = view.word(token);
        let word = hash(Field::Word, text);
        if base.is_some_and(|base| holds(base, view, token)) {
            before = Some(word);
            continue;
        }
        let origin = Origin { field: Field::Word, view: Some(view), token: Some(token) };
        sink.feature(word, origin);
        if let Some(before) = before {
            sink.feature(Hasher::new(Field::Word).with(before).with(word).finish(), origin);
        }
        before = Some(word);
        match token.kind {
            TokenKind::Word => letter_groups(Field::Gram, text, &mut |n| sink.feature(n, origin)),
            TokenKind::Ideograph => ideograph_groups(view, token, &mut |n| sink.feature(n, origin)),
            TokenKind::Number => {
                sink.feature(number_shape(text), origin);
                letter_groups(Field::Gram, text, &mut |n| sink.feature(n, origin));
            }
            TokenKind::Emoji | TokenKind::Symbol => {}
        }
    }
}

/// Whether `base` has a token with the same text at the same submitted bytes.
fn holds(base: &View, view: &View, token: Token) -> bool {
    let place = view.submitted(token.span);
    let at = base.tokens().partition_point(|t| base.submitted(t.span).start < place.start);
    base.tokens()
        .get(at)
        .is_some_and(|t| base.submitted(t.span).start == place.start && base.word(*t) == view.word(token))
}

/// Letter groups of a name or address.
fn walk_field(field: Field, text: &str, sink: &mut impl Sink) {
    let origin = Origin { field, view: None, token: None };
    let lower = text.chars().flat_map(char::to_lowercase);
    let mut word = WordBuffer::default();
    for c in lower.take(512).chain([' ']) {
        if c.is_alphanumeric() {
            word.push(c);
        } else if let Some(text) = word.take() {
            let mut h = Hasher::new(field);
            for &unit in text {
                h = h.with(unit);
            }
            sink.feature(h.finish(), origin);
            groups_of(field, text, &mut |n| sink.feature(n, origin));
        }
    }
}

/// A word on the stack.
struct WordBuffer {
    units: [u32; MAX_WORD],
    len: usize,
    taken: bool,
}

impl Default for WordBuffer {
    fn default() -> Self {
        Self { units: [0; MAX_WORD], len: 0, taken: false }
    }
}

impl WordBuffer {
    fn push(&mut self, c: char) {
        if std::mem::take(&mut self.taken) {
            self.len = 0;
        }
        if let Some(slot) = self.units.get_mut(self.len) {
            *slot = c as u32;
            self.len += 1;
        }
    }

    fn take(&mut self) -> Option<&[u32]> {
        if self.taken || self.len == 0 {
            return None;
        }
        self.taken = true;
        self.units.get(..self.len)
    }
}

/// Groups of 3 to 5 letters of a word with its bounds; of 1 to 3 in dense scripts.
fn letter_groups(field: Field, word: &str, add: &mut impl FnMut(u32)) {
    let mut units = [0_u32; MAX_WORD];
    let mut len = 0;
    for (slot, c) in units.iter_mut().zip(word.chars()) {
        *slot = c as u32;
        len += 1;
    }
    if let Some(units) = units.get(..len) {
        groups_of(field, units, add);
    }
}

/// See [`letter_groups`].
#[inline]
fn groups_of(field: Field, units: &[u32], add: &mut impl FnMut(u32)) {
    let dense = units.iter().any(|&u| is_dense(u));
    let (shortest, longest) = if dense { (1, 3) } else { (3, 5) };
    let start = Hasher::new(field);
    let at = |i: usize| match i.checked_sub(1) {
        Some(i) => units.get(i).copied().unwrap_or(BOUND),
        None => BOUND,
    };
    let all = units.len() + 2;
    for first in 0..all {
        let mut h = start;
        for n in 1..=longest {
            if first + n > all {
                break;
            }
            h = h.with(at(first + n - 1));
            if n >= shortest && !(n == 1 && (first == 0 || first + 1 == all)) {
                add(h.finish());
            }
        }
    }
}

/// Pairs and triples of neighbouring ideographs, beginning at `token`.
fn ideograph_groups(view: &View, token: Token, add: &mut impl FnMut(u32)) {
    let Some(rest) = view.text().get(token.span.start as usize..) else { return };
    let mut h = Hasher::new(Field::Gram);
    for (n, c) in rest.chars().take(3).take_while(|&c| is_dense(c as u32)).enumerate() {
        h = h.with(c as u32);
        if n > 0 {
            add(h.finish());
        }
    }
}

/// Whether one letter of the script carries what takes other scripts several.
const fn is_dense(unit: u32) -> bool {
    matches!(unit, 0x1100..=0x11FF | 0x2E80..=0x9FFF | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

/// What a number looks like: every digit the same.
fn number_shape(text: &str) -> u32 {
    let shape = text.chars().take(24).map(|c| if c.is_ascii_digit() { '0' } else { c });
    shape.fold(Hasher::new(Field::Shape), |h, c| h.with(c as u32)).finish()
}

/// The span in the submitted body of what a feature came from.
#[must_use]
pub fn place(origin: Origin<'_>) -> Option<Span> {
    Some(origin.view?.submitted(origin.token?.span))
}

/// The features of one comment as sorted-out numbers: each number once.
///
/// Reused from comment to comment; collecting allocates only while it grows.
#[derive(Clone, Debug)]
pub struct FeatureSet {
    numbers: Vec<u32>,
    /// The last number seen in each slot: a repeat is nearly always caught by one
    /// look, without sorting. A repeat whose slot was taken in between is counted
    /// twice, deterministically.
    recent: Box<[u32]>,
}

const RECENT_BITS: u32 = 12;

impl Default for FeatureSet {
    fn default() -> Self {
        Self { numbers: Vec::with_capacity(1024), recent: vec![0; 1 << RECENT_BITS].into_boxed_slice() }
    }
}

impl FeatureSet {
    /// Forgets everything.
    pub fn clear(&mut self) {
        for number in self.numbers.drain(..) {
            if let Some(slot) = self.recent.get_mut((number >> (32 - RECENT_BITS)) as usize) {
                *slot = 0;
            }
        }
    }

    /// Collects the features of a comment, replacing what was there.
    pub fn collect(&mut self, comment: &Comment, document: &Document) {
        self.clear();
        walk(comment, document, self);
    }

    /// Adds a feature; whether it was new.
    #[inline]
    pub fn insert(&mut self, number: u32) -> bool {
        match self.recent.get_mut((number >> (32 - RECENT_BITS)) as usize) {
            Some(slot) if *slot != number => {
                *slot = number;
                self.numbers.push(number);
                true
            }
            _ => false,
        }
    }

    /// The features' numbers: 32 bits each; a model uses the top bits.
    #[must_use]
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// What one feature weighs: `1/√n`, so that every comment has length 1 (L2)
    /// and long comments do not outweigh short ones.
    #[must_use]
    pub fn weight(&self) -> f32 {
        unit_weight(self.numbers.len())
    }
}

/// See [`FeatureSet::weight`].
#[must_use]
pub fn unit_weight(features: usize) -> f32 {
    if features == 0 { 0.0 } else { 1.0 / (features as f32).sqrt() }
}

impl Sink for FeatureSet {
    #[inline]
    fn feature(&mut self, number: u32, _origin: Origin<'_>) {
        self.insert(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Body, Markup};

    fn numbers(text: &str) -> Vec<u32> {
        let comment = Comment::of(Body::new(text.to_owned()).expect("body"));
        let mut document = Document::default();
        document.read(text, Markup::Plain);
        let mut set = FeatureSet::default();
        set.collect(&comment, &document);
        set.numbers().to_vec()
    }

    #[test]
    fn words_pairs_and_groups_are_features() {
        let both = numbers("cheap watches");
        for piece in ["cheap", "watches"] {
            assert!(both.contains(&hash(Field::Word, piece)), "{piece}");
        }
        assert!(both.contains(&hash(Field::Gram, "heap")));
        assert!(!both.contains(&hash(Field::Word, "watch")));
        let pair =
            Hasher::new(Field::Word).with(hash(Field::Word, "cheap")).with(hash(Field::Word, "watches"));
        assert!(both.contains(&pair.finish()));
    }

    #[test]
    fn repeats_count_once() {
        assert_eq!(numbers("ha").len(), numbers("ha").len());
        let (once, twice) = (numbers("buy now"), numbers("buy now buy now"));
        assert!(twice.len() <= once.len() + 1, "only the pair `now buy` is new");
    }

    #[test]
    fn collecting_again_starts_afresh() {
        let comment = Comment::of(Body::new("x".into()).expect("body"));
        let (mut document, mut set) = (Document::default(), FeatureSet::default());
        document.read("free casino bonus", Markup::Plain);
        set.collect(&comment, &document);
        let first = set.numbers().to_vec();
        set.collect(&comment, &document);
        assert_eq!(first, set.numbers());
    }
}
