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
};

/// Most bytes of an article's text that are read.
const MAX_TEXT: usize = 64 * 1024;
/// Letters of a word that stand for its stem: inflections of a word of six
/// letters or more mostly share their first five.
const STEM: usize = 5;

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
pub enum Meeting {
    /// The very word.
    Word(Part),
    /// A word with the same stem.
    Stem,
}

/// An article, read.
#[derive(Clone, Debug, Default)]
pub struct ArticleProfile {
    /// Terms with the most prominent part they stand in, by term.
    terms: Vec<(u32, Part)>,
    /// Stems of words of six letters or more, sorted.
    stems: Vec<u32>,
    /// Groups of four letters of title and summary and of the first part of the text, sorted.
    groups: Vec<u32>,
    /// Terms of the title, in order.
    title: Vec<u32>,
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
        let tags = fields.tags.join(" ");
        for text in [fields.summary.as_str(), fields.section.as_str(), tags.as_str()] {
            profile.add(&mut document, text, Part::Summary);
        }
        let end = (0..=MAX_TEXT.min(fields.text.len())).rev().find(|&i| fields.text.is_char_boundary(i));
        profile.add(&mut document, fields.text.get(..end.unwrap_or(0)).unwrap_or(""), Part::Text);
        profile.terms.sort_unstable();
        profile.terms.dedup_by_key(|(term, _)| *term);
        for list in [&mut profile.stems, &mut profile.groups] {
            list.sort_unstable();
            list.dedup();
        }
        profile
    }

    fn add(&mut self, document: &mut Document, text: &str, part: Part) {
        if text.is_empty() {
            return;
        }
        document.read(text, Markup::Plain);
        let Some(view) = document.view(ViewKind::Folded) else { return };
        for &token in view.tokens() {
            if !is_term(token.kind) {
                continue;
            }
            let word = view.word(token);
            let number = term(word);
            self.terms.push((number, part));
            if part == Part::Title {
                self.title.push(number);
            }
            self.stems.extend(stem(word));
            letter_groups(word, &mut |group| self.groups.push(group));
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

    /// Terms of the title, in order.
    #[must_use]
    pub fn title(&self) -> &[u32] {
        &self.title
    }

    /// Terms of the whole article, each once.
    pub fn terms(&self) -> impl Iterator<Item = u32> {
        self.terms.iter().map(|(term, _)| *term)
    }

    /// How a word meets the article, if at all. `O(log n)`.
    #[must_use]
    pub fn meets(&self, number: u32, word: &str) -> Option<Meeting> {
        if let Ok(at) = self.terms.binary_search_by_key(&number, |(term, _)| *term) {
            return self.terms.get(at).map(|(_, part)| Meeting::Word(*part));
        }
        stem(word).filter(|s| self.stems.binary_search(s).is_ok()).map(|_| Meeting::Stem)
    }

    /// Whether the article holds a group of four letters.
    #[must_use]
    pub fn has_group(&self, group: u32) -> bool {
        self.groups.binary_search(&group).is_ok()
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

/// The stem's number, for words long enough to have one.
fn stem(word: &str) -> Option<u32> {
    (word.chars().nth(STEM).is_some())
        .then(|| word.chars().take(STEM).fold(Hasher::new(Field::Gram), |h, c| h.with(c as u32)).finish())
}

/// Groups of four letters of a word; of two where a letter carries more (Hangul).
pub(super) fn letter_groups(word: &str, add: &mut impl FnMut(u32)) {
    let n = if word.chars().any(|c| c >= '\u{1100}') { 2 } else { 4 };
    for (at, _) in word.char_indices() {
        let Some(rest) = word.get(at..) else { break };
        let (mut h, mut count) = (Hasher::new(Field::Shape), 0);
        for c in rest.chars().take(n) {
            h = h.with(c as u32);
            count += 1;
        }
        if count == n {
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
        let meets = |word: &str| profile.meets(term(word), word);
        assert_eq!(meets("putin"), Some(Meeting::Word(Part::Title)));
        assert_eq!(meets("friendship"), Some(Meeting::Word(Part::Text)));
        assert_eq!(meets("presidential"), Some(Meeting::Stem));
        assert_eq!(meets("repair"), None);
        assert_eq!(profile.read(), "text");
    }

    #[test]
    fn an_address_alone_serves_as_title() {
        let url = "https://news.example/2026/xi-hosts-putin".to_owned();
        let profile = ArticleProfile::new(&ArticleFields { url, ..ArticleFields::default() });
        assert_eq!(profile.meets(term("putin"), "putin"), Some(Meeting::Word(Part::Title)));
        assert_eq!(profile.read(), "title");
    }
}
