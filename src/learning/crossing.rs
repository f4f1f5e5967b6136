//! Comments put under other articles: what teaches off_topic to read the article.
//!
//! A comment that fits its article is off-topic under another one, however well it
//! is written; taught both ways, its words cancel out and only what relates it to
//! the article is left to learn from. May import: `types`, `features`.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    features::ArticleProfile,
    types::{Label, PerLabel},
};

use super::{Sample, order::Placed};

/// Comments of fewer words or bytes are not crossed: "Sad but true" fits under any
/// article.
const LEAST_WORDS: usize = 5;
const LEAST_BYTES: usize = 20;
/// Most comments of one set and language that are only presumed to be on topic, so
/// that no large set drowns those of which people said it.
const MOST_PRESUMED: usize = 1_200;

/// Articles among which comments are exchanged: of one set, language and fold.
type Pool = BTreeMap<(u16, String, u64), Vec<(u64, Arc<ArticleProfile>)>>;

/// Makes the pairs, in the order of the samples, each with what it was made from. A
/// comment of which nobody said whether it is on topic, but which is known to be no
/// spam or no abuse, is presumed to be: it is taught under its own article too.
/// Comments are put under articles of the same one of `folds` parts only.
pub(super) fn crossed<'a>(samples: &[Placed<'a>], folds: u64) -> Vec<(Sample, Placed<'a>)> {
    let pool = pool(samples, folds);
    let mut made = Vec::new();
    for data in samples.chunk_by(|a, b| a.domain == b.domain) {
        let mut presumed: BTreeMap<&str, usize> = BTreeMap::new();
        let eligible: Vec<&Placed<'a>> = data.iter().filter(|p| crossable(p.sample)).collect();
        let share = 1 + eligible.len() / MOST_PRESUMED;
        for &placed in eligible {
            let Placed { sample, domain, .. } = placed;
            let known = sample.labels[Label::OffTopic].is_some();
            let number = mix(sample.group ^ mix(sample.comment.body.as_str().len() as u64 ^ id(&sample.id)));
            let taken = presumed.entry(&sample.lang).or_default();
            if !known && (*taken >= MOST_PRESUMED || !number.is_multiple_of(share as u64)) {
                continue;
            }
            let of = (domain, sample.lang.clone(), sample.group % folds);
            let Some(other) = pool.get(&of).and_then(|articles| other(articles, sample, number)) else {
                continue;
            };
            if !known {
                *taken += 1;
                made.push((under(sample, sample.article.clone(), false), placed));
            }
            made.push((under(sample, Some(other), true), placed));
        }
    }
    made
}

/// The comment under an article, taught to `off_topic` only.
fn under(sample: &Sample, article: Option<Arc<ArticleProfile>>, off_topic: bool) -> Sample {
    let mut labels = PerLabel::default();
    labels[Label::OffTopic] = Some(off_topic);
    Sample { article, labels, ..sample.clone() }
}

/// Whether a comment says enough, and nothing is known against it.
fn crossable(sample: &Sample) -> bool {
    let text = sample.comment.body.as_str();
    let fine = sample.labels.iter().all(|(_, l)| *l != Some(true));
    let cleared = sample.labels.iter().any(|(_, l)| *l == Some(false));
    fine && cleared
        && sample.article.is_some()
        && sample.comment.place.parent_text.is_none()
        && text.len() >= LEAST_BYTES
        && text.split_whitespace().count() >= LEAST_WORDS
}

fn pool(samples: &[Placed<'_>], folds: u64) -> Pool {
    let mut pool = Pool::new();
    for &Placed { sample, domain, .. } in samples {
        let Some(article) = &sample.article else { continue };
        let articles = pool.entry((domain, sample.lang.clone(), sample.group % folds)).or_default();
        if articles.last().is_none_or(|(group, _)| *group != sample.group) {
            articles.push((sample.group, Arc::clone(article)));
        }
    }
    for articles in pool.values_mut() {
        articles.sort_by_key(|(group, _)| *group);
        articles.dedup_by_key(|(group, _)| *group);
    }
    pool
}

/// Another of the articles; which one, `number` says.
fn other(
    articles: &[(u64, Arc<ArticleProfile>)],
    sample: &Sample,
    number: u64,
) -> Option<Arc<ArticleProfile>> {
    let start = (number % articles.len() as u64) as usize;
    let (before, after) = articles.split_at_checked(start)?;
    let other = after.iter().chain(before).find(|(group, _)| *group != sample.group)?;
    Some(Arc::clone(&other.1))
}

/// FNV-1a of an id.
fn id(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// Spreads a number over all bits (the finaliser of SplitMix64).
fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{ArticleFields, Body, Comment};

    fn sample(group: u64, text: &str, labels: [Option<bool>; 4]) -> Sample {
        let title = format!("Article {group}");
        let profile = ArticleProfile::new(&ArticleFields { title, ..ArticleFields::default() });
        Sample {
            id: format!("{group}"),
            comment: Comment::of(Body::new(text.into()).expect("body")),
            article: Some(Arc::new(profile)),
            labels: PerLabel(labels),
            group,
            under: String::new(),
            lang: "en".into(),
            section: String::new(),
            kind: String::new(),
            posted: String::new(),
        }
    }

    fn crossed_of(samples: &[Sample]) -> Vec<Sample> {
        let placed: Vec<Placed<'_>> =
            samples.iter().map(|sample| Placed { sample, set: "set", domain: 0 }).collect();
        crossed(&placed, 3).into_iter().map(|(sample, _)| sample).collect()
    }

    #[test]
    fn only_fine_comments_that_say_something_are_crossed() {
        let fine = [Some(false); 4];
        let abuse_only = [None, None, None, Some(false)];
        let text = "a remark of some length on this";
        let samples = vec![
            sample(0, text, fine),
            sample(3, "Sad but true", fine),
            sample(6, text, [None, None, None, Some(true)]),
            sample(9, text, abuse_only),
            sample(12, text, [None; 4]),
        ];
        let made = crossed_of(&samples);
        let told: Vec<(u64, Option<bool>)> =
            made.iter().map(|s| (s.group, s.labels[Label::OffTopic])).collect();
        assert_eq!(told, [(0, Some(true)), (9, Some(false)), (9, Some(true))]);
        assert!(made.iter().all(|s| s.labels[Label::Abuse].is_none()), "they teach off_topic only");
        let own = made.iter().filter(|s| s.labels[Label::OffTopic] == Some(true));
        assert!(own.clone().all(|s| s.article.as_ref().is_some_and(|a| !a.is_empty())));
        assert_eq!(own.count(), 2);
    }

    #[test]
    fn a_single_article_cannot_be_crossed() {
        let samples = vec![sample(1, "a remark of some length on this", [Some(false); 4])];
        assert!(crossed_of(&samples).is_empty());
    }
}
