//! Whether a comment is about its article, and whether it says anything.
//!
//! Words are weighed by what they tell (IDF), so "the" meets every article and
//! proves nothing. Everything that compares is absent without an article.
//!
//! May import: `types`, `text`.

use crate::text::ViewKind;

use super::{
    super::{
        ArticleProfile, IdfTable, Meeting, Part,
        article::{is_term, letter_groups, stem},
        term,
    },
    Signal, Subject, count, flag, share,
};

pub(super) const SIGNALS: [Signal; 21] = [
    count("content/information", "Sum of what the words tell, in nats of IDF."),
    share("content/mean_information", "Mean of what the words tell, in nats of IDF, 0 to 16."),
    share("content/most_informative", "What the most telling word tells, in nats of IDF, 0 to 16."),
    share("content/unknown", "Words never seen in training among words, 0 to 1."),
    share(
        "relevance/overlap",
        "Share of the information whose words or stems stand in article or parent, 0 to 1.",
    ),
    share(
        "relevance/exact_overlap",
        "Share of the information whose very words stand in the article, 0 to 1.",
    ),
    share("relevance/title_overlap", "Share of the information that also stands in the title, 0 to 1."),
    share("relevance/letter_overlap", "Share of letter groups that also stand in the article, 0 to 1."),
    share("relevance/title_letter_overlap", "Share of letter groups that also stand in the title, 0 to 1."),
    share("relevance/title_covered", "Share of the title's information that the comment repeats, 0 to 1."),
    share(
        "relevance/title_letters_covered",
        "Share of the title's letter groups that the comment repeats, 0 to 1.",
    ),
    count("relevance/matched", "Information of the words that also stand in the article, in nats."),
    count("relevance/unmatched", "Information of the words that do not stand in the article, in nats."),
    share("relevance/best_match", "What the most telling word shared with the article tells, in nats."),
    share("relevance/nothing", "1 when no telling word meets article or parent, else 0."),
    count(
        "relevance/nothing_at_length",
        "Words of a comment of which no telling word meets article or parent.",
    ),
    share(
        "relevance/likelihood",
        "Mean over words of how much likelier the article makes them than language does, in nats.",
    ),
    share("relevance/best_likelihood", "The greatest of these likelihood ratios, in nats."),
    count("relevance/article_terms", "Distinct words of the article there were to compare with."),
    share(
        "relevance/parent_overlap",
        "Share of the information that also stands in the parent comment, 0 to 1.",
    ),
    share("relevance/stray", "Unmatched information per word when nothing meets, in nats, 0 to 16."),
];

/// A word that tells less than this is everybody's word.
pub(super) const TELLING: f32 = 3.0;
/// Weight of the article's words against those of the language, times the words of a
/// usual comment (IDF counts comments, not words): the mixture of F. Jelinek and R. L.
/// Mercer (1980), as J. M. Ponte and W. B. Croft rank documents with it ("A Language
/// Modeling Approach to Information Retrieval", SIGIR 1998).
const MIXTURE: f32 = 4.0;

/// Sums over the words of a comment.
#[derive(Default)]
struct Sums {
    words: f32,
    total: f32,
    most: f32,
    unknown: f32,
    /// Information of words that meet by word or stem; by word; in the title.
    matched: f32,
    exact: f32,
    title: f32,
    best: f32,
    likelihood: f32,
    best_likelihood: f32,
    parent: f32,
    telling_match: bool,
    groups: f32,
    groups_met: f32,
    groups_in_title: f32,
    /// Words and letter groups of the title that were met, one bit each.
    title_words: u64,
    title_groups: u128,
}

pub(super) fn measure(subject: &Subject<'_>, idf: &IdfTable) -> [f32; SIGNALS.len()] {
    let article = subject.context.article.filter(|a| !a.is_empty());
    let parent = subject.comment.place.parent_text.as_deref().map(words_of);
    let sums = sum(subject, idf, article, parent.as_deref());
    let part = |part: f32, whole: f32| if whole > 0.0 { part / whole } else { 0.0 };
    let unmatched = sums.total - sums.matched;
    let with_article = |value: f32| if article.is_some() { value } else { f32::NAN };
    let nothing = !sums.telling_match;
    [
        sums.total,
        part(sums.total, sums.words),
        sums.most,
        part(sums.unknown, sums.words),
        with_article(part(sums.matched, sums.total)),
        with_article(part(sums.exact, sums.total)),
        with_article(part(sums.title, sums.total)),
        with_article(part(sums.groups_met, sums.groups)),
        with_article(part(sums.groups_in_title, sums.groups)),
        article.map_or(f32::NAN, |a| title_covered(a, idf, sums.title_words)),
        article.map_or(f32::NAN, |a| {
            part(sums.title_groups.count_ones() as f32, a.title_groups().min(128) as f32)
        }),
        with_article(sums.matched),
        with_article(unmatched),
        with_article(sums.best),
        with_article(flag(nothing)),
        with_article(if nothing { sums.words } else { 0.0 }),
        with_article(part(sums.likelihood, sums.words)),
        with_article(sums.best_likelihood),
        article.map_or(f32::NAN, |a| a.len() as f32),
        parent.as_ref().map_or(f32::NAN, |_| part(sums.parent, sums.total)),
        with_article(if nothing { part(unmatched, sums.words) } else { 0.0 }),
    ]
}

fn sum(
    subject: &Subject<'_>,
    idf: &IdfTable,
    article: Option<&ArticleProfile>,
    parent: Option<&[u32]>,
) -> Sums {
    let mut sums = Sums::default();
    let Some(view) = subject.document.view(ViewKind::Folded) else { return sums };
    for &token in view.tokens().iter().take(2_000).filter(|t| is_term(t.kind)) {
        let word = view.word(token);
        let number = term(word);
        let tells = idf.get(number);
        sums.words += 1.0;
        sums.total += tells;
        sums.most = sums.most.max(tells);
        sums.unknown += flag(idf.is_unknown(number));
        let in_parent = parent.is_some_and(|p| p.binary_search(&number).is_ok());
        if in_parent {
            sums.parent += tells;
        }
        sums.telling_match |= in_parent && tells >= TELLING;
        let Some(article) = article else { continue };
        let weight = tells.max(0.5);
        letter_groups(word, &mut |group| {
            let (held, in_title) = article.group(group);
            sums.groups += weight;
            sums.groups_met += if held { weight } else { 0.0 };
            if let Some(at) = in_title {
                sums.groups_in_title += weight;
                sums.title_groups |= 1_u128.checked_shl(at as u32).unwrap_or(0);
            }
        });
        let key = stem(word);
        match article.meets(number, key) {
            Some(meeting) => {
                sums.meet(meeting, tells);
                if meeting.part == Part::Title {
                    sums.title_words |= positions(article, number, key);
                }
            }
            // The thread is part of what a comment may speak of.
            None if in_parent => sums.matched += tells,
            None => {}
        }
    }
    sums
}

impl Sums {
    /// Adds a word that meets the article and tells so much.
    fn meet(&mut self, meeting: Meeting, tells: f32) {
        let ratio = (MIXTURE * meeting.share * tells.exp()).ln_1p();
        self.matched += tells;
        self.exact += if meeting.exact { tells } else { 0.0 };
        self.title += if meeting.part == Part::Title { tells } else { 0.0 };
        self.best = self.best.max(tells);
        self.likelihood += ratio;
        self.best_likelihood = self.best_likelihood.max(ratio);
        self.telling_match |= tells >= TELLING;
    }
}

/// Where in the title that term or stem stands, one bit per place.
fn positions(article: &ArticleProfile, number: u32, key: u32) -> u64 {
    let title = article.title().iter().enumerate();
    title.filter(|(_, (n, k))| *n == number || *k == key).fold(0, |bits, (at, _)| bits | 1 << at)
}

/// The terms of a parent comment, sorted.
fn words_of(text: &str) -> Vec<u32> {
    let end = (0..=text.len().min(2_048)).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    let lower = text.get(..end).unwrap_or("").to_lowercase();
    let mut terms: Vec<u32> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(term).collect();
    terms.sort_unstable();
    terms
}

fn title_covered(article: &ArticleProfile, idf: &IdfTable, met: u64) -> f32 {
    let (mut total, mut covered) = (0.0, 0.0);
    for (at, (number, _)) in article.title().iter().enumerate() {
        let tells = idf.get(*number);
        total += tells;
        covered += if met >> at & 1 == 1 { tells } else { 0.0 };
    }
    if total > 0.0 { covered / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::tests::signal;

    #[test]
    fn the_founding_comment_meets_nothing() {
        let title = "Xi hosts Putin in Beijing";
        assert_eq!(signal("Fix or repair daily", title, "relevance/nothing"), Some(1.0));
        assert_eq!(signal("Fix or repair daily", title, "relevance/overlap"), Some(0.0));
        assert_eq!(signal("Putin is right", title, "relevance/nothing"), Some(0.0));
        assert!(signal("Putin is right", title, "relevance/overlap") > Some(0.3));
        assert_eq!(signal("Putin is right", "", "relevance/overlap"), None, "absent without an article");
    }
}
