//! From probabilities and rules to an action.
//!
//! Order of authority: a site's rule, a global rule, the model. Rules of the same
//! rank that disagree end in HOLD: a person decides. May import: `types`.

use crate::types::{Action, LabelScore, LogOdds, PerLabel, Policy};

/// What the policy makes of the probabilities: the hardest action that any label
/// has earned.
pub(super) fn by_model(policy: &Policy, labels: &PerLabel<LabelScore>) -> Action {
    probable(policy, &PerLabel::from_fn(|label| labels[label].log_odds))
}

/// The same for log-odds.
pub(super) fn probable(policy: &Policy, odds: &PerLabel<LogOdds>) -> Action {
    let earned = |(label, odds): (_, &LogOdds)| {
        let thresholds = policy.thresholds(label);
        let p = odds.probability();
        match () {
            () if thresholds.discard.is_some_and(|t| p >= t) => Action::Discard,
            () if thresholds.reject.is_some_and(|t| p >= t) => Action::Reject,
            () if p >= thresholds.hold => Action::Hold,
            () => Action::Allow,
        }
    };
    odds.iter().map(earned).max().unwrap_or(Action::Allow)
}

/// Actions that rules asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    site: Option<Action>,
    global: Option<Action>,
}

impl Asked {
    /// Notes what one rule asks for.
    pub(super) fn note(&mut self, action: Action, site_rule: bool) {
        let slot = if site_rule { &mut self.site } else { &mut self.global };
        *slot = match *slot {
            Some(other) if other != action => Some(Action::Hold),
            _ => Some(action),
        };
    }

    /// Whether a rule asked for an action.
    pub(super) const fn any(self) -> bool {
        self.site.is_some() || self.global.is_some()
    }

    /// The action, given what the model says.
    pub(super) fn or(self, model: Action) -> Action {
        self.site.or(self.global).unwrap_or(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Label;

    #[test]
    fn the_hardest_earned_action_wins() {
        let check = |spam: f64, abuse: f64, want| {
            let unlikely = LabelScore { log_odds: LogOdds::new(-3.0), ..LabelScore::default() };
            let mut labels = PerLabel::from_fn(|_| unlikely);
            labels[Label::Spam].log_odds = LogOdds::new((spam / (1.0 - spam)).ln());
            labels[Label::Abuse].log_odds = LogOdds::new((abuse / (1.0 - abuse)).ln());
            assert_eq!(by_model(&Policy::default(), &labels), want, "spam {spam} abuse {abuse}");
        };
        check(0.1, 0.1, Action::Allow);
        check(0.1, 0.7, Action::Hold);
        check(0.95, 0.7, Action::Reject);
        check(0.9999, 0.1, Action::Discard);
    }

    #[test]
    fn rules_rank_by_whose_they_are() {
        let check = |asked: &[(Action, bool)], want| {
            let mut all = Asked::default();
            asked.iter().for_each(|&(action, site)| all.note(action, site));
            assert_eq!(all.or(Action::Reject), want, "{asked:?}");
        };
        check(&[], Action::Reject);
        check(&[(Action::Allow, false)], Action::Allow);
        check(&[(Action::Discard, false), (Action::Allow, true)], Action::Allow);
        check(&[(Action::Discard, false), (Action::Allow, false)], Action::Hold);
    }
}
