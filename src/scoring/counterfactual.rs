//! What would have let a comment through: the sums of each label again, with one thing
//! gone.
//!
//! The comment is not read again: of what is gone, signals fall to 0 and words and
//! rules fall away; all else stays as it was. So it tells what the model weighs, to
//! the nat, and costs one addition per label. May import: `types`, `features`,
//! `classifier`, `rules`.

use crate::{
    features::signals::SignalId,
    types::{Action, Counterfactual, Label, LogOdds, PerLabel, Policy},
};

use super::{
    explain::{About, Candidate, Cause, Evidence, Notes, about},
    policy::probable,
};

/// The first listed reason without which the policy would have allowed the comment.
pub(super) fn counterfactual(
    evidence: &Evidence<'_>,
    policy: &Policy,
    notes: &Notes,
    forced: bool,
) -> Option<Counterfactual> {
    if forced {
        return by_rule(evidence, policy);
    }
    let weighty = notes.listed().filter(|candidate| candidate.log_odds.get() > 0.0);
    weighty.into_iter().find_map(|candidate| {
        let message = message(evidence, candidate)?;
        let odds = PerLabel::from_fn(|label| without(evidence, notes, candidate, label));
        (probable(policy, &odds) == Action::Allow)
            .then(|| Counterfactual { code: evidence.code(candidate.cause), message: message.into() })
    })
}

/// For an action that a rule asked for: whether it was that rule alone.
fn by_rule(evidence: &Evidence<'_>, policy: &Policy) -> Option<Counterfactual> {
    let mut asking = evidence.hits.iter().filter(|hit| hit.effect.action.is_some());
    let (Some(hit), None) = (asking.next(), asking.next()) else { return None };
    let odds = PerLabel::from_fn(|label| {
        let worth = evidence.bundle.heads[label].rules * hit.effect.weights[label].get();
        minus(evidence.ledgers[label].total(), LogOdds::new(worth))
    });
    (probable(policy, &odds) == Action::Allow).then(|| Counterfactual {
        code: format!("rule/{}", hit.name).into(),
        message: format!("It would be allowed if the rule \u{201c}{}\u{201d} had not matched.", hit.name)
            .into(),
    })
}

/// The odds of a label without a candidate's cause.
fn without(evidence: &Evidence<'_>, notes: &Notes, gone: &Candidate, label: Label) -> LogOdds {
    let ledger = &evidence.ledgers[label];
    let head = &evidence.bundle.heads[label];
    let same_label = |candidate: &&Candidate| candidate.label == label;
    let part: LogOdds = match gone.cause {
        Cause::Relevance => family(evidence, label, About::Relevance, false),
        Cause::Signal(id) => {
            let hosts = notes.listed().filter(same_label).filter(|c| about(id) == About::Link && c.is_host());
            family(evidence, label, about(id), true) + hosts.map(|c| c.log_odds).sum()
        }
        Cause::Rule(at) => evidence
            .hits
            .get(at)
            .map_or(LogOdds::EVEN, |hit| LogOdds::new(head.rules * hit.effect.weights[label].get())),
        Cause::Memory => ledger.memory,
        Cause::Decisions => ledger.decisions,
        Cause::Word(..) if gone.is_host() => {
            family(evidence, label, About::Link, true)
                + notes.listed().filter(same_label).filter(|c| c.is_host()).map(|c| c.log_odds).sum()
        }
        Cause::Word(span, field, _) => {
            let same = |c: &&Candidate| matches!(c.cause, Cause::Word(s, f, _) if s == span && f == field);
            notes.listed().filter(same_label).filter(same).map(|c| c.log_odds).sum()
        }
    };
    minus(ledger.total(), part)
}

/// What the signals of a family add to a label; with `absent`, what they add beyond
/// what they would at 0.
fn family(evidence: &Evidence<'_>, label: Label, family: About, absent: bool) -> LogOdds {
    let head = &evidence.bundle.heads[label];
    let moved = evidence.ledgers[label].signals.iter().enumerate();
    moved
        .filter(|(at, _)| about(SignalId(*at as u16)) == family)
        .map(|(at, log_odds)| {
            let present = evidence.signals.get(SignalId(at as u16)).is_some();
            let (weight, mean) = (head.signals.get(at), evidence.bundle.means.get(at));
            match (weight, mean) {
                (Some(weight), Some(mean)) if absent && present => {
                    minus(*log_odds, LogOdds::new(-weight * mean))
                }
                _ if absent => LogOdds::EVEN,
                _ => *log_odds,
            }
        })
        .sum()
}

fn minus(a: LogOdds, b: LogOdds) -> LogOdds {
    LogOdds::new(a.get() - b.get())
}

/// The sentence for a cause; `None` for those that nobody could change.
fn message(evidence: &Evidence<'_>, candidate: &Candidate) -> Option<String> {
    let subject = evidence.subject;
    let without = match candidate.cause {
        Cause::Relevance if subject.context.article.is_some() => {
            return Some(
                "It would be allowed if its words related to the article as most comments' do.".into(),
            );
        }
        Cause::Relevance => "It would be allowed if it said as much as most comments do.".into(),
        Cause::Memory => "It would be allowed had people not rejected this text before.".into(),
        Cause::Decisions => {
            "It would be allowed had people here not rejected comments with the same words.".into()
        }
        Cause::Rule(at) => {
            let name = evidence.hits.get(at)?.name;
            format!("It would be allowed if the rule \u{201c}{name}\u{201d} had not matched.")
        }
        Cause::Signal(id) => match about(id) {
            About::Link => links(evidence),
            About::Contact => "It would be allowed without the contact details.".into(),
            About::Disguise => "It would be allowed if it were written plainly.".into(),
            About::Relevance | About::Whole => return None,
        },
        Cause::Word(..) if candidate.is_host() => links(evidence),
        Cause::Word(span, ..) => {
            let word: String = span?.of(subject.comment.body.as_str())?.chars().take(40).collect();
            format!("It would be allowed without \u{201c}{word}\u{201d}.")
        }
    };
    Some(without)
}

fn links(evidence: &Evidence<'_>) -> String {
    let what = if evidence.subject.document.links().len() > 1 { "links" } else { "link" };
    format!("It would be allowed without the {what}.")
}
