//! Why: the contributions that matter most, in words a moderator understands, and
//! what they leave over, so that it all adds up.
//!
//! May import: `types`, `text`, `features`, `classifier`, `rules`.

use crate::{
    classifier::{Bundle, TextWeights},
    features::{
        FeatureSet, Field, Origin, Sink, Subject, place,
        signals::{SIGNALS, Signals, find},
        unit_weight, walk,
    },
    rules::Hit,
    types::{Label, LabelScore, LogOdds, PerLabel, Reason, ReasonSource, Span},
};

use super::{
    ledger::{Ledger, responsibility},
    sentence::{relevance_sentence, signal_sentence, word_sentence},
};

/// Most reasons listed.
const MAX_REASONS: usize = 16;
/// Most words listed per label.
const MAX_WORDS: usize = 4;
/// Contributions to the overall odds below this many nats say nothing to a person.
const LEAST: f64 = 0.05;

/// What is known after adding up.
pub(super) struct Evidence<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) subject: &'a Subject<'a>,
    pub(super) signals: &'a Signals,
    pub(super) hits: &'a [Hit<'a>],
    pub(super) ledgers: &'a PerLabel<Ledger>,
}

/// The strongest contributions to the overall odds, strongest first; takes them out
/// of each label's `rest`. With `words`, single words speak too.
pub(super) fn reasons(
    evidence: &Evidence<'_>,
    labels: &mut PerLabel<LabelScore>,
    words: Option<&mut FeatureSet>,
) -> Vec<Reason> {
    let share = responsibility(labels);
    let mut ranked: Vec<(f64, Reason)> = Vec::new();
    let mut add = |reason: Reason| {
        let weight = (share[reason.label] * reason.log_odds.get()).abs();
        if weight >= LEAST {
            ranked.push((weight, reason));
        }
    };
    for label in Label::ALL {
        if share[label] < LEAST / 10.0 {
            continue;
        }
        by_signals(evidence, label, share[label], &mut add);
        by_rules(evidence, label, &mut add);
        by_memory(evidence, label, &mut add);
    }
    if let Some(features) = words {
        by_words(evidence, &share, features, &mut add);
    }
    ranked.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.code.cmp(&y.code)));
    ranked.truncate(MAX_REASONS);
    let reasons: Vec<Reason> = ranked.into_iter().map(|(_, reason)| reason).collect();
    for (label, ledger) in evidence.ledgers.iter() {
        let listed: LogOdds = reasons.iter().filter(|r| r.label == label).map(|r| r.log_odds).sum();
        labels[label].rest = LogOdds::new(ledger.total().get() - ledger.base.get() - listed.get());
    }
    reasons
}

/// Families that measure one thing from several sides: how the words of a comment
/// relate to its article. Their weights lean against each other, so one alone can
/// point the wrong way; together they tell the truth, and speak as one reason.
const TOGETHER: [&str; 3] = ["relevance", "content", "length"];

fn by_signals(evidence: &Evidence<'_>, label: Label, share: f64, add: &mut impl FnMut(Reason)) {
    let moved = evidence.ledgers[label].signals;
    let mut together = LogOdds::EVEN;
    for (at, (signal, log_odds)) in SIGNALS.iter().zip(moved).enumerate() {
        if TOGETHER.contains(&signal.code.split('/').next().unwrap_or("")) {
            together = together + log_odds;
            continue;
        }
        if (share * log_odds.get()).abs() < LEAST {
            continue;
        }
        let value = evidence.signals.get(crate::features::signals::SignalId(at as u16)).map(f64::from);
        add(Reason {
            code: signal.code.to_owned(),
            source: ReasonSource::Signal,
            label,
            log_odds,
            message: signal_sentence(signal, value.unwrap_or(0.0)),
            value,
            span: signal_span(signal.code, evidence.subject),
        });
    }
    let overlap = find("relevance/overlap").and_then(|id| evidence.signals.get(id)).map(f64::from);
    let nothing = find("relevance/nothing").and_then(|id| evidence.signals.get(id)) == Some(1.0);
    add(Reason {
        code: if overlap.is_some() { "relevance/article" } else { "content/words" }.to_owned(),
        source: ReasonSource::Signal,
        label,
        log_odds: together,
        message: relevance_sentence(overlap, nothing, evidence.subject),
        value: overlap,
        span: None,
    });
}

/// The first piece of the body that a signal is about, for those about a piece.
fn signal_span(code: &str, subject: &Subject<'_>) -> Option<Span> {
    match code.split('/').next() {
        Some("links") => subject.document.links().first().map(|l| l.span),
        Some("contacts") => subject.document.contacts().first().map(|c| c.span),
        _ => None,
    }
}

fn by_rules(evidence: &Evidence<'_>, label: Label, add: &mut impl FnMut(Reason)) {
    let worth = evidence.bundle.heads[label].rules;
    for hit in evidence.hits {
        add(Reason {
            code: format!("rule/{}", hit.name),
            source: ReasonSource::Rule,
            label,
            log_odds: LogOdds::new(worth * hit.effect.weights[label].get()),
            message: hit.message.to_owned(),
            value: None,
            span: hit.span,
        });
    }
}

fn by_memory(evidence: &Evidence<'_>, label: Label, add: &mut impl FnMut(Reason)) {
    let log_odds = evidence.ledgers[label].memory;
    let verb = if log_odds.get() > 0.0 { "rejected" } else { "approved" };
    add(Reason {
        code: "seen/decided".to_owned(),
        source: ReasonSource::Signal,
        label,
        log_odds,
        message: format!("People {verb} exactly this text before."),
        value: None,
        span: None,
    });
}

/// Sums of steps per word.
struct WordSums<'a> {
    table: &'a TextWeights,
    seen: &'a mut FeatureSet,
    words: Vec<(Option<Span>, Field, [i32; Label::COUNT])>,
}

impl Sink for WordSums<'_> {
    fn feature(&mut self, number: u32, origin: Origin<'_>) {
        if !self.seen.insert(number) {
            return;
        }
        let (span, steps) = (place(origin), self.table.of(number));
        match self.words.last_mut() {
            Some((last, field, sums)) if *last == span && *field == origin.field => {
                for (sum, step) in sums.iter_mut().zip(steps) {
                    *sum += i32::from(step);
                }
            }
            _ => self.words.push((span, origin.field, steps.map(i32::from))),
        }
    }
}

fn by_words(
    evidence: &Evidence<'_>,
    share: &PerLabel<f64>,
    features: &mut FeatureSet,
    add: &mut impl FnMut(Reason),
) {
    let Subject { comment, document, .. } = *evidence.subject;
    let value = unit_weight(features.numbers().len());
    features.clear();
    let table = &evidence.bundle.text;
    let mut sums = WordSums { table, seen: features, words: Vec::new() };
    walk(comment, document, &mut sums);
    let mut words = sums.words;
    for label in Label::ALL {
        if share[label] < LEAST {
            continue;
        }
        let steps = |sums: &[i32; Label::COUNT]| sums.get(label.index()).copied().unwrap_or(0);
        words.sort_by_key(|(span, _, sums)| (std::cmp::Reverse(steps(sums).abs()), *span));
        for (span, field, sums) in words.iter().take(MAX_WORDS) {
            add(Reason {
                code: field_code(*field).to_owned(),
                source: ReasonSource::Text,
                label,
                log_odds: LogOdds::new(table.nats(label, steps(sums), value)),
                message: word_sentence(
                    *field,
                    span.and_then(|s| s.of(comment.body.as_str())),
                    label,
                    steps(sums) > 0,
                ),
                value: None,
                span: *span,
            });
        }
    }
}

/// The reason code of a field.
const fn field_code(field: Field) -> &'static str {
    match field {
        Field::AuthorName => "text/author_name",
        Field::AuthorUrl => "text/author_url",
        Field::LinkHost => "text/link_host",
        Field::Word | Field::Gram | Field::Shape | Field::Term => "text/word",
    }
}
