//! What holds of every trained bundle: order, threads, imbalance, conflicting labels.
//!
//! May import: `types`, `rules`, `scoring`.

use super::*;
use crate::{
    rules::RuleSet,
    scoring::{Scratch, Snapshot, judge},
    types::{Body, Comment, Policy},
};
use std::sync::Arc;

const HAM: [&str; 6] = [
    "I saw the match on {}, the second half was great",
    "the minister said on {} that taxes will not rise",
    "my brother read this on {} and could not believe it",
    "what a goal that was on {}, best of the season",
    "the same was promised on {} and nothing came of it",
    "nobody I know will travel on {} at those prices",
];
const SPAM: [&str; 3] = [
    "earn cash from home, write to the channel before {}",
    "best casino bonus, register now and win until {}",
    "cheap followers and likes, order here before {}",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

fn sample(id: usize, text: &str, spam: bool) -> Sample {
    let mut labels = PerLabel::default();
    labels[Label::Spam] = Some(spam);
    Sample {
        id: format!("{id:04}"),
        comment: Comment::of(Body::new(text.to_owned()).expect("body")),
        article: None,
        labels,
        group: digest(text),
        under: String::new(),
        lang: String::new(),
        section: String::new(),
        kind: String::new(),
        posted: String::new(),
    }
}

/// `comments` of which each `every`-th is spam.
fn set(name: &str, comments: usize, every: usize) -> DataSet {
    let pick = |from: &[&str], at: usize| {
        let day = DAYS[at / from.len() % DAYS.len()];
        format!("{} {}", from[at % from.len()].replace("{}", day), at / (from.len() * DAYS.len()))
    };
    let one = |at: usize| match at.is_multiple_of(every) {
        true => sample(at, &pick(&SPAM, at / every), true),
        false => sample(at, &pick(&HAM, at), false),
    };
    DataSet { name: name.to_owned(), samples: (0..comments).map(one).collect(), sha256: String::new() }
}

fn config() -> TrainConfig {
    TrainConfig { bits: 12, threads: 1, ..TrainConfig::default() }
}

fn bytes(config: &TrainConfig, sets: &[DataSet]) -> Vec<u8> {
    train(config, sets, &RuleSet::starter(), &|_| {}).expect("trains").to_bytes().expect("writes")
}

#[test]
fn neither_threads_nor_order_change_a_byte() {
    let sets = [set("a", 200, 2), set("b", 100, 5)];
    let first = bytes(&config(), &sets);
    assert!(first == bytes(&TrainConfig { threads: 3, ..config() }, &sets), "threads");
    let mut turned = [sets[1].clone(), sets[0].clone()];
    turned.iter_mut().for_each(|set| set.samples.reverse());
    assert!(first == bytes(&config(), &turned), "order");
    let fewer = [set("a", 199, 2), set("b", 100, 5)];
    assert!(first != bytes(&config(), &fewer), "a sample less is another bundle");
}

#[test]
fn one_in_fifty_is_learnt() {
    let bundle = train(&config(), &[set("a", 2000, 50)], &RuleSet::starter(), &|_| {}).expect("trains");
    let snapshot = Snapshot { bundle: Arc::new(bundle), rules: Arc::new(RuleSet::starter()) };
    let mut scratch = Scratch::default();
    let mut spam = |text: &str| {
        let comment = Comment::of(Body::new(text.to_owned()).expect("body"));
        let judged = judge(&snapshot, &Policy::default(), None, &comment, &Context::default(), &mut scratch);
        judged.assessment.labels[Label::Spam].probability.get()
    };
    let (caught, spared) = (spam("best casino bonus, register here"), spam("the second half was great"));
    assert!(caught > 0.5 && spared < 0.05, "{caught} {spared}");
}

#[test]
fn conflicting_labels_are_listed_and_settled() {
    let mut noisy = set("a", 100, 2);
    for (id, text, spam) in [(901, "Write me", true), (902, "write ME", false), (903, "Write me", true)] {
        noisy.samples.push(sample(id, text, spam));
    }
    let (_, found) = train_reporting(&config(), &[noisy], &RuleSet::starter(), &|_| {}).expect("trains");
    let said = |id: &str, truth| (id.to_owned(), truth);
    let comments = [said("0901", true), said("0903", true)];
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].label, found[0].kept, found[0].set.as_str()), (Label::Spam, Some(true), "a"));
    assert!(comments.iter().all(|c| found[0].comments.contains(c)) && found[0].comments.len() == 3);
}

#[test]
fn configurations_out_of_range_are_refused() {
    for (name, bad) in [
        ("one fold", TrainConfig { folds: 1, ..config() }),
        ("no pull", TrainConfig { pull: 0.0, ..config() }),
        ("too few bits", TrainConfig { bits: 2, ..config() }),
    ] {
        let refused = train(&bad, &[set("a", 20, 2)], &RuleSet::starter(), &|_| {});
        assert!(matches!(refused, Err(LearningError::Configuration(_))), "{name}");
    }
}
