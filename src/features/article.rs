//! An article reduced to what relevance signals compare with: the terms it
//! uses, where, and their stems and letter groups.
//!
//! Made once per article and shared by every comment under it. Independent of
//! any model, so it outlives a promotion. May import: `types`, `text`.

use crate::{
    text::{Document, TokenKind, ViewKind},
    types::{ArticleFields, Markup},
};

use super::{
    hash::{Field, Hasher},
    idf::term,
    pieces::{Meaning, meaning_of},
};

/// Most bytes of an article's text that are read.
const MAX_TEXT: usize = 64 * 1024;
/// Letters of a word that stand for its stem.
const STEM: usize = 5;
/// How often a word of the title counts.
const TITLE_WEIGHT: f32 = 3.0;
/// Words whose nearness is measured, and among how many first ones they are sought.
const NEAREST: usize = 24;
const EARLY: usize = 400;
/// Length of the meaning of a word that tells something: "the" has 1, "what" 5.
const TELLING: f32 = 5.0;

/// Where in the article a term stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// In the title.
    Title,
    /// In the summary, section or tags.
    Summary,
    /// Only in the text.
    Text,
}

/// How a word of a comment meets the article.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Meeting {
    /// The most prominent part where the word or its stem stands.
    pub part: Part,
    /// The very word, not only its stem.
    pub exact: bool,
    /// Share of the stem among the words of the article, those of the title counted
    /// [`TITLE_WEIGHT`] times; above 0, at most 1.
    pub share: f32,
}

/// A stem of the article.
#[derive(Clone, Copy, Debug)]
struct Stem {
    key: u32,
    part: Part,
    share: f32,
}

/// An article, read.
#[derive(Clone, Debug, Default)]
pub struct ArticleProfile {
    /// Terms, each once, sorted.
    terms: Vec<u32>,
    /// Stems with their share and most prominent part, by key.
    stems: Vec<Stem>,
    /// Letter groups, sorted.
    groups: Vec<u32>,
    /// Letter groups of the title, sorted.
    title_groups: Vec<u32>,
    /// Terms of the title with their stems, in order; at most 64.
    title: Vec<(u32, u32)>,
    title_meaning: Meaning,
    meaning: Meaning,
    /// What its first telling words mean, each of length 1; at most [`NEAREST`].
    nearest: Vec<Meaning>,
    read: &'static str,
    lang: String,
}

impl ArticleProfile {
    /// Reads an article. `O(n log n)` in its bytes; of the text the first 64 KiB.
    #[must_use]
    pub fn new(fields: &ArticleFields) -> Self {
        let mut profile = Self { read: depth(fields), lang: fields.lang.clone(), ..Self::default() };
        let mut document = Document::default();
        let url_words = fields.url.rsplit('/').next().unwrap_or("").replace(['-', '_'], " ");
        let title = if fields.title.is_empty() { url_words.as_str() } else { fields.title.as_str() };
        profile.add(&mut document, title, Part::Title);
        profile.title_meaning = profile.meaning;
        profile.title_groups.clone_from(&profile.groups);
        let tags = fields.tags.join(" ");
        for text in [fields.summary.as_str(), fields.section.as_str(), tags.as_str()] {
            profile.add(&mut document, text, Part::Summary);
        }
        let end = (0..=MAX_TEXT.min(fields.text.len())).rev().find(|&i| fields.text.is_char_boundary(i));
        profile.add(&mut document, fields.text.get(..end.unwrap_or(0)).unwrap_or(""), Part::Text);
        profile.settle();
        profile
    }

    fn add(&mut self, document: &mut Document, text: &str, part: Part) {
        if text.is_empty() {
            return;
        }
        document.read(text, Markup::Plain);
        let Some(view) = document.view(ViewKind::Folded) else { return };
        for &token in view.tokens().iter().filter(|t| is_term(t.kind)) {
            let word = view.word(token);
            let (number, key) = (term(word), stem(word));
            let early = self.nearest.len() < NEAREST && self.terms.len() < EARLY;
            if early && !self.terms.contains(&number) {
                self.nearest.extend(meaning_of(word).filter(|m| m.length() >= TELLING).map(Meaning::unit));
            }
            self.terms.push(number);
            if let Some(meaning) = meaning_of(word) {
                self.meaning.add(&meaning);
            }
            if part == Part::Title && self.title.len() < 64 {
                self.title.push((number, key));
            }
            let share = if part == Part::Title { TITLE_WEIGHT } else { 1.0 };
            self.stems.push(Stem { key, part, share });
            letter_groups(word, &mut |group| self.groups.push(group));
        }
    }

    /// Sorts, merges and scales what was gathered.
    fn settle(&mut self) {
        self.stems.sort_by_key(|s| (s.key, s.part));
        self.stems.dedup_by(|later, first| {
            let same = later.key == first.key;
            first.share += if same { later.share } else { 0.0 };
            same
        });
        let words: f32 = self.stems.iter().map(|s| s.share).sum();
        self.stems.iter_mut().for_each(|s| s.share /= words);
        for list in [&mut self.terms, &mut self.groups, &mut self.title_groups] {
            list.sort_unstable();
            list.dedup();
        }
    }

    /// How much of the article there was to read: `none`, `title`, `summary` or `text`.
    #[must_use]
    pub const fn read(&self) -> &'static str {
        self.read
    }

    /// The language the CMS gave, BCP 47; empty when it gave none.
    #[must_use]
    pub fn lang(&self) -> &str {
        &self.lang
    }

    /// Whether there is anything to compare with.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Distinct terms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Terms of the title with their stems, in order; at most 64.
    #[must_use]
    pub fn title(&self) -> &[(u32, u32)] {
        &self.title
    }

    /// Terms of the whole article, each once.
    pub fn terms(&self) -> impl Iterator<Item = u32> {
        self.terms.iter().copied()
    }

    /// What the title means.
    #[must_use]
    pub const fn title_meaning(&self) -> &Meaning {
        &self.title_meaning
    }

    /// What the whole means.
    #[must_use]
    pub const fn meaning(&self) -> &Meaning {
        &self.meaning
    }

    /// How near a word of length 1 comes to the nearest of the article's first telling
    /// words: cosine, -1 to 1; `None` when none of them is known.
    #[must_use]
    pub fn nearest(&self, word: &Meaning) -> Option<f32> {
        self.nearest.iter().map(|m| m.dot(word)).reduce(f32::max)
    }

    /// How a word of that term and stem meets the article, if at all. `O(log n)`.
    #[must_use]
    pub fn meets(&self, number: u32, stem: u32) -> Option<Meeting> {
        let at = self.stems.binary_search_by_key(&stem, |s| s.key).ok()?;
        let exact = self.terms.binary_search(&number).is_ok();
        self.stems.get(at).map(|s| Meeting { part: s.part, exact, share: s.share })
    }

    /// How a folded word meets the article, if at all; see [`Self::meets`].
    #[must_use]
    pub fn relate(&self, word: &str) -> Option<Meeting> {
        self.meets(term(word), stem(word))
    }

    /// Whether the article holds a letter group, and which of the title's it is.
    #[must_use]
    pub fn group(&self, group: u32) -> (bool, Option<usize>) {
        let held = self.groups.binary_search(&group).is_ok();
        (held, held.then(|| self.title_groups.binary_search(&group).ok()).flatten())
    }

    /// Distinct letter groups of the title.
    #[must_use]
    pub fn title_groups(&self) -> usize {
        self.title_groups.len()
    }
}

/// How much of an article there is.
fn depth(fields: &ArticleFields) -> &'static str {
    match fields {
        f if !f.text.is_empty() => "text",
        f if !f.summary.is_empty() => "summary",
        f if !f.title.is_empty() || !f.url.is_empty() => "title",
        _ => "none",
    }
}

/// Whether tokens of this kind are compared with articles.
#[must_use]
pub(super) const fn is_term(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Word | TokenKind::Number | TokenKind::Ideograph)
}

/// The number of a word's stem: its first five letters, for inflections of a longer
/// word mostly share them; the first two syllables of a longer Hangul word, whose
/// particles follow; a shorter word whole.
#[must_use]
pub(super) fn stem(word: &str) -> u32 {
    let hangul = word.starts_with(|c| ('\u{ac00}'..='\u{d7a3}').contains(&c));
    let letters = if hangul { 2 } else { STEM };
    word.chars().take(letters).fold(Hasher::new(Field::Gram), |h, c| h.with(c as u32)).finish()
}

/// Groups of four letters of a word, a shorter word whole; of two where a letter
/// carries more (Hangul).
pub(super) fn letter_groups(word: &str, add: &mut impl FnMut(u32)) {
    let n = if word.chars().any(|c| c >= '\u{1100}') { 2 } else { 4 };
    for (at, _) in word.char_indices() {
        let Some(rest) = word.get(at..) else { break };
        let (mut h, mut count) = (Hasher::new(Field::Shape), 0);
        for c in rest.chars().take(n) {
            h = h.with(c as u32);
            count += 1;
        }
        if count == n || at == 0 {
            add(h.finish());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_meet_by_form_or_stem() {
        let profile = ArticleProfile::new(&ArticleFields {
            title: "Xi hosts Putin".into(),
            text: "The presidents praised their friendship.".into(),
            ..ArticleFields::default()
        });
        let meets = |word: &str| profile.meets(term(word), stem(word)).map(|m| (m.part, m.exact));
        assert_eq!(meets("putin"), Some((Part::Title, true)));
        assert_eq!(meets("friendship"), Some((Part::Text, true)));
        assert_eq!(meets("presidential"), Some((Part::Text, false)));
        assert_eq!(meets("repair"), None);
        assert_eq!(profile.read(), "text");
    }

    #[test]
    fn an_address_alone_serves_as_title() {
        let url = "https://news.example/2026/xi-hosts-putin".to_owned();
        let profile = ArticleProfile::new(&ArticleFields { url, ..ArticleFields::default() });
        assert_eq!(profile.meets(term("putin"), stem("putin")).map(|m| m.part), Some(Part::Title));
        assert_eq!(profile.read(), "title");
    }
}
