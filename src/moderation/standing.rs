//! What people have said already: a decision on this very comment, a rule on its
//! author. Both stand above whatever the filter says.
//!
//! Pure but for the reads. May import: `types`, `store`.

use crate::{
    store::{Enqueue, SharedStore},
    types::{
        Action, Assessment, AuthorAction, AuthorRule, Cause, Causes, Comment, Decision, Disposition, LogOdds,
        QueueRules, Reason, ReasonSource, SiteId, TallyKey, TallyKind, Timestamp, text_digest,
    },
};

use super::ModerationError;

/// Most reasons of an assessment.
const MAX_REASONS: usize = 5;

/// What people have said about a comment before it was scored.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// The decision that holds on the comment with this text.
    pub(super) decision: Option<Decision>,
    /// What holds for its author.
    pub(super) author: Option<AuthorRule>,
}

impl Standing {
    /// Reads it: at most two point reads, none for a comment without id and author.
    pub(super) async fn read(
        store: &SharedStore,
        site: &SiteId,
        comment: &Comment,
        keys: &[TallyKey],
        now: Timestamp,
    ) -> Result<Self, ModerationError> {
        let decision = match &comment.id {
            Some(id) => {
                let text = text_digest(&comment.body, comment.markup);
                store.decision_on_comment(site, id, text).await?
            }
            None => None,
        };
        let author = match keys.iter().find(|key| key.kind == TallyKind::Author) {
            Some(key) => store.author_rule(site, key.digest).await?.filter(|rule| rule.is_live(now)),
            None => None,
        };
        Ok(Self { decision, author })
    }

    /// The action after people have spoken, with the reason for any change: a
    /// decision on the comment beats a rule on its author, and both beat the filter.
    pub(super) fn settle(&self, action: Action) -> (Action, Option<(&'static str, String)>) {
        if let Some(decision) = &self.decision {
            match decision.disposition {
                Disposition::Approve => {
                    let told = format!("{} approved this comment", decision.actor);
                    return (Action::Allow, Some(("person/approved", told)));
                }
                Disposition::Reject => {
                    let told = format!("{} rejected this comment", decision.actor);
                    return (Action::Reject, Some(("person/rejected", told)));
                }
                Disposition::Undo => {}
            }
        }
        let rule = self.author.as_ref().map(|rule| rule.action);
        match (rule, action) {
            (Some(AuthorAction::Ban), _) => {
                (Action::Reject, Some(("author/banned", "the author is banned".to_owned())))
            }
            (Some(AuthorAction::PreModerate), Action::Allow) => {
                let told = "every comment of this author waits for a person".to_owned();
                (Action::Hold, Some(("author/pre_moderated", told)))
            }
            (Some(AuthorAction::Trust), Action::Hold) => {
                (Action::Allow, Some(("author/trusted", "the author is trusted".to_owned())))
            }
            (_, action) => (action, None),
        }
    }

    /// What puts the comment into the queue, given its final action and a number
    /// drawn evenly from `0..1_000_000`.
    pub(super) fn enqueue(
        &self,
        action: Action,
        rules: QueueRules,
        drawn: u32,
        (section, exposure): (Option<String>, f32),
    ) -> Option<Enqueue> {
        if self.decision.is_some() {
            return None;
        }
        let cause = match action {
            Action::Hold => Cause::Held,
            Action::Allow if drawn < rules.sample_per_million => Cause::Sampled,
            Action::Allow | Action::Reject | Action::Discard => return None,
        };
        Some(Enqueue { causes: Causes::of(cause), section, exposure })
    }
}

/// Puts a reason without weight in front. The books stay balanced: a reason that
/// has to make room is added to the rest of its label.
pub(super) fn note(assessment: &mut Assessment, code: &'static str, message: String) {
    if assessment.reasons.len() >= MAX_REASONS
        && let Some(weakest) = assessment.reasons.pop()
    {
        let score = &mut assessment.labels[weakest.label];
        score.rest = LogOdds::new(score.rest.get() + weakest.log_odds.get());
    }
    let label = assessment
        .labels
        .iter()
        .max_by(|(_, a), (_, b)| a.log_odds.get().total_cmp(&b.log_odds.get()))
        .map_or(crate::types::Label::Spam, |(label, _)| label);
    let reason = Reason {
        code: code.into(),
        source: ReasonSource::Rule,
        label,
        log_odds: LogOdds::EVEN,
        message: message.into(),
        value: None,
        span: None,
    };
    assessment.reasons.insert(0, reason);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{DecisionId, KeyId, Label, PerLabel, Probability, QueueItemId, VerdictId};

    fn decision(disposition: Disposition) -> Decision {
        let verdict = VerdictId::generate();
        Decision {
            id: DecisionId::generate(),
            item: QueueItemId::from(verdict),
            verdict,
            actor: KeyId::new("m1").expect("key"),
            disposition,
            reason: None,
            policy_clause: String::new(),
            note: String::new(),
            batch: None,
            reverses: None,
            author_action: None,
            token: None,
            created_at: Timestamp::default(),
        }
    }

    fn author(action: AuthorAction) -> AuthorRule {
        AuthorRule {
            action,
            until: None,
            actor: KeyId::new("m1").expect("key"),
            decision: None,
            note: String::new(),
            created_at: Timestamp::default(),
        }
    }

    #[test]
    fn people_stand_above_the_filter() {
        use {Action as A, AuthorAction as R, Disposition as D};
        #[rustfmt::skip]
        let cases = [
            ("nobody spoke",                None,             None,                 A::Hold,    A::Hold,   ""),
            ("approved stays approved",     Some(D::Approve), None,                 A::Discard, A::Allow,  "person/approved"),
            ("rejected stays rejected",     Some(D::Reject),  None,                 A::Allow,   A::Reject, "person/rejected"),
            ("a decision beats a ban",      Some(D::Approve), Some(R::Ban),         A::Reject,  A::Allow,  "person/approved"),
            ("a ban beats the filter",      None,             Some(R::Ban),         A::Allow,   A::Reject, "author/banned"),
            ("watched authors wait",        None,             Some(R::PreModerate), A::Allow,   A::Hold,   "author/pre_moderated"),
            ("and are still refused",       None,             Some(R::PreModerate), A::Reject,  A::Reject, ""),
            ("trusted authors do not wait", None,             Some(R::Trust),       A::Hold,    A::Allow,  "author/trusted"),
            ("but are still refused",       None,             Some(R::Trust),       A::Reject,  A::Reject, ""),
        ];
        for (name, ruled, rule, action, want, code) in cases {
            let standing = Standing { decision: ruled.map(decision), author: rule.map(author) };
            let (settled, note) = standing.settle(action);
            assert_eq!((settled, note.map_or("", |(code, _)| code)), (want, code), "{name}");
        }
    }

    #[test]
    fn held_and_drawn_comments_wait() {
        let rules = QueueRules { sample_per_million: 10_000, ..QueueRules::default() };
        let causes = |standing: &Standing, action, drawn| {
            standing.enqueue(action, rules, drawn, (None, 1.0)).map(|enqueue| enqueue.causes)
        };
        let nobody = Standing::default();
        assert_eq!(causes(&nobody, Action::Hold, 999_999), Some(Causes::of(Cause::Held)));
        assert_eq!(causes(&nobody, Action::Allow, 9_999), Some(Causes::of(Cause::Sampled)));
        assert_eq!(causes(&nobody, Action::Allow, 10_000), None);
        assert_eq!(causes(&nobody, Action::Reject, 0), None);
        let ruled = Standing { decision: Some(decision(Disposition::Approve)), author: None };
        assert_eq!(causes(&ruled, Action::Allow, 0), None);
    }

    #[test]
    fn a_note_keeps_the_books_balanced() {
        let reason = |nats: f64| Reason {
            code: "text/word".into(),
            source: ReasonSource::Text,
            label: Label::Spam,
            log_odds: LogOdds::new(nats),
            message: "".into(),
            value: None,
            span: None,
        };
        let mut assessment = Assessment {
            labels: PerLabel::from_fn(|_| crate::types::LabelScore::default()),
            overall: LogOdds::EVEN,
            probability: Probability::default(),
            reasons: (0..5).map(|n| reason(f64::from(5 - n) / 16.0)).collect(),
            article_read: "none".into(),
            language: None,
            counterfactual: None,
        };
        let sum = |a: &Assessment| {
            a.labels[Label::Spam].rest.get() + a.reasons.iter().map(|r| r.log_odds.get()).sum::<f64>()
        };
        let before = sum(&assessment);
        note(&mut assessment, "author/banned", "the author is banned".to_owned());
        assert_eq!((assessment.reasons.len(), &*assessment.reasons[0].code), (5, "author/banned"));
        assert!((sum(&assessment) - before).abs() < 1e-12);
    }
}
