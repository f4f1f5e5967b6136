//! Why: the contributions that matter most, in words a moderator understands, and
//! what they leave over, so that it all adds up.
//!
//! Candidates are ranked as plain numbers; codes and sentences are only made for
//! those that are listed. May import: `types`, `text`, `features`, `classifier`,
//! `rules`.

use std::{borrow::Cow, cmp::Reverse, sync::LazyLock};

use crate::{
    classifier::Bundle,
    features::{
        Block, FeatureSet, Field, Subject,
        signals::{COUNT, SIGNALS, SignalId, Signals, find},
    },
    rules::Hit,
    types::{Label, LabelScore, LogOdds, PerLabel, Reason, ReasonSource, Span},
};

use super::{
    ledger::{Ledger, responsibility},
    sentence::{Related, decisions_sentence, signal_sentence, word_sentence},
};

/// Most reasons listed.
const MAX_REASONS: usize = 5;
/// Most words listed per label.
const MAX_WORDS: usize = 4;
/// Contributions to the overall odds below this many nats say nothing to a person.
const LEAST: f64 = 0.05;

/// Families that measure one thing from several sides: how the words of a comment
/// relate to its article. Their weights lean against each other, so one alone can
/// point the wrong way; together they tell the truth, and speak as one reason.
const TOGETHER: [&str; 4] = ["relevance", "content", "length", "meaning"];

/// What a signal speaks of, by its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// How words relate to the article; speaks with the others of its kind.
    Relevance,
    /// The first link.
    Link,
    /// The first contact.
    Contact,
    /// How it hides what it says.
    Disguise,
    /// The comment as a whole.
    Whole,
}

/// What each signal speaks of.
static ABOUT: LazyLock<[About; COUNT]> = LazyLock::new(|| {
    let about = |code: &str| match code.split('/').next().unwrap_or("") {
        family if TOGETHER.contains(&family) => About::Relevance,
        "links" => About::Link,
        "contacts" => About::Contact,
        "disguise" => About::Disguise,
        _ => About::Whole,
    };
    std::array::from_fn(|at| SIGNALS.get(at).map_or(About::Whole, |signal| about(signal.code)))
});

/// What a signal speaks of.
pub(super) fn about(id: SignalId) -> About {
    ABOUT.get(usize::from(id.0)).copied().unwrap_or(About::Whole)
}

/// What is known after adding up.
pub(super) struct Evidence<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) subject: &'a Subject<'a>,
    pub(super) signals: &'a Signals,
    pub(super) hits: &'a [Hit<'a>],
    pub(super) ledgers: &'a PerLabel<Ledger>,
}

/// Buffers that explaining reuses.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    candidates: Vec<Candidate>,
    /// Weight and place of each candidate.
    order: Vec<(f64, u32)>,
    words: Vec<Word>,
}

impl Notes {
    /// The candidates that were listed last, strongest first.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Candidate> {
        self.order.iter().filter_map(|&(_, place)| self.candidates.get(place as usize))
    }
}

/// Something that may be listed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) label: Label,
    pub(super) log_odds: LogOdds,
    pub(super) cause: Cause,
}

impl Candidate {
    /// Whether it is the host of a link.
    pub(super) const fn is_host(&self) -> bool {
        matches!(self.cause, Cause::Word(_, Field::LinkHost, _))
    }

    /// Whether it says the same of `body` as another, perhaps of another label.
    fn repeats(&self, other: &Self, body: &str) -> bool {
        let word = |span: Option<Span>| span.and_then(|span| span.of(body));
        match (self.cause, other.cause) {
            (Cause::Signal(a), Cause::Signal(b)) => a == b,
            (Cause::Relevance, Cause::Relevance)
            | (Cause::Memory, Cause::Memory)
            | (Cause::Decisions, Cause::Decisions) => true,
            (Cause::Rule(a), Cause::Rule(b)) => a == b,
            (Cause::Word(a, x, _), Cause::Word(b, y, _)) => word(a) == word(b) && x == y,
            _ => false,
        }
    }
}

/// What a candidate is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    /// One signal.
    Signal(SignalId),
    /// The signals of relevance together.
    Relevance,
    /// One rule, by its place among the hits.
    Rule(usize),
    /// What people decided before.
    Memory,
    /// What people decided on other comments of the site.
    Decisions,
    /// A word of a field; whether it speaks for the label.
    Word(Option<Span>, Field, bool),
}

/// Sums of steps of one word.
#[derive(Clone, Copy, Debug)]
struct Word {
    span: Option<Span>,
    field: Field,
    /// By block.
    sums: [[i32; Label::COUNT]; Block::COUNT],
}

/// The strongest contributions to the overall odds, strongest first and none said
/// twice; takes them out of each label's `rest`. With `words`, single words speak too.
/// What is listed stays in `notes`.
pub(super) fn reasons(
    evidence: &Evidence<'_>,
    labels: &mut PerLabel<LabelScore>,
    words: Option<&FeatureSet>,
    notes: &mut Notes,
) -> Vec<Reason> {
    let share = responsibility(labels);
    let Notes { candidates, order, words: sums } = notes;
    candidates.clear();
    order.clear();
    let mut add = |label: Label, log_odds: LogOdds, cause: Cause| {
        let weight = (share[label] * log_odds.get()).abs();
        if weight >= LEAST {
            order.push((weight, candidates.len() as u32));
            candidates.push(Candidate { label, log_odds, cause });
        }
    };
    for label in Label::ALL {
        if share[label] < LEAST / 10.0 {
            continue;
        }
        by_signals(evidence, label, share[label], &mut add);
        let worth = evidence.bundle.heads[label].rules;
        for (at, hit) in evidence.hits.iter().enumerate() {
            add(label, LogOdds::new(worth * hit.effect.weights[label].get()), Cause::Rule(at));
        }
        add(label, evidence.ledgers[label].memory, Cause::Memory);
        add(label, evidence.ledgers[label].decisions, Cause::Decisions);
    }
    if let Some(features) = words {
        by_words(evidence, &share, features, sums, &mut add);
    }
    let of = |place: u32| candidates.get(place as usize);
    // Equal weights are rare, so the codes of nearly all are never made.
    let code = |place| of(place).map(|candidate| evidence.code(candidate.cause));
    let strongest = |a: &(f64, u32), b: &(f64, u32)| {
        b.0.total_cmp(&a.0).then_with(|| code(a.1).cmp(&code(b.1))).then(a.1.cmp(&b.1))
    };
    // Each thing may be said once per label.
    if order.len() > MAX_REASONS * Label::COUNT {
        order.select_nth_unstable_by(MAX_REASONS * Label::COUNT, strongest);
        order.truncate(MAX_REASONS * Label::COUNT);
    }
    order.sort_unstable_by(strongest);
    keep_distinct(order, candidates, evidence.subject.comment.body.as_str());
    let listed = || order.iter().filter_map(|&(_, place)| of(place));
    for (label, ledger) in evidence.ledgers.iter() {
        let told: LogOdds = listed().filter(|r| r.label == label).map(|r| r.log_odds).sum();
        labels[label].rest = LogOdds::new(labels[label].log_odds.get() - ledger.base.get() - told.get());
    }
    let mut reasons = Vec::with_capacity(order.len());
    reasons.extend(listed().map(|candidate| evidence.reason(candidate)));
    reasons
}

/// Keeps the first [`MAX_REASONS`] that say different things.
fn keep_distinct(order: &mut Vec<(f64, u32)>, candidates: &[Candidate], body: &str) {
    let mut kept = 0;
    for at in 0..order.len() {
        let (before, after) = order.split_at_mut(at);
        let Some(next) = after.first_mut() else { break };
        let of = |place: u32| candidates.get(place as usize);
        let said = |other: &(f64, u32)| of(other.1).zip(of(next.1)).is_some_and(|(a, b)| a.repeats(b, body));
        if kept == MAX_REASONS || before.iter().take(kept).any(said) {
            continue;
        }
        if let Some(slot) = before.get_mut(kept) {
            *slot = *next;
        }
        kept += 1;
    }
    order.truncate(kept);
}

fn by_signals(
    evidence: &Evidence<'_>,
    label: Label,
    share: f64,
    add: &mut impl FnMut(Label, LogOdds, Cause),
) {
    let mut together = LogOdds::EVEN;
    for (at, (&log_odds, about)) in evidence.ledgers[label].signals.iter().zip(&*ABOUT).enumerate() {
        if *about == About::Relevance {
            together = together + log_odds;
        } else if (share * log_odds.get()).abs() >= LEAST {
            add(label, log_odds, Cause::Signal(SignalId(at as u16)));
        }
    }
    add(label, together, Cause::Relevance);
}

fn by_words(
    evidence: &Evidence<'_>,
    share: &PerLabel<f64>,
    features: &FeatureSet,
    words: &mut Vec<Word>,
    add: &mut impl FnMut(Label, LogOdds, Cause),
) {
    let (values, table) = (features.values(), &evidence.bundle.text);
    words.clear();
    for (origin, blocks) in features.by_token() {
        let span = origin.submitted(evidence.subject.document);
        let sums = blocks.map(|numbers| table.sum(numbers));
        match words.last_mut() {
            // Views may read one place of the body in several ways.
            Some(last) if last.span == span && last.field == origin.field => {
                for (sum, more) in last.sums.iter_mut().flatten().zip(sums.into_iter().flatten()) {
                    *sum += more;
                }
            }
            _ => words.push(Word { span, field: origin.field, sums }),
        }
    }
    for label in Label::ALL {
        if share[label] < LEAST {
            continue;
        }
        let log_odds = |word: &Word| LogOdds::new(table.log_odds(label, &word.sums, values));
        // In millionths of a nat: numbers that order.
        let strength = |word: &Word| (log_odds(word).get().abs() * 1e6) as u64;
        let strongest = |word: &Word| (Reverse(strength(word)), word.span, word.field as u64);
        if words.len() > MAX_WORDS {
            words.select_nth_unstable_by_key(MAX_WORDS, strongest);
        }
        let count = MAX_WORDS.min(words.len());
        let listed = words.get_mut(..count).unwrap_or_default();
        listed.sort_by_key(strongest);
        for word in listed {
            let log_odds = log_odds(word);
            add(label, log_odds, Cause::Word(word.span, word.field, log_odds.get() > 0.0));
        }
    }
}

impl Evidence<'_> {
    /// The signal of that code, if it is there.
    fn signal(&self, code: &str) -> Option<f64> {
        find(code).and_then(|id| self.signals.get(id)).map(f64::from)
    }

    /// Whether people ruled on exactly this text, not on one like it.
    fn is_exact(&self) -> bool {
        self.subject.context.text.is_some_and(|text| text.approved > 0 || text.rejected > 0)
    }

    /// The stable code of what moved the odds.
    pub(super) fn code(&self, cause: Cause) -> Cow<'static, str> {
        match cause {
            Cause::Signal(id) => id.signal().map_or("", |signal| signal.code).into(),
            Cause::Relevance if self.signal("relevance/overlap").is_some() => "relevance/article".into(),
            Cause::Relevance => "content/words".into(),
            Cause::Rule(at) => format!("rule/{}", self.hits.get(at).map_or("", |hit| hit.name)).into(),
            Cause::Memory if self.is_exact() => "seen/decided".into(),
            Cause::Memory => "seen/decided_alike".into(),
            Cause::Decisions => "site/decisions".into(),
            Cause::Word(_, field, _) => field_code(field).into(),
        }
    }

    /// A candidate in words.
    fn reason(&self, candidate: &Candidate) -> Reason {
        let Candidate { label, log_odds, cause, .. } = *candidate;
        let (source, message, value, span) = match cause {
            Cause::Signal(id) => self.of_signal(id),
            Cause::Relevance => {
                let related = Related::of(self.subject, &self.bundle.idf);
                let message = related.sentence(label, log_odds.get() > 0.0, self.subject);
                (ReasonSource::Signal, message, self.signal("relevance/overlap"), related.span)
            }
            Cause::Rule(at) => {
                let hit = self.hits.get(at);
                let message = hit.map_or("", |hit| hit.message).to_owned().into();
                (ReasonSource::Rule, message, None, hit.and_then(|hit| hit.span))
            }
            Cause::Memory => {
                let verb = if log_odds.get() > 0.0 { "rejected" } else { "approved" };
                let how = if self.is_exact() { "exactly" } else { "nearly" };
                let message = format!("People {verb} {how} this text before.").into();
                (ReasonSource::Signal, message, None, None)
            }
            Cause::Decisions => {
                let (text, towards) = (self.subject.comment.body.as_str(), log_odds.get() > 0.0);
                let taught = self.subject.context.lessons.and_then(|l| l.taught(text, label, towards));
                let bytes = taught.as_ref().and_then(|taught| taught.word.clone());
                let span = bytes.map(|word| Span::new(word.start as u32, word.end as u32));
                let word = span.and_then(|span| span.of(text));
                let message = decisions_sentence(word, taught.map_or(0, |t| t.comments), label, towards);
                (ReasonSource::Signal, message, None, span)
            }
            Cause::Word(span, field, towards) => {
                let word = span.and_then(|s| s.of(self.subject.comment.body.as_str()));
                (ReasonSource::Text, word_sentence(field, word, label, towards), None, span)
            }
        };
        Reason { code: self.code(cause), source, label, log_odds, message, value, span }
    }

    /// What one signal says, its value, and the first piece of the body that it is
    /// about, for those about a piece.
    fn of_signal(&self, id: SignalId) -> (ReasonSource, Cow<'static, str>, Option<f64>, Option<Span>) {
        let value = self.signals.get(id).map(f64::from);
        let message = id.signal().map(|signal| signal_sentence(signal, value.unwrap_or(0.0)));
        let document = self.subject.document;
        let span = match about(id) {
            About::Link => document.links().first().map(|l| l.span),
            About::Contact => document.contacts().first().map(|c| c.span),
            About::Relevance | About::Disguise | About::Whole => None,
        };
        (ReasonSource::Signal, message.unwrap_or_default(), value, span)
    }
}

/// The reason code of a field.
const fn field_code(field: Field) -> &'static str {
    match field {
        Field::AuthorName => "text/author_name",
        Field::AuthorUrl => "text/author_url",
        Field::LinkHost => "text/link_host",
        Field::Word | Field::Skip | Field::Gram | Field::Shape | Field::Term => "text/word",
    }
}
