//! Comments that say the same and were labelled differently.
//!
//! People disagree and slip; a learner that is told both learns neither. Within one
//! set the majority is right, and where there is none nobody is believed. Sets are
//! not held against each other: what one calls spam another may not. May import:
//! `types`.

use std::hash::Hash;

use serde::Serialize;

use crate::types::{Label, PerLabel};

/// Labels that are about a comment and its article, not about the text alone.
const ABOUT_ARTICLE: [Label; 2] = [Label::LowContent, Label::OffTopic];

/// Comments of one set with the same folded text of which some carry a label and
/// some are known not to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The set.
    pub set: String,
    /// The label.
    pub label: Label,
    /// The comments' ids, each with what it says.
    pub comments: Vec<(String, bool)>,
    /// What training believes; nothing when as many say yes as no.
    pub kept: Option<bool>,
}

/// What makes two comments the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    /// Number of the set.
    pub(super) domain: u16,
    /// Digest of the folded text.
    pub(super) text: u64,
    /// Which article: equal numbers for equal articles, no more.
    pub(super) article: usize,
}

/// A conflict by places: the label, the comments with what they said, and what is kept.
pub(super) type Settled = (Label, Vec<(usize, bool)>, Option<bool>);

/// Settles every conflict in `labels`, which belong to `keys`. Returns the label, the
/// comments (ascending) with what they said, and what is kept. The order of comments
/// does not matter for what is kept. `O(n log n)`.
pub(super) fn settle(keys: &[Key], labels: &mut [PerLabel<Option<bool>>]) -> Vec<Settled> {
    let mut found = Vec::new();
    for label in Label::ALL {
        let key = |key: &Key| match ABOUT_ARTICLE.contains(&label) {
            true => *key,
            false => Key { article: 0, ..*key },
        };
        let known = keys.iter().zip(labels.iter()).enumerate();
        let mut known: Vec<(Key, usize, bool)> =
            known.filter_map(|(at, (k, l))| Some((key(k), at, l[label]?))).collect();
        known.sort_unstable();
        for same in known.chunk_by(|a, b| a.0 == b.0) {
            let yes = same.iter().filter(|(_, _, truth)| *truth).count();
            if yes == 0 || yes == same.len() {
                continue;
            }
            let kept = (yes * 2 != same.len()).then_some(yes * 2 > same.len());
            for (_, at, _) in same {
                if let Some(labels) = labels.get_mut(*at) {
                    labels[label] = kept;
                }
            }
            found.push((label, same.iter().map(|(_, at, truth)| (*at, *truth)).collect(), kept));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rows: &[(u16, u64, usize, Option<bool>)], label: Label) -> (Vec<Option<bool>>, usize) {
        let keys: Vec<Key> =
            rows.iter().map(|&(domain, text, article, _)| Key { domain, text, article }).collect();
        let mut labels = vec![PerLabel::default(); rows.len()];
        for (labels, row) in labels.iter_mut().zip(rows) {
            labels[label] = row.3;
        }
        let found = settle(&keys, &mut labels).len();
        (labels.iter().map(|l| l[label]).collect(), found)
    }

    #[test]
    fn the_majority_of_one_set_is_believed() {
        let (yes, no) = (Some(true), Some(false));
        let check = |label, rows: &[_], want: &[Option<bool>], conflicts| {
            assert_eq!(run(rows, label), (want.to_vec(), conflicts), "{rows:?}");
        };
        let spam = Label::Spam;
        check(spam, &[(0, 7, 0, yes), (0, 7, 0, no), (0, 7, 0, yes)], &[yes, yes, yes], 1);
        check(spam, &[(0, 7, 0, yes), (0, 7, 0, no)], &[None, None], 1);
        check(spam, &[(0, 7, 0, yes), (1, 7, 0, no)], &[yes, no], 0);
        check(spam, &[(0, 7, 1, yes), (0, 7, 2, no)], &[None, None], 1);
        check(Label::OffTopic, &[(0, 7, 1, yes), (0, 7, 2, no)], &[yes, no], 0);
        check(spam, &[(0, 7, 0, yes), (0, 7, 0, None)], &[yes, None], 0);
    }
}
