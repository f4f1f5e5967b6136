//! The pipeline: one comment from its text to a judgement.
//!
//! Reads top to bottom: read the document, measure signals, ask the rules, look up
//! the text weights, add up per label, decide, explain. May import: `types`,
//! `text`, `features`, `classifier`, `rules`.

use crate::{
    classifier::Bundle,
    features::{
        Context, FeatureSet, NearRulings, Subject,
        signals::{COUNT, Signals},
    },
    rules::Hit,
    text::Document,
    types::{Action, Assessment, Comment, Label, LogOdds, PerLabel, Policy, SiteId, Words},
};

use super::{
    Snapshot,
    counterfactual::counterfactual,
    explain::{Evidence, Notes, reasons},
    ledger::{Ledger, union},
    policy::{Asked, by_model},
};

/// Most nats that decisions on the same text move it: e^6 is 400 to 1, so a text
/// that people ruled on keeps their ruling unless the model is beyond doubt.
const MAX_MEMORY: f64 = 6.0;
/// Explaining words costs a second walk: not spent on comments that are let
/// through and look fine.
const EXPLAIN_WORDS_FROM: f64 = 0.2;

/// Log-odds of `off_topic` where neither article nor parent is known: nothing is claimed
/// that was not looked at.
const NOTHING_TO_STRAY_FROM: f64 = -6.0;

/// Buffers that scoring reuses; one per thread.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    document: Document,
    books: Books,
}

/// Buffers that judging a comment reuses once it is read.
#[derive(Clone, Debug, Default)]
pub struct Books {
    features: FeatureSet,
    notes: Notes,
    ledgers: PerLabel<Ledger>,
}

/// What scoring a comment came to.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// What becomes of the comment.
    pub action: Action,
    /// Why.
    pub assessment: Assessment,
    /// Names of the shadow rules that matched.
    pub shadow_hits: Vec<String>,
    /// Names of the live rules that matched.
    pub rules: Vec<String>,
    /// The signals as measured.
    pub signals: Signals,
    /// Whether there was anything the comment could be off.
    pub could_stray: bool,
}

/// What was measured of a comment: all that scoring adds up besides its words.
#[derive(Clone, Debug)]
pub struct Measured<'a> {
    /// Its signals.
    pub signals: Signals,
    /// The live rules that matched.
    pub hits: Vec<Hit<'a>>,
    /// Names of the shadow rules that matched.
    pub shadow_hits: Vec<String>,
    /// Whether there is anything it could be off.
    pub could_stray: bool,
    /// Approvals and rejections of exactly its text so far.
    pub text: Option<(u32, u32)>,
    /// What people ruled on texts nearly the same.
    pub near: Option<NearRulings>,
    /// What the decisions of the site teach about each label.
    pub corrections: PerLabel<LogOdds>,
}

/// Scores one comment. `O(n)` in its text; allocates for the answer only.
#[must_use]
pub fn judge(
    snapshot: &Snapshot,
    policy: &Policy,
    site: Option<&SiteId>,
    comment: &Comment,
    context: &Context<'_>,
    scratch: &mut Scratch,
) -> Judgement {
    let Scratch { document, books } = scratch;
    document.read(comment.body.as_str(), comment.markup);
    judge_read(snapshot, policy, site, comment, document, context, books)
}

/// As [`judge`], of a comment whose body was read into `document`.
#[must_use]
pub fn judge_read(
    snapshot: &Snapshot,
    policy: &Policy,
    site: Option<&SiteId>,
    comment: &Comment,
    document: &Document,
    context: &Context<'_>,
    books: &mut Books,
) -> Judgement {
    let Snapshot { bundle, rules } = snapshot;
    let subject = Subject { comment, document, context };
    let signals = Signals::measure(&subject, &bundle.idf);
    let text = context.text.map(|text| (text.approved, text.rejected));
    let could_stray = can_stray(&subject);
    let corrections = match context.lessons.filter(|lessons| !lessons.is_empty()) {
        Some(lessons) => lessons.correction(&Words::of(comment.body.as_str())),
        None => PerLabel::default(),
    };
    let (hits, shadow_hits, near) = (Vec::new(), Vec::new(), context.near);
    let mut measured = Measured { signals, hits, shadow_hits, could_stray, text, near, corrections };
    rules.evaluate(&subject, &measured.signals, site, context.now, &mut |hit: Hit<'_>| {
        if hit.shadow {
            measured.shadow_hits.push(hit.name.to_owned());
        } else {
            measured.hits.push(hit);
        }
    });
    judge_measured(bundle, policy, &subject, measured, books)
}

/// As [`judge_read`], of a comment that was measured before: what is recorded with a
/// verdict is judged again so, to the same bits. The article and the counts in the
/// subject's context only help to tell why.
#[must_use]
pub fn judge_measured(
    bundle: &Bundle,
    policy: &Policy,
    subject: &Subject<'_>,
    measured: Measured<'_>,
    books: &mut Books,
) -> Judgement {
    let Books { features, notes, ledgers } = books;
    let Subject { comment, document, context } = *subject;
    let Measured { signals, hits, shadow_hits, could_stray, text, near, corrections } = measured;
    let mut asked = Asked::default();
    for hit in &hits {
        if let Some(action) = hit.effect.action {
            asked.note(action, hit.site_rule);
        }
    }

    features.collect(comment, document);
    let language = document.language().map(|guess| guess.lang);
    let decided = (remembered(text, near), &corrections);
    add_up(bundle, (&signals, &hits), (could_stray, decided), (features, language), ledgers);
    let mut labels = PerLabel::from_fn(|label| ledgers[label].score());
    let action = asked.or(by_model(policy, &labels));
    let (a, b) = bundle.overall;
    let overall = LogOdds::new(a * union(&PerLabel::from_fn(|label| labels[label].log_odds)) + b);
    let probability = overall.probability();

    let evidence = Evidence { bundle, subject, signals: &signals, hits: &hits, ledgers };
    let words = action != Action::Allow || probability.get() >= EXPLAIN_WORDS_FROM;
    let reasons = reasons(&evidence, &mut labels, words.then_some(features), notes);
    let counterfactual =
        (action != Action::Allow).then(|| counterfactual(&evidence, policy, notes, asked.any())).flatten();
    let assessment = Assessment {
        labels,
        overall,
        probability,
        reasons,
        article_read: context.article.map_or("none", |a| a.read()).into(),
        language: language.map(Into::into),
        counterfactual,
    };
    let rules = hits.iter().map(|hit| hit.name.to_owned()).collect();
    Judgement { action, assessment, shadow_hits, rules, signals, could_stray }
}

/// Whether there is anything the comment could be off.
fn can_stray(subject: &Subject<'_>) -> bool {
    let article = subject.context.article.is_some_and(|article| !article.is_empty());
    article || subject.comment.place.parent_text.is_some()
}

/// Writes the books of each label.
fn add_up(
    bundle: &Bundle,
    (signals, hits): (&Signals, &[Hit<'_>]),
    (could_stray, (memory, corrections)): (bool, (Option<LogOdds>, &PerLabel<LogOdds>)),
    (features, language): (&FeatureSet, Option<&str>),
    ledgers: &mut PerLabel<Ledger>,
) {
    let steps = features.blocks().map(|numbers| bundle.text.sum(numbers));
    let (values, language) = (features.values(), bundle.language(language));
    let mut shifts = [0.0_f64; COUNT];
    for ((shift, x), mean) in shifts.iter_mut().zip(signals.scaled()).zip(&bundle.means) {
        *shift = f64::from(x) - mean;
    }
    for label in Label::ALL {
        let (head, ledger) = (&bundle.heads[label], &mut ledgers[label]);
        for ((slot, shift), weight) in ledger.signals.iter_mut().zip(&shifts).zip(&head.signals) {
            // An absent signal is NaN, which `LogOdds::new` takes for no evidence.
            *slot = LogOdds::new(weight * shift);
        }
        ledger.base = LogOdds::new(head.base + head.languages.get(language).copied().unwrap_or(0.0));
        ledger.text = LogOdds::new(bundle.text.log_odds(label, &steps, values));
        ledger.rules =
            hits.iter().map(|hit| LogOdds::new(head.rules * hit.effect.weights[label].get())).sum();
        ledger.memory = LogOdds::EVEN;
        ledger.decisions = corrections[label];
    }
    if !could_stray {
        ledgers[Label::OffTopic].decisions = LogOdds::EVEN;
        ledgers[Label::OffTopic].keep_to_statements(NOTHING_TO_STRAY_FROM);
    }
    if let Some(shift) = memory {
        // An approved text is cleared of everything; a rejected one was rejected for
        // what it looks most like.
        let totals = PerLabel::from_fn(|label| ledgers[label].total());
        let worst = totals.iter().map(|(_, z)| z.get()).fold(f64::NEG_INFINITY, f64::max);
        for (label, total) in totals.iter() {
            if shift.get() < 0.0 || total.get() >= worst {
                ledgers[label].memory = shift;
            }
        }
    }
}

/// What people's decisions on this very text are worth, so many approvals and
/// rejections; or, where there are none, those on texts nearly the same: the less the
/// farther they are.
fn remembered(text: Option<(u32, u32)>, near: Option<NearRulings>) -> Option<LogOdds> {
    let nats = |rejected: f64, approved: f64| {
        (2.0 * ((rejected + 0.1) / (approved + 0.1)).ln()).clamp(-MAX_MEMORY, MAX_MEMORY)
    };
    match (text.filter(|ruled| *ruled != (0, 0)), near) {
        (Some((approved, rejected)), _) if approved == rejected => None,
        (Some((approved, rejected)), _) => Some(LogOdds::new(nats(f64::from(rejected), f64::from(approved)))),
        (None, Some(near)) => Some(LogOdds::new(near.nearest * nats(near.rejected, near.approved))),
        (None, None) => None,
    }
}
