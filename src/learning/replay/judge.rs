//! One recorded comment judged again.
//!
//! May import: `types`, `text`, `features`, `classifier`, `rules`, `scoring`.

use crate::{
    classifier::Bundle,
    features::{ArticleProfile, Context, Subject, signals::Signals},
    rules::{Hit, RuleSet},
    scoring::{Books, Judgement, Measured, judge_measured},
    text::{Document, NORMALIZER_VERSION},
    types::{Author, Comment, Label, PerLabel, Place, Policy, RequestFacts, Timestamp, Verdict},
};

/// Why a verdict cannot be judged again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It was recorded without a trace.
    #[error("it was recorded by a version that kept no trace")]
    NoTrace,
    /// Its text was read by another normaliser.
    #[error("its text was read by normaliser {0}, this is {NORMALIZER_VERSION}")]
    Normalizer(u32),
    /// Its signals are those of another catalogue.
    #[error("its signals were measured by another version of the program")]
    Signals,
    /// Its model is gone.
    #[error("model {0} is not kept any more")]
    Model(String),
    /// Its rules are gone.
    #[error("rules {0} are not kept")]
    Rules(String),
}

/// By which rules.
#[derive(Clone, Copy, Debug)]
pub enum Rules<'a> {
    /// Those that matched then, by name, out of the set that was in force.
    Recorded(&'a RuleSet),
    /// These, asked again, as of a moment.
    Asked(&'a RuleSet, Timestamp),
}

/// Buffers to judge with; one per thread.
#[derive(Debug, Default)]
pub struct Bench {
    document: Document,
    books: Books,
}

impl Bench {
    /// Judges the comment of a verdict. Without a `policy` by the thresholds that
    /// decided then. The article only helps to tell why: its words are in the signals.
    ///
    /// # Errors
    ///
    /// [`Why`] not.
    pub fn judge(
        &mut self,
        verdict: &Verdict,
        bundle: &Bundle,
        rules: Rules<'_>,
        policy: Option<&Policy>,
        article: Option<&ArticleProfile>,
    ) -> Result<Judgement, Why> {
        let trace = verdict.trace.as_ref().ok_or(Why::NoTrace)?;
        if verdict.versions.normalizer != NORMALIZER_VERSION {
            return Err(Why::Normalizer(verdict.versions.normalizer));
        }
        let signals = Signals::unpack(&trace.signals.0).ok_or(Why::Signals)?;
        let comment = comment_of(verdict);
        self.document.read(comment.body.as_str(), comment.markup);
        let context = Context { article, ..Context::default() };
        let subject = Subject { comment: &comment, document: &self.document, context: &context };
        let (hits, shadow_hits) = (Vec::new(), Vec::new());
        let mut measured = Measured {
            signals,
            hits,
            shadow_hits,
            could_stray: trace.could_stray,
            text: trace.text,
            // Not recorded: the rare verdict that they moved comes out otherwise.
            near: None,
            corrections: PerLabel::from_fn(|label| verdict.assessment.labels[label].decisions),
        };
        let (mut live, mut shadow) = (Vec::new(), Vec::new());
        let mut note = |hit| sort(hit, &mut live, &mut shadow);
        match rules {
            Rules::Recorded(set) => set.recall(Some(&verdict.site), &trace.rules, &mut note),
            Rules::Asked(set, now) => {
                let read = Some(&*verdict.assessment.article_read);
                set.evaluate_as(&subject, &signals, (Some(&verdict.site), read), Some(now), &mut note);
            }
        }
        (measured.hits, measured.shadow_hits) = (live, shadow);
        let policy = policy.unwrap_or(&trace.policy);
        Ok(judge_measured(bundle, policy, &subject, measured, &mut self.books))
    }
}

fn sort<'a>(hit: Hit<'a>, live: &mut Vec<Hit<'a>>, shadow: &mut Vec<String>) {
    if hit.shadow { shadow.push(hit.name.to_owned()) } else { live.push(hit) }
}

/// The comment as far as it is kept.
fn comment_of(verdict: &Verdict) -> Comment {
    let trace = verdict.trace.as_ref();
    Comment {
        id: verdict.comment.clone(),
        body: verdict.body.clone(),
        markup: verdict.markup,
        author: Author {
            id: verdict.author_id.clone(),
            name: verdict.author_name.clone(),
            url: verdict.author_url.clone(),
            email: None,
        },
        place: Place {
            article: verdict.article.clone(),
            inline_article: None,
            parent: verdict.parent.clone(),
            parent_text: verdict.parent_text.clone(),
        },
        request: RequestFacts {
            honeypot_filled: trace.and_then(|trace| trace.honeypot),
            form_seconds: trace.and_then(|trace| trace.form_seconds),
            ..RequestFacts::default()
        },
        posted_at: verdict.posted_at,
    }
}

/// A verdict as it came out now. What people said stays said.
pub(super) fn renewed(recorded: &Verdict, judged: Judgement) -> Verdict {
    let scored = recorded.trace.as_ref().map(|trace| trace.scored);
    let mut again = recorded.clone();
    if scored == Some(recorded.action) {
        again.action = judged.action;
    }
    let (read, language) = (again.assessment.article_read.clone(), again.assessment.language.clone());
    again.assessment = judged.assessment;
    again.assessment.article_read = read;
    again.assessment.language = again.assessment.language.or(language);
    again.shadow_hits = recorded.shadow_hits.clone();
    if let Some(trace) = &mut again.trace {
        trace.scored = judged.action;
    }
    again
}

/// Which numbers came out otherwise.
pub(super) fn differences(recorded: &Verdict, again: &Verdict) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: String, before: f64, after: f64| {
        if before.to_bits() != after.to_bits() {
            found.push(format!("{what}: recorded {before}, now {after}"));
        }
    };
    for label in Label::ALL {
        let (before, after) = (recorded.assessment.labels[label], again.assessment.labels[label]);
        compare(format!("{label} log-odds"), before.log_odds.get(), after.log_odds.get());
        compare(format!("{label} probability"), before.probability.get(), after.probability.get());
        compare(format!("{label} base"), before.base.get(), after.base.get());
    }
    compare("overall log-odds".into(), recorded.assessment.overall.get(), again.assessment.overall.get());
    let probability = |verdict: &Verdict| verdict.assessment.probability.get();
    compare("overall probability".into(), probability(recorded), probability(again));
    if recorded.action != again.action {
        found.push(format!("action: recorded {}, now {}", recorded.action.name(), again.action.name()));
    }
    let scored = |verdict: &Verdict| verdict.trace.as_ref().map(|trace| trace.scored);
    if scored(recorded) != scored(again) {
        found.push("what scoring said before people's word".to_owned());
    }
    found
}
