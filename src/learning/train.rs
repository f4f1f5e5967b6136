//! From labelled comments to a bundle.
//!
//! Reads top to bottom: count words, prepare examples, add crossed ones, train the
//! heads, scale the overall odds, round to a bundle. May import: `types`, `text`,
//! `features`, `classifier`, `rules`, `scoring`.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::{
    classifier::{Bundle, Card, DataCount, Head, Row, TextWeights, platt},
    features::{
        ArticleProfile, Context, FeatureSet, IdfCounter, IdfTable, PIECES_SOURCE, Subject, signals::Signals,
        term,
    },
    rules::RuleSet,
    scoring::union,
    text::{Document, NORMALIZER_VERSION, ViewKind},
    types::{Label, LogOdds, PerLabel},
};

use super::{
    DataSet, LearningError, Sample,
    crossing::crossed,
    heads::{Example, Scaler, TrainedHead, train_heads},
};

/// How to train.
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `bits` | 19 | hashed space of 2^bits slots | 8 to 22 |
/// | `c` | 1.0 | cost of an error against a large weight | > 0 |
/// | `epochs` | 10 | passes over the samples at most | 1 to 1000 |
/// | `seed` | 1 | order of samples | any |
/// | `cross` | true | teach off_topic with on-topic comments under other articles | |
/// | `threads` | 0 | threads to use, 0 for all; changes no byte | |
#[derive(Clone, Debug, PartialEq)]
pub struct TrainConfig {
    /// See the table.
    pub bits: u32,
    /// See the table.
    pub c: f32,
    /// See the table.
    pub epochs: usize,
    /// See the table.
    pub seed: u64,
    /// See the table.
    pub cross: bool,
    /// See the table.
    pub threads: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self { bits: 19, c: 1.0, epochs: 10, seed: 1, cross: true, threads: 0 }
    }
}

/// Trains a bundle. Its name is set when it is saved. `tell` hears of each stage.
///
/// # Errors
///
/// [`LearningError::NothingToLearn`] without labels, [`LearningError::Head`] when a
/// learner fails, [`LearningError::Configuration`].
pub fn train(
    config: &TrainConfig,
    sets: &[DataSet],
    rules: &RuleSet,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<Bundle, LearningError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(config.threads)
        .stack_size(16 << 20)
        .build()
        .map_err(|error| LearningError::Configuration(error.to_string()))?;
    pool.install(|| train_here(config, sets, rules, tell))
}

fn train_here(
    config: &TrainConfig,
    sets: &[DataSet],
    rules: &RuleSet,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<Bundle, LearningError> {
    let samples: Vec<&Sample> = sets.iter().flat_map(|set| &set.samples).collect();
    if samples.iter().all(|s| s.labels.iter().all(|(_, l)| l.is_none())) {
        return Err(LearningError::NothingToLearn);
    }
    tell("counting words");
    let idf = count_words(&samples);
    tell("reading comments");
    let crossed = if config.cross { crossed(sets) } else { Vec::new() };
    let all: Vec<&Sample> = samples.iter().copied().chain(&crossed).collect();
    let examples = prepare(config, &all, &idf, rules);
    let scaler = Scaler::of(&examples);
    tell("training heads");
    let heads = train_heads(config, &examples, &scaler)?;
    tell("rounding weights");
    Ok(assemble(config, sets, &examples, &scaler, heads, idf))
}

/// The IDF table over comments and their articles, each article once.
fn count_words(samples: &[&Sample]) -> IdfTable {
    let comments = samples
        .par_chunks(4_096)
        .map(|chunk| {
            let (mut counter, mut document) = (IdfCounter::default(), Document::default());
            for sample in chunk {
                counter.next_document();
                document.read(sample.comment.body.as_str(), sample.comment.markup);
                let Some(view) = document.view(ViewKind::Folded) else { continue };
                view.tokens().iter().for_each(|&token| counter.count(term(view.word(token))));
            }
            counter
        })
        .reduce(IdfCounter::default, |a, b| a.merge(&b));
    let mut articles: Vec<&ArticleProfile> = samples.iter().filter_map(|s| s.article.as_deref()).collect();
    articles.sort_by_key(|article| std::ptr::from_ref(*article));
    articles.dedup_by_key(|article| std::ptr::from_ref(*article));
    let mut counter = IdfCounter::default();
    for article in articles {
        counter.next_document();
        article.terms().for_each(|term| counter.count(term));
    }
    comments.merge(&counter).table()
}

/// What a sample teaches. An advert or an empty remark is off-topic as well, but has
/// heads of its own: to `off_topic` it would teach that short or pushy is stray, and
/// blur what an article tells.
fn taught(mut labels: PerLabel<Option<bool>>) -> PerLabel<Option<bool>> {
    let others = [Label::Spam, Label::LowContent];
    if labels[Label::OffTopic] == Some(true) && others.iter().any(|l| labels[*l] == Some(true)) {
        labels[Label::OffTopic] = None;
    }
    labels
}

fn prepare(config: &TrainConfig, samples: &[&Sample], idf: &IdfTable, rules: &RuleSet) -> Vec<Example> {
    samples
        .par_chunks(256)
        .flat_map_iter(|chunk| {
            let (mut document, mut features) = (Document::default(), FeatureSet::default());
            let one = |sample: &&Sample| {
                document.read(sample.comment.body.as_str(), sample.comment.markup);
                let context = Context { article: sample.article.as_deref(), ..Context::default() };
                let subject = Subject { comment: &sample.comment, document: &document, context: &context };
                let signals = Signals::measure(&subject, idf);
                let mut stated = PerLabel::<f32>::default();
                rules.evaluate(&subject, &signals, None, None, &mut |hit| {
                    for (label, weight) in hit.effect.weights.iter().filter(|_| !hit.shadow) {
                        stated[label] += weight.get() as f32;
                    }
                });
                features.collect(&sample.comment, &document);
                let mut scaled = [f32::NAN; crate::features::signals::COUNT];
                scaled.iter_mut().zip(signals.scaled()).for_each(|(slot, x)| *slot = x);
                Example {
                    row: Row::new(features.numbers(), config.bits),
                    signals: scaled,
                    rules: stated,
                    labels: taught(sample.labels),
                    group: sample.group,
                }
            };
            chunk.iter().map(one).collect::<Vec<_>>()
        })
        .collect()
}

fn assemble(
    config: &TrainConfig,
    sets: &[DataSet],
    examples: &[Example],
    scaler: &Scaler,
    heads: Vec<TrainedHead>,
    idf: IdfTable,
) -> Bundle {
    let overall = overall(examples, &heads);
    let mut text = PerLabel::from_fn(|_| Vec::new());
    let mut rest = PerLabel::from_fn(|_| Head { base: 0.0, signals: Vec::new(), rules: 1.0 });
    for (label, head) in Label::ALL.into_iter().zip(heads) {
        text[label] = head.text;
        rest[label] = Head { base: head.base, signals: head.signals, rules: head.rules };
    }
    Bundle {
        id: String::new(),
        card: card(config, sets),
        text: TextWeights::quantised(config.bits, &text),
        heads: rest,
        means: scaler.means.clone(),
        overall,
        idf,
    }
}

/// Scaling of the overall odds, from held-out odds of the examples of which every
/// label is known.
fn overall(examples: &[Example], heads: &[TrainedHead]) -> (f64, f64) {
    let mut odds: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for head in heads {
        for &(at, z) in &head.held_out {
            odds.entry(at).or_default().push(z);
        }
    }
    let (mut z, mut truth) = (Vec::new(), Vec::new());
    for (at, odds) in odds {
        let (Some(example), Ok(odds)) = (examples.get(at), <[f64; Label::COUNT]>::try_from(odds)) else {
            continue;
        };
        z.push(union(&PerLabel(odds.map(LogOdds::new))));
        truth.push(example.labels.iter().any(|(_, l)| *l == Some(true)));
    }
    platt(&z, &truth)
}

fn card(config: &TrainConfig, sets: &[DataSet]) -> Card {
    let TrainConfig { bits, c, epochs, seed, cross, threads: _ } = config;
    let configuration = [
        ("bits", bits.to_string()),
        ("c", c.to_string()),
        ("epochs", epochs.to_string()),
        ("seed", seed.to_string()),
        ("cross", cross.to_string()),
        ("word pieces", PIECES_SOURCE.to_owned()),
    ];
    let count = |set: &DataSet| DataCount {
        comments: set.samples.len(),
        labels: Label::ALL
            .into_iter()
            .map(|label| (label.name().to_owned(), set.count(label)))
            .filter(|(_, counts)| *counts != (0, 0))
            .collect(),
        sha256: set.sha256.clone(),
    };
    Card {
        configuration: configuration.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        normalizer: NORMALIZER_VERSION,
        data: sets.iter().map(|set| (set.name.clone(), count(set))).collect(),
        ..Card::default()
    }
}
