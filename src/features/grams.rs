//! Sparse text features: words, word pairs, letter groups, per field.
//!
//! One walk serves scoring, training and explanation: it tells a sink each token
//! and then the features that come from it, and the sink keeps what it needs.
//! The walk allocates nothing.
//!
//! Words and pairs of neighbours follow Joachims (1998) and Wang & Manning
//! (2012); pairs over a gap are Yerazunis' sparse bigrams (2004), which catch a
//! phrase with a word exchanged; letter groups of 2 to 4 within word bounds are what
//! makes short, misspelt and inflected text learnable without a language model.
//! Scripts that pack more into a letter (Han, Kana, Hangul) use groups of 1 to 3.
//!
//! Words and letter groups are two blocks, each of length 1 (L2) by itself: there are
//! ten groups to a word, and in one block they would drown it.
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

/// A part of the features that is normalised by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Words, pairs, shapes.
    Words,
    /// Letter groups.
    Groups,
}

impl Block {
    /// How many blocks there are.
    pub const COUNT: usize = 2;
}

/// Receives features.
pub trait Sink {
    /// A token begins: the features told next come from it.
    fn token(&mut self, origin: Origin);
    /// One feature.
    fn feature(&mut self, number: u32, block: Block);
}

/// Where features came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The field.
    pub field: Field,
    /// View and place in its text, when the field is the body.
    pub place: Option<(ViewKind, Span)>,
}

impl Origin {
    const fn field(field: Field) -> Self {
        Self { field, place: None }
    }

    /// The bytes of the submitted body; `None` for fields that are not the body.
    #[must_use]
    pub fn submitted(&self, document: &Document) -> Option<Span> {
        let (kind, span) = self.place?;
        document.view(kind).map(|view| view.submitted(span))
    }
}

/// Tells `sink` every feature of a comment. `O(n)` in its text.
pub fn walk(comment: &Comment, document: &Document, sink: &mut impl Sink) {
    if let Some(view) = document.view(ViewKind::Folded) {
        walk_view(ViewKind::Folded, view, None, sink);
        for kind in [ViewKind::Skeleton, ViewKind::Leet, ViewKind::Joined, ViewKind::Squeezed] {
            if let Some(other) = document.view(kind) {
                walk_view(kind, other, Some(view), sink);
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
fn walk_view(kind: ViewKind, view: &View, base: Option<&View>, sink: &mut impl Sink) {
    // The hashes of the last word and of the one before it.
    let (mut last, mut earlier) = (None::<u32>, None::<u32>);
    for &token in view.tokens().iter().take(MAX_TOKENS) {
        let text = view.word(token);
        let word = hash(Field::Word, text);
        let (next_but_one, next) = (std::mem::replace(&mut earlier, last), last.replace(word));
        if base.is_some_and(|base| holds(base, view, token)) {
            continue;
        }
        sink.token(Origin { field: Field::Word, place: Some((kind, token.span)) });
        sink.feature(word, Block::Words);
        if let Some(next) = next {
            sink.feature(Hasher::new(Field::Word).with(next).with(word).finish(), Block::Words);
        }
        if let Some(next_but_one) = next_but_one {
            sink.feature(Hasher::new(Field::Skip).with(next_but_one).with(word).finish(), Block::Words);
        }
        match token.kind {
            TokenKind::Word => letter_groups(Field::Gram, text, sink),
            TokenKind::Ideograph => ideograph_groups(view, token, sink),
            TokenKind::Number => {
                sink.feature(number_shape(text), Block::Words);
                letter_groups(Field::Gram, text, sink);
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

/// The words of a name or address, and their letter groups.
fn walk_field(field: Field, text: &str, sink: &mut impl Sink) {
    sink.token(Origin::field(field));
    let mut word = Units::default();
    for c in text.chars().flat_map(char::to_lowercase).take(512).chain([' ']) {
        if c.is_alphanumeric() {
            word.push(c as u32);
        } else if word.len > 0 {
            let letters = word.letters().iter();
            let whole = letters.fold(Hasher::new(field), |h, &unit| h.with(unit)).finish();
            sink.feature(whole, Block::Words);
            word.groups(field, sink);
            word = Units::default();
        }
    }
}

/// Groups of letters of one word of the body; see [`Units::groups`].
fn letter_groups(field: Field, word: &str, sink: &mut impl Sink) {
    let mut units = Units::default();
    if word.is_ascii() {
        word.bytes().take(MAX_WORD).for_each(|byte| units.push(u32::from(byte)));
        units.sparse_groups(field, sink);
    } else {
        word.chars().take(MAX_WORD).for_each(|c| units.push(c as u32));
        units.groups(field, sink);
    }
}

/// The letters of a word on the stack, with its bounds.
struct Units {
    /// Bounds are there before and after whatever is pushed.
    units: [u32; MAX_WORD + 2],
    len: usize,
}

impl Default for Units {
    fn default() -> Self {
        Self { units: [BOUND; MAX_WORD + 2], len: 0 }
    }
}

impl Units {
    /// Adds a letter; those beyond the longest word are left out.
    #[inline]
    fn push(&mut self, unit: u32) {
        if self.len < MAX_WORD
            && let Some(slot) = self.units.get_mut(self.len + 1)
        {
            *slot = unit;
            self.len += 1;
        }
    }

    fn letters(&self) -> &[u32] {
        self.units.get(1..=self.len).unwrap_or_default()
    }

    /// Letters with both bounds.
    #[inline]
    fn bounded(&self) -> &[u32] {
        self.units.get(..self.len + 2).unwrap_or_default()
    }

    /// Groups of 2 to 4 letters of a word with its bounds; of 1 to 3 in dense scripts.
    fn groups(&self, field: Field, sink: &mut impl Sink) {
        if !self.letters().iter().any(|&unit| is_dense(unit)) {
            return self.sparse_groups(field, sink);
        }
        let units = self.bounded();
        for first in 0..units.len() {
            let (mut h, inner) = (Hasher::new(field), first > 0 && first + 1 < units.len());
            for (n, &unit) in units.iter().skip(first).take(3).enumerate() {
                h = h.with(unit);
                // A bound alone says nothing.
                if n > 0 || inner {
                    sink.feature(h.finish(), Block::Groups);
                }
            }
        }
    }

    /// Groups of 2 to 4, the shorter first, by the letter they begin with.
    #[inline]
    fn sparse_groups(&self, field: Field, sink: &mut impl Sink) {
        let (units, start) = (self.bounded(), Hasher::new(field));
        for window in units.array_windows::<4>() {
            let [a, b, c, d] = *window;
            let two = start.with(a).with(b);
            let three = two.with(c);
            sink.feature(two.finish(), Block::Groups);
            sink.feature(three.finish(), Block::Groups);
            sink.feature(three.with(d).finish(), Block::Groups);
        }
        // What is left begins too near the end for a group of four.
        let tail = units.get(units.len().saturating_sub(3)..).unwrap_or_default();
        if let [a, b, c] = *tail {
            let two = start.with(a).with(b);
            sink.feature(two.finish(), Block::Groups);
            sink.feature(two.with(c).finish(), Block::Groups);
        }
        if let [.., a, b] = *tail {
            sink.feature(start.with(a).with(b).finish(), Block::Groups);
        }
    }
}

/// Pairs and triples of neighbouring ideographs, beginning at `token`.
fn ideograph_groups(view: &View, token: Token, sink: &mut impl Sink) {
    let Some(rest) = view.text().get(token.span.start as usize..) else { return };
    let mut h = Hasher::new(Field::Gram);
    for (n, c) in rest.chars().take(3).take_while(|&c| is_dense(c as u32)).enumerate() {
        h = h.with(c as u32);
        if n > 0 {
            sink.feature(h.finish(), Block::Groups);
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

/// The features of one comment as numbers, by block: each number once.
///
/// Reused from comment to comment; collecting allocates only while it grows.
#[derive(Clone, Debug)]
pub struct FeatureSet {
    blocks: [Vec<u32>; Block::COUNT],
    /// Tokens that brought features, with the place in each block of the first.
    tokens: Vec<([u32; Block::COUNT], Origin)>,
    /// The last number seen in each slot: a repeat is nearly always caught by one
    /// look, without sorting. A repeat whose slot was taken in between is counted
    /// twice, deterministically.
    recent: Box<[u32]>,
}

const RECENT_BITS: u32 = 12;

impl Default for FeatureSet {
    fn default() -> Self {
        Self {
            blocks: [Vec::with_capacity(256), Vec::with_capacity(1024)],
            tokens: Vec::with_capacity(128),
            recent: vec![0; 1 << RECENT_BITS].into_boxed_slice(),
        }
    }
}

impl FeatureSet {
    /// Forgets everything.
    pub fn clear(&mut self) {
        // Emptying all slots costs as much as emptying those of a thousand features.
        if self.len() > 1 << (RECENT_BITS - 2) {
            self.recent.fill(0);
        } else {
            for number in self.blocks.iter().flatten() {
                if let Some(slot) = self.recent.get_mut((number >> (32 - RECENT_BITS)) as usize) {
                    *slot = 0;
                }
            }
        }
        self.blocks.iter_mut().for_each(Vec::clear);
        self.tokens.clear();
    }

    /// Collects the features of a comment, replacing what was there.
    pub fn collect(&mut self, comment: &Comment, document: &Document) {
        self.clear();
        walk(comment, document, self);
    }

    /// The tokens that brought features, in order, each with the numbers it was the
    /// first to bring, by block.
    pub fn by_token(&self) -> impl Iterator<Item = (Origin, [&[u32]; Block::COUNT])> {
        let ends = self.tokens.iter().skip(1).map(|(first, _)| *first).chain([self.ends()]);
        self.tokens.iter().zip(ends).map(|(&([word, group], origin), [last_word, last_group])| {
            let [words, groups] = self.blocks();
            let part = |all: &'_ [u32], from: u32, to: u32| from as usize..(to as usize).min(all.len());
            let words = words.get(part(words, word, last_word)).unwrap_or_default();
            (origin, [words, groups.get(part(groups, group, last_group)).unwrap_or_default()])
        })
    }

    /// The features' numbers, by block: 32 bits each; a model uses the top bits to
    /// find a feature and the low ones to know it again.
    #[must_use]
    pub fn blocks(&self) -> [&[u32]; Block::COUNT] {
        self.blocks.each_ref().map(Vec::as_slice)
    }

    /// What one feature of each block weighs: `1/√n`, so that each block of every
    /// comment has length 1 (L2) and long comments do not outweigh short ones.
    #[must_use]
    pub fn values(&self) -> [f32; Block::COUNT] {
        let value = |n: usize| if n == 0 { 0.0 } else { 1.0 / (n as f32).sqrt() };
        self.blocks.each_ref().map(|block| value(block.len()))
    }

    /// How many features there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn ends(&self) -> [u32; Block::COUNT] {
        self.blocks.each_ref().map(|block| block.len() as u32)
    }
}

impl Sink for FeatureSet {
    #[inline]
    fn token(&mut self, origin: Origin) {
        let first = self.ends();
        match self.tokens.last_mut() {
            // The last one repeated what others had said.
            Some(last) if last.0 == first => last.1 = origin,
            _ => self.tokens.push((first, origin)),
        }
    }

    #[inline]
    fn feature(&mut self, number: u32, block: Block) {
        if let Some(slot) = self.recent.get_mut((number >> (32 - RECENT_BITS)) as usize)
            && *slot != number
        {
            *slot = number;
            let [words, groups] = &mut self.blocks;
            match block {
                Block::Words => words.push(number),
                Block::Groups => groups.push(number),
            }
        }
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
        set.blocks().concat()
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
    fn pairs_reach_over_a_word() {
        let skip = |a, b| Hasher::new(Field::Skip).with(hash(Field::Word, a)).with(hash(Field::Word, b));
        let found = numbers("visit my channel now");
        for (a, b, there) in [("visit", "channel", true), ("my", "now", true), ("visit", "now", false)] {
            assert_eq!(found.contains(&skip(a, b).finish()), there, "{a} {b}");
        }
    }

    #[test]
    fn each_block_has_length_one() {
        let mut document = Document::default();
        document.read("cheap watches for everybody", Markup::Plain);
        let mut set = FeatureSet::default();
        set.collect(&Comment::of(Body::new("x".into()).expect("body")), &document);
        for (numbers, value) in set.blocks().into_iter().zip(set.values()) {
            assert!((numbers.len() as f32 * value * value - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn features_are_told_by_token() {
        let comment = Comment::of(Body::new("Buy buy now".into()).expect("body"));
        let (mut document, mut set) = (Document::default(), FeatureSet::default());
        document.read("Buy buy now", Markup::Plain);
        set.collect(&comment, &document);
        let spans: Vec<_> = set.by_token().filter_map(|(origin, _)| origin.submitted(&document)).collect();
        assert_eq!(spans, [Span::new(0, 3), Span::new(4, 7), Span::new(8, 11)]);
        let counts: Vec<_> = set.by_token().map(|(_, blocks)| blocks.concat().len()).collect();
        assert_eq!(counts, [10, 1, 12], "the second has the pair only");
        assert_eq!(counts.iter().sum::<usize>(), set.len());
    }

    #[test]
    fn groups_are_those_of_the_bounded_word() {
        let groups = |word: &str| {
            let mut set = FeatureSet::default();
            letter_groups(Field::Gram, word, &mut set);
            set.blocks().concat()
        };
        let of = |group: &str| {
            let units = group.chars().map(|c| if c == '|' { BOUND } else { c as u32 });
            units.fold(Hasher::new(Field::Gram), Hasher::with).finish()
        };
        #[rustfmt::skip]
        let cases: &[(&str, &[&str])] = &[
            ("a", &["|a", "|a|", "a|"]),
            ("no", &["|n", "|no", "|no|", "no", "no|", "o|"]),
            ("buy", &["|b", "|bu", "|buy", "bu", "buy", "buy|", "uy", "uy|", "y|"]),
            ("über", &["|ü", "|üb", "|übe", "üb", "übe", "über", "be", "ber", "ber|", "er", "er|", "r|"]),
            ("한국", &["|한", "|한국", "한", "한국", "한국|", "국", "국|"]),
        ];
        for (word, want) in cases {
            assert_eq!(groups(word), want.iter().map(|g| of(g)).collect::<Vec<_>>(), "{word}");
        }
    }

    #[test]
    fn repeats_count_once() {
        assert_eq!(numbers("ha").len(), numbers("ha").len());
        let (once, twice) = (numbers("buy now"), numbers("buy now buy now"));
        assert!(twice.len() <= once.len() + 3, "only `now buy` and the pairs over a word are new");
    }

    #[test]
    fn collecting_again_starts_afresh() {
        let comment = Comment::of(Body::new("x".into()).expect("body"));
        let (mut document, mut set) = (Document::default(), FeatureSet::default());
        document.read("free casino bonus", Markup::Plain);
        set.collect(&comment, &document);
        let first = set.clone();
        set.collect(&comment, &document);
        assert_eq!(first.blocks(), set.blocks());
    }
}
