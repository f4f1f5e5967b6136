//! From labelled comments to a bundle.
//!
//! Reads top to bottom: count words, prepare examples, add crossed ones, train the
//! heads, scale the overall odds, round to a bundle. May import: `types`, `text`,
//! `features`, `classifier`, `rules`, `scoring`.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::{
    classifier::{Bundle, Card, DataCount, Feature, Head, Row, TextWeights, Vocabulary, platt},
    features::{
        ArticleProfile, Block, Context, FeatureSet, IdfCounter, IdfTable, PIECES_SOURCE, Subject,
        signals::{COUNT, Signals},
        term,
    },
    rules::RuleSet,
    scoring::union,
    text::{Document, NORMALIZER_VERSION, ViewKind},
    types::{Label, LogOdds, PerLabel},
};

use super::{
    Conflict, DataSet, LearningError, Sample,
    conflicts::{Key, Settled, settle},
    corpus::digest,
    crossing::crossed,
    heads::{Example, TrainedHead, train_heads},
    order::{Placed, in_order},
    sides::Sides,
};

/// How to train.
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `bits` | 19 | table of text weights: 2^bits slots | 8 to 22 |
/// | `least` | 2 | comments that a feature must occur in to be learnt | >= 1 |
/// | `folds` | 3 | parts held out in turn for the margins that the combiner learns from | 2 to 10 |
/// | `pull` | 10.0 | pull of the signals' weights towards 0, against that of the text margins | > 0 |
/// | `c` | 1.0 | cost of an error against a large weight | > 0 |
/// | `epochs` | 5 | passes over the samples at most | 1 to 1000 |
/// | `seed` | 1 | order of samples | any |
/// | `cross` | true | teach off_topic with on-topic comments under other articles | |
/// | `threads` | 0 | threads to use, 0 for all; changes no byte | |
#[derive(Clone, Debug, PartialEq)]
pub struct TrainConfig {
    /// See the table.
    pub bits: u32,
    /// See the table.
    pub least: u32,
    /// See the table.
    pub folds: u64,
    /// See the table.
    pub pull: f64,
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
        Self { bits: 19, least: 2, folds: 3, pull: 10.0, c: 1.0, epochs: 5, seed: 1, cross: true, threads: 0 }
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
    train_reporting(config, sets, rules, tell).map(|(bundle, _)| bundle)
}

/// As [`train`]; tells the conflicting labels that were found, too.
///
/// # Errors
///
/// As [`train`].
pub fn train_reporting(
    config: &TrainConfig,
    sets: &[DataSet],
    rules: &RuleSet,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<(Bundle, Vec<Conflict>), LearningError> {
    let out_of_range = |what: &str| Err(LearningError::Configuration(what.to_owned()));
    match () {
        () if !(8..=22).contains(&config.bits) => return out_of_range("bits must lie in 8..=22"),
        () if !(2..=10).contains(&config.folds) => return out_of_range("folds must lie in 2..=10"),
        () if !(config.pull.is_finite() && config.pull > 0.0) => {
            return out_of_range("pull must be positive");
        }
        () => {}
    }
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
) -> Result<(Bundle, Vec<Conflict>), LearningError> {
    let samples = in_order(sets);
    if samples.iter().all(|s| s.sample.labels.iter().all(|(_, l)| l.is_none())) {
        return Err(LearningError::NothingToLearn);
    }
    tell("counting words");
    let idf = count_words(&samples);
    tell("reading comments");
    let crossed = if config.cross { crossed(&samples, config.folds) } else { Vec::new() };
    let crossed = crossed.iter().map(|(sample, from)| Placed { sample, ..*from });
    let all: Vec<Placed<'_>> = samples.iter().copied().chain(crossed).collect();
    let mut prepared = prepare(&all, &idf, rules);
    let conflicts = settle_labels(&all, &mut prepared);
    tell(&format!("{} texts carry conflicting labels", conflicts.len()));
    let known = vocabulary(config, &prepared);
    let examples: Vec<Example> = prepared.into_par_iter().map(|p| p.example(&known)).collect();
    let sides = Sides::of(&examples);
    tell("training heads");
    let heads = train_heads(config, &examples, &known, &sides)?;
    tell("rounding weights");
    let features = table(&known, &heads);
    Ok((assemble(config, sets, &examples, &features, sides, heads, idf), conflicts))
}

/// Believes the majority where the same text carries different labels.
fn settle_labels(placed: &[Placed<'_>], prepared: &mut [Prepared]) -> Vec<Conflict> {
    let article = |s: &Sample| s.article.as_ref().map_or(0, |a| std::sync::Arc::as_ptr(a).addr());
    let keys = placed.iter().zip(prepared.iter());
    let keys: Vec<Key> =
        keys.map(|(p, read)| Key { domain: p.domain, text: read.text, article: article(p.sample) }).collect();
    let mut labels: Vec<_> = prepared.iter().map(|read| read.labels).collect();
    let found = settle(&keys, &mut labels);
    prepared.iter_mut().zip(labels).for_each(|(read, labels)| read.labels = labels);
    let list = |(label, said, kept): Settled| Conflict {
        set: said.first().and_then(|(at, _)| placed.get(*at)).map_or("", |p| p.set).to_owned(),
        label,
        comments: said
            .into_iter()
            .filter_map(|(at, truth)| Some((placed.get(at)?.sample.id.clone(), truth)))
            .collect(),
        kept,
    };
    let mut conflicts: Vec<Conflict> = found.into_iter().map(list).collect();
    conflicts.sort_by(|a, b| (&a.set, a.label, &a.comments).cmp(&(&b.set, b.label, &b.comments)));
    conflicts
}

/// Comments whose words are counted at most, taken evenly: logarithms of shares change
/// little beyond, and every comment counted is read twice.
const MAX_COUNTED: usize = 40_000;

/// The IDF table over comments and their articles, each article once.
fn count_words(samples: &[Placed<'_>]) -> IdfTable {
    let step = samples.len().div_ceil(MAX_COUNTED).max(1);
    let counted: Vec<&Sample> = samples.iter().step_by(step).map(|placed| placed.sample).collect();
    let comments = counted
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
    let mut articles: Vec<&ArticleProfile> =
        samples.iter().filter_map(|s| s.sample.article.as_deref()).collect();
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

/// A sample that has been read; its features still by number.
struct Prepared {
    blocks: [Vec<u32>; Block::COUNT],
    values: [f32; Block::COUNT],
    domain: u16,
    signals: [f32; COUNT],
    rules: PerLabel<f32>,
    labels: PerLabel<Option<bool>>,
    group: u64,
    /// Digest of the folded text.
    text: u64,
    language: Option<&'static str>,
}

impl Prepared {
    /// The sample in terms of the features that are learnt.
    fn example(self, known: &Vocabulary) -> Example {
        let Self { blocks, values, domain, signals, rules, labels, group, text, language } = self;
        let [words, groups] =
            blocks.map(|numbers| numbers.iter().filter_map(|&n| known.index(n)).collect::<Vec<u32>>());
        let row = Row::new([&words, &groups], values, domain);
        Example { row, signals, rules, labels, group, text, language }
    }
}

fn prepare(samples: &[Placed<'_>], idf: &IdfTable, rules: &RuleSet) -> Vec<Prepared> {
    samples
        .par_chunks(256)
        .flat_map_iter(|chunk| {
            let (mut document, mut features) = (Document::default(), FeatureSet::default());
            let one = |&Placed { sample, domain, .. }: &Placed<'_>| {
                document.read(sample.comment.body.as_str(), sample.comment.markup);
                let context = Context { article: sample.article.as_deref(), ..Context::default() };
                let subject = Subject { comment: &sample.comment, document: &document, context: &context };
                let measured = Signals::measure(&subject, idf);
                let mut stated = PerLabel::<f32>::default();
                rules.evaluate(&subject, &measured, None, None, &mut |hit| {
                    for (label, weight) in hit.effect.weights.iter().filter(|_| !hit.shadow) {
                        stated[label] += weight.get() as f32;
                    }
                });
                features.collect(&sample.comment, &document);
                let mut signals = [f32::NAN; COUNT];
                signals.iter_mut().zip(measured.scaled()).for_each(|(slot, x)| *slot = x);
                Prepared {
                    blocks: features.blocks().map(<[u32]>::to_vec),
                    values: features.values(),
                    domain,
                    signals,
                    rules: stated,
                    labels: taught(sample.labels),
                    group: sample.group,
                    text: digest(document.view(ViewKind::Folded).map_or("", |view| view.text())),
                    language: document.language().map(|guess| guess.lang),
                }
            };
            chunk.iter().map(one).collect::<Vec<_>>()
        })
        .collect()
}

/// The features that occur often enough to be learnt.
fn vocabulary(config: &TrainConfig, prepared: &[Prepared]) -> Vocabulary {
    let all: Vec<&[u32]> = prepared.iter().flat_map(|p| &p.blocks).map(Vec::as_slice).collect();
    Vocabulary::new(&all, config.least)
}

/// What training found of each feature.
fn table(known: &Vocabulary, heads: &[TrainedHead]) -> Vec<Feature> {
    let weight =
        |head: usize, at: usize| heads.get(head).and_then(|h| h.text.get(at)).copied().unwrap_or(0.0);
    let feature = |(at, (number, comments))| Feature {
        number,
        comments,
        weights: std::array::from_fn(|head| weight(head, at)),
    };
    known.iter().enumerate().map(feature).collect()
}

fn assemble(
    config: &TrainConfig,
    sets: &[DataSet],
    examples: &[Example],
    features: &[Feature],
    sides: Sides,
    heads: Vec<TrainedHead>,
    idf: IdfTable,
) -> Bundle {
    let overall = overall(examples, &heads);
    let mut rest = PerLabel::from_fn(|_| Head::default());
    for (label, head) in Label::ALL.into_iter().zip(heads) {
        rest[label] = head.head;
    }
    Bundle {
        id: String::new(),
        card: card(config, sets),
        text: TextWeights::quantised(config.bits, features),
        heads: rest,
        means: sides.means,
        languages: sides.languages,
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
    let TrainConfig { bits, least, folds, pull, c, epochs, seed, cross, threads: _ } = config;
    let configuration = [
        ("bits", bits.to_string()),
        ("least", least.to_string()),
        ("folds", folds.to_string()),
        ("pull", pull.to_string()),
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

#[cfg(test)]
#[path = "train_tests.rs"]
mod tests;
