//! What a site does with an assessment: thresholds per label and the action.
//!
//! The decision itself is `scoring::policy`. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{Label, PerLabel, Probability};

/// What becomes of a comment, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Action {
    /// Publish.
    Allow,
    /// Keep for a moderator.
    Hold,
    /// Refuse; moderators can still find it.
    Reject,
    /// Refuse and keep out of sight: certain junk.
    Discard,
}

impl Action {
    /// Every action, mildest first.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Hold, Self::Reject, Self::Discard];

    /// The name in files, metrics and the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Hold => "HOLD",
            Self::Reject => "REJECT",
            Self::Discard => "DISCARD",
        }
    }

    /// The action of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// From which probability on a label has consequences. Each is at least the
/// one before; 1.0 and an absent value mean never.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelThresholds {
    /// Hold from here on.
    pub hold: Probability,
    /// Reject from here on.
    pub reject: Option<Probability>,
    /// Discard from here on.
    pub discard: Option<Probability>,
}

/// Why thresholds are no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("thresholds of {label} must not fall: hold ≤ reject ≤ discard")]
pub struct InvalidPolicy {
    /// The label concerned.
    pub label: Label,
}

/// The shipped policies. Their thresholds are not chosen by eye: each follows from
/// what the two mistakes of its action cost, see [`Preset::costs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// A good comment held in vain costs as much as a bad one published; spam published
    /// half as much again.
    Balanced,
    /// A bad comment published costs four times as much as a good one held in vain.
    Strict,
}

/// What the two mistakes of an action cost, in any one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Taking the action on a comment that does not carry the label.
    pub wrong: f64,
    /// Not taking it on one that does.
    pub missed: f64,
}

impl Costs {
    /// From which probability on the action costs less than leaving it:
    /// `wrong / (wrong + missed)` (C. Elkan, "The Foundations of Cost-Sensitive
    /// Learning", IJCAI 2001).
    #[must_use]
    pub fn threshold(self) -> Probability {
        Probability::new(self.wrong / (self.wrong + self.missed)).unwrap_or_default()
    }
}

impl Preset {
    /// The name in reports and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::Strict => "strict",
        }
    }

    /// What the mistakes of an action cost under this policy; `None` for an action it
    /// never takes because of this label.
    ///
    /// | action | label | balanced | strict | in words |
    /// |---|---|---|---|---|
    /// | HOLD | spam | 2 : 3 | 1 : 4 | a good comment waits in vain : a bad one is published |
    /// | HOLD | others | 1 : 1 | 1 : 4 | the same; a bad advert pays its sender, a bad remark nobody |
    /// | REJECT | spam | 9 : 1 | 4 : 1 | a good comment is lost : a moderator looks at a bad one |
    /// | REJECT | abuse | 32 : 1 | 9 : 1 | the same; tone is a matter of opinion, so people see more of it |
    /// | DISCARD | spam | 999 : 1 | 199 : 1 | a good comment is lost unseen : a rejected one clutters the search |
    ///
    /// Low content and off topic are never refused without a person.
    #[must_use]
    pub const fn costs(self, label: Label, action: Action) -> Option<Costs> {
        let (wrong, missed) = match (action, label, self) {
            (Action::Hold, Label::Spam, Self::Balanced) => (2.0, 3.0),
            (Action::Hold, _, Self::Balanced) => (1.0, 1.0),
            (Action::Hold, _, Self::Strict) => (1.0, 4.0),
            (Action::Reject, Label::Spam, Self::Balanced) => (9.0, 1.0),
            (Action::Reject, Label::Spam, Self::Strict) => (4.0, 1.0),
            (Action::Reject, Label::Abuse, Self::Balanced) => (32.0, 1.0),
            (Action::Reject, Label::Abuse, Self::Strict) => (9.0, 1.0),
            (Action::Discard, Label::Spam, Self::Balanced) => (999.0, 1.0),
            (Action::Discard, Label::Spam, Self::Strict) => (199.0, 1.0),
            (Action::Allow | Action::Reject | Action::Discard, _, _) => return None,
        };
        Some(Costs { wrong, missed })
    }
}

/// Thresholds per label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    thresholds: PerLabel<LabelThresholds>,
}

impl Policy {
    /// Checks that thresholds rise from hold to discard.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] names the first label whose thresholds fall.
    pub fn new(thresholds: PerLabel<LabelThresholds>) -> Result<Self, InvalidPolicy> {
        for (label, t) in thresholds.iter() {
            let steps = [Some(t.hold), t.reject, t.discard];
            let known: Vec<_> = steps.into_iter().flatten().collect();
            if known.windows(2).any(|pair| matches!(pair, [a, b] if a > b)) {
                return Err(InvalidPolicy { label });
            }
        }
        Ok(Self { thresholds })
    }

    /// A shipped policy.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        let from = |label, action| preset.costs(label, action).map(Costs::threshold);
        let thresholds = PerLabel::from_fn(|label| LabelThresholds {
            hold: from(label, Action::Hold).unwrap_or_default(),
            reject: from(label, Action::Reject),
            discard: from(label, Action::Discard),
        });
        Self { thresholds }
    }

    /// The thresholds of a label.
    #[must_use]
    pub fn thresholds(&self, label: Label) -> LabelThresholds {
        self.thresholds[label]
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::preset(Preset::Balanced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_must_rise() {
        for preset in [Preset::Balanced, Preset::Strict] {
            assert!(Policy::new(Policy::preset(preset).thresholds).is_ok());
        }
        let mut bad = Policy::default().thresholds;
        bad[Label::Abuse].reject = Probability::new(0.1);
        assert_eq!(Policy::new(bad), Err(InvalidPolicy { label: Label::Abuse }));
    }

    #[test]
    fn thresholds_follow_from_costs() {
        let check = |preset, label, want: [Option<f64>; 3]| {
            let t = Policy::preset(preset).thresholds(label);
            let got = [Some(t.hold), t.reject, t.discard].map(|p| p.map(Probability::get));
            assert_eq!(got, want, "{preset:?} {label}");
        };
        check(Preset::Balanced, Label::Spam, [Some(0.4), Some(0.9), Some(0.999)]);
        check(Preset::Balanced, Label::OffTopic, [Some(0.5), None, None]);
        check(Preset::Balanced, Label::Abuse, [Some(0.5), Some(32.0 / 33.0), None]);
        check(Preset::Strict, Label::Spam, [Some(0.2), Some(0.8), Some(0.995)]);
        check(Preset::Strict, Label::LowContent, [Some(0.2), None, None]);
        check(Preset::Strict, Label::Abuse, [Some(0.2), Some(0.9), None]);
    }
}
