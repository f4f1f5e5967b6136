//! Predict, then learn, comment after comment: how a filter does that starts empty.
//!
//! May import: `types`, `text`, `features`, `classifier`.

use serde::Serialize;

use crate::{
    classifier::{OnlineMargins, OnlineStack, Row, Scored, Trec, trec},
    features::FeatureSet,
    text::Document,
    types::Label,
};

use super::super::DataSet;

/// Size of the hashed space of the online learners: 2^20 slots.
const BITS: u32 = 20;

/// Figures of one set, judged in file order by learners that began empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OnlineFigures {
    /// The label.
    pub label: &'static str,
    /// Comments judged and learnt.
    pub comments: usize,
    /// The stack of both learners.
    pub stack: Trec,
    /// The additive learner alone: counts, in any order, reversible.
    pub counts: Trec,
    /// The online support vector machine alone.
    pub svm: Trec,
    /// Probability of the label of each comment before it was learnt, with its id.
    #[serde(skip)]
    pub scores: Vec<(String, f64)>,
}

/// Runs over the comments of a set whose label is known, in order.
#[must_use]
pub fn run_online(set: &DataSet, label: Label) -> OnlineFigures {
    let (mut document, mut features) = (Document::default(), FeatureSet::default());
    let mut stack = OnlineStack::new(BITS);
    let (mut found, mut ids): (Vec<(OnlineMargins, bool)>, Vec<&str>) = (Vec::new(), Vec::new());
    for sample in &set.samples {
        let Some(truth) = sample.labels[label] else { continue };
        document.read(sample.comment.body.as_str(), sample.comment.markup);
        features.collect(&sample.comment, &document);
        let slots = features.blocks().map(|block| block.iter().map(|n| n >> (32 - BITS)).collect::<Vec<_>>());
        let row = Row::new(slots.each_ref().map(Vec::as_slice), features.values(), 0);
        found.push((stack.margins(&row), truth));
        ids.push(&sample.id);
        stack.learn(&row, truth);
    }
    let probability = |odds: f64| 1.0 / (1.0 + (-odds).exp());
    let of = |odds: fn(&OnlineMargins) -> f64| {
        let scored: Vec<Scored> =
            found.iter().map(|(m, truth)| Scored::at(probability(odds(m)), *truth, 0.5)).collect();
        trec(&scored)
    };
    OnlineFigures {
        label: label.name(),
        comments: found.len(),
        stack: of(|m| m.stack),
        counts: of(|m| m.counts),
        svm: of(|m| m.svm),
        scores: ids.iter().zip(&found).map(|(id, (m, _))| ((*id).to_owned(), probability(m.stack))).collect(),
    }
}
