//! What the combiner sees of a comment besides its text: standardised signals and the
//! guessed language.
//!
//! May import: `types`, `features`.

use std::collections::BTreeMap;

use crate::{
    features::signals::{COUNT, SIGNALS},
    types::Label,
};

use super::heads::Example;

/// Comments in which a language must be guessed to be told apart from the unknown.
const LEAST_OF_LANGUAGE: usize = 100;

/// Mean and deviation of each scaled signal where it is present, and the languages.
#[derive(Clone, Debug)]
pub(super) struct Sides {
    pub(super) means: Vec<f64>,
    pub(super) deviations: Vec<f64>,
    /// Languages that were guessed often enough, ascending; the first is "": none.
    pub(super) languages: Vec<String>,
}

impl Sides {
    pub(super) fn of(examples: &[Example]) -> Self {
        let mut sums = vec![(0.0_f64, 0.0_f64, 0.0_f64); COUNT];
        let mut languages: BTreeMap<&str, usize> = BTreeMap::new();
        for example in examples {
            *languages.entry(example.language.unwrap_or("")).or_default() += 1;
            for ((n, sum, squares), &x) in
                sums.iter_mut().zip(&example.signals).filter(|(_, x)| x.is_finite())
            {
                *n += 1.0;
                *sum += f64::from(x);
                *squares += f64::from(x) * f64::from(x);
            }
        }
        let mean = |&(n, sum, _): &(f64, f64, f64)| if n > 0.0 { sum / n } else { 0.0 };
        let deviation =
            |s: &(f64, f64, f64)| (s.2 / s.0.max(1.0) - mean(s).powi(2)).max(0.0).sqrt().max(1e-3);
        languages.retain(|lang, count| !lang.is_empty() && *count >= LEAST_OF_LANGUAGE);
        Self {
            means: sums.iter().map(mean).collect(),
            deviations: sums.iter().map(deviation).collect(),
            languages: std::iter::once("").chain(languages.into_keys()).map(str::to_owned).collect(),
        }
    }

    /// How many columns [`Sides::columns`] gives.
    pub(super) fn len(&self) -> usize {
        COUNT + self.languages.len()
    }

    /// The columns of one comment for the head of `label`: signals in units of
    /// deviation times `shrink`, then one column per language.
    pub(super) fn columns(&self, label: Label, shrink: f64, example: &Example) -> impl Iterator<Item = f64> {
        let signals = example.signals.iter().zip(&self.means).zip(&self.deviations).enumerate();
        let signals = signals.map(move |(at, ((&x, mean), deviation))| {
            if learnt(label, at) && x.is_finite() { shrink * (f64::from(x) - mean) / deviation } else { 0.0 }
        });
        let spoken = self.languages.iter().position(|l| Some(l.as_str()) == example.language).unwrap_or(0);
        signals.chain((0..self.languages.len()).map(move |at| f64::from(u8::from(at == spoken))))
    }

    /// What signals' columns are multiplied with. How adverts and insults are disguised or
    /// punctuated differs from set to set, so the text should speak first there; whether a
    /// comment meets its article shows in signals alone.
    #[expect(clippy::unused_self, reason = "reads beside the other questions to the sides")]
    pub(super) fn shrink(&self, label: Label, pull: f64) -> f64 {
        match label {
            Label::Spam | Label::Abuse => pull.sqrt().recip(),
            Label::LowContent | Label::OffTopic => 1.0,
        }
    }

    /// The least weight of each column of [`Sides::columns`]; −∞ where there is none.
    pub(super) fn least(&self, label: Label, shrink: f64) -> impl Iterator<Item = f64> {
        let signals = self.deviations.iter().enumerate();
        let signals = signals.map(move |(at, deviation)| match least_of(label, at) {
            Some(nats) if learnt(label, at) => nats * deviation / shrink,
            _ => f64::NEG_INFINITY,
        });
        signals.chain(self.languages.iter().map(|_| f64::NEG_INFINITY))
    }

    /// Nats per scaled unit of each signal, from the weights of the columns.
    pub(super) fn weights(&self, label: Label, shrink: f64, columns: &[f64]) -> Vec<f64> {
        let weight = |at: usize, deviation: f64| match learnt(label, at) {
            true => shrink * columns.get(at).copied().unwrap_or(0.0) / deviation,
            false => stated(label, at),
        };
        self.deviations.iter().enumerate().map(|(at, &deviation)| weight(at, deviation)).collect()
    }
}

/// Whether a signal's weight is learnt. Those about people, networks and requests
/// are not in any shared data set, and hardly one tells what a comment answers:
/// learning them from a few rows would make a prejudice of a coincidence. Spam is spam
/// and abuse abuse under any article: with few articles in a set, how its adverts relate
/// to their titles is a coincidence. Whether a comment is about its article shows in
/// nothing but what relates the two.
fn learnt(label: Label, at: usize) -> bool {
    let code = SIGNALS.get(at).map_or("", |s| s.code);
    match code.split('/').next().unwrap_or("") {
        "author" | "network" | "domain" | "seen" | "request" | "timing" | "language" => false,
        "relevance" | "meaning" if matches!(label, Label::Spam | Label::Abuse) => false,
        "relevance" | "content" | "meaning" | "length" => code != "relevance/parent_overlap",
        _ => label != Label::OffTopic,
    }
}

/// Nats per scaled unit that a signal weighs at least. A disguise never speaks for a
/// comment: in sets that were cleaned of it, or where fans write in fancy letters, a learner
/// finds that it does, and every advertiser may put one on.
fn least_of(label: Label, at: usize) -> Option<f64> {
    match (label, SIGNALS.get(at).map_or("", |s| s.code)) {
        (
            Label::Spam,
            "disguise/zero_width"
            | "disguise/bidi"
            | "disguise/mixed_script"
            | "disguise/skeleton"
            | "disguise/joined",
        ) => Some(0.6),
        (Label::Spam, "disguise/styled" | "disguise/marks") => Some(0.4),
        (Label::Spam, "disguise/leet" | "disguise/invisible" | "disguise/spintax") => Some(0.3),
        (Label::Spam, "disguise/squeezed" | "disguise/foreign_markup") => Some(0.1),
        (_, code) if code.starts_with("disguise/") => Some(0.0),
        _ => None,
    }
}

/// Nats per scaled unit of the signals whose weights are not learnt.
fn stated(label: Label, at: usize) -> f64 {
    match (label, SIGNALS.get(at).map_or("", |s| s.code)) {
        (Label::Spam, "request/honeypot") => 4.0,
        (Label::Spam, "author/rejected" | "domain/rejected") => 0.9,
        (Label::Spam, "network/rejected") => 0.3,
        (Label::Spam, "author/approved" | "domain/approved") => -0.6,
        (Label::Spam, "seen/copies") => 0.4,
        (Label::Spam, "language/foreign") => 0.7,
        (Label::LowContent | Label::OffTopic, "relevance/parent_overlap") => -1.0,
        (Label::LowContent | Label::OffTopic | Label::Abuse, "author/approved") => -0.3,
        (Label::LowContent | Label::OffTopic | Label::Abuse, "author/rejected") => 0.3,
        _ => 0.0,
    }
}
