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
        article::{is_term, letter_groups},
        term,
    },
    Signal, Subject, count, flag, share,
};

pub(super) const SIGNALS: [Signal; 15] = [
    count("content/information", "Sum of what the words tell, in nats of IDF."),
    share("content/mean_information", "Mean of what the words tell, in nats of IDF, 0 to 16."),
    share("content/most_informative", "What the most telling word tells, in nats of IDF, 0 to 16."),
    share("content/unknown", "Words never seen in training among words, 0 to 1."),
    share("relevance/overlap", "Share of the information that also stands in the article, 0 to 1."),
    share("relevance/title_overlap", "Share of the information that also stands in the title, 0 to 1."),
    count("relevance/matched", "Information of the words that also stand in the article, in nats."),
    count("relevance/unmatched", "Information of the words that do not stand in the article, in nats."),
    share("relevance/best_match", "What the most telling word shared with the article tells, in nats."),
    share("relevance/letter_overlap", "Share of letter groups that also stand in the article, 0 to 1."),
    share("relevance/title_covered", "Share of the title's information that the comment repeats, 0 to 1."),
    share("relevance/nothing", "1 when no telling word meets article or parent, else 0."),
    count("relevance/article_terms", "Distinct words of the article there were to compare with."),
    share(
        "relevance/parent_overlap",
        "Share of the information that also stands in the parent comment, 0 to 1.",
    ),
    share("relevance/stray", "Unmatched information per word when nothing meets, in nats, 0 to 16."),
];

/// A word that tells less than this is everybody's word.
const TELLING: f32 = 3.0;

/// Sums over the words of a comment.
#[derive(Default)]
struct Sums {
    words: f32,
    total: f32,
    most: f32,
    unknown: f32,
    matched: f32,
    title: f32,
    best: f32,
    parent: f32,
    telling_match: bool,
    groups: f32,
    groups_met: f32,
}

pub(super) fn measure(subject: &Subject<'_>, idf: &IdfTable) -> [f32; SIGNALS.len()] {
    let article = subject.context.article.filter(|a| !a.is_empty());
    let parent = subject.comment.place.parent_text.as_deref().map(words_of);
    let mut covered = Vec::new();
    let sums = sum(subject, idf, article, parent.as_deref(), &mut covered);
    let of_total = |part: f32| if sums.total > 0.0 { part / sums.total } else { 0.0 };
    let per_word = |part: f32| if sums.words > 0.0 { part / sums.words } else { 0.0 };
    let unmatched = sums.total - sums.matched;
    let with_article = |value: f32| if article.is_some() { value } else { f32::NAN };
    let nothing = !sums.telling_match;
    [
        sums.total,
        per_word(sums.total),
        sums.most,
        per_word(sums.unknown),
        with_article(of_total(sums.matched)),
        with_article(of_total(sums.title)),
        with_article(sums.matched),
        with_article(unmatched),
        with_article(sums.best),
        with_article(if sums.groups > 0.0 { sums.groups_met / sums.groups } else { 0.0 }),
        article.map_or(f32::NAN, |a| title_covered(a, idf, &mut covered)),
        with_article(flag(nothing)),
        article.map_or(f32::NAN, |a| a.len() as f32),
        parent.as_ref().map_or(f32::NAN, |_| of_total(sums.parent)),
        with_article(if nothing { per_word(unmatched) } else { 0.0 }),
    ]
}

fn sum(
    subject: &Subject<'_>,
    idf: &IdfTable,
    article: Option<&ArticleProfile>,
    parent: Option<&[u32]>,
    covered: &mut Vec<u32>,
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
        letter_groups(word, &mut |group| {
            sums.groups += 1.0;
            sums.groups_met += flag(article.has_group(group));
        });
        let credit = match article.meets(number, word) {
            Some(Meeting::Word(part)) => {
                if part == Part::Title {
                    sums.title += tells;
                    covered.push(number);
                }
                1.0
            }
            Some(Meeting::Stem) => 0.8,
            None => continue,
        };
        sums.matched += credit * tells;
        sums.best = sums.best.max(credit * tells);
        sums.telling_match |= tells >= TELLING;
    }
    sums
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

fn title_covered(article: &ArticleProfile, idf: &IdfTable, covered: &mut [u32]) -> f32 {
    covered.sort_unstable();
    let (mut total, mut met) = (0.0, 0.0);
    for &number in article.title() {
        let tells = idf.get(number);
        total += tells;
        met += if covered.binary_search(&number).is_ok() { tells } else { 0.0 };
    }
    if total > 0.0 { met / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        features::{
            Context,
            signals::{Signals, find},
        },
        text::Document,
        types::{ArticleFields, Body, Comment, Markup},
    };

    fn signal(text: &str, title: &str, code: &str) -> Option<f32> {
        let comment = Comment::of(Body::new(text.into()).expect("body"));
        let mut document = Document::default();
        document.read(text, Markup::Plain);
        let profile = ArticleProfile::new(&ArticleFields { title: title.into(), ..ArticleFields::default() });
        let context = Context { article: (!title.is_empty()).then_some(&profile), ..Context::default() };
        let subject = Subject { comment: &comment, document: &document, context: &context };
        Signals::measure(&subject, &IdfTable::default()).get(find(code).expect("a signal"))
    }

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
