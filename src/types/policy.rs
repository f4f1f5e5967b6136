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

/// The shipped policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// A wrongly held comment costs as much as a missed bad one: hold from 1/2.
    Balanced,
    /// A missed bad comment costs four times as much: hold from 1/5.
    Strict,
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
        let p = |value: f64| Probability::new(value).unwrap_or_default();
        let row = |hold, reject: Option<f64>, discard: Option<f64>| LabelThresholds {
            hold: p(hold),
            reject: reject.map(p),
            discard: discard.map(p),
        };
        let thresholds = match preset {
            Preset::Balanced => PerLabel::from_fn(|label| match label {
                Label::Spam => row(0.50, Some(0.90), Some(0.999)),
                Label::LowContent | Label::OffTopic => row(0.50, None, None),
                Label::Abuse => row(0.50, Some(0.97), None),
            }),
            Preset::Strict => PerLabel::from_fn(|label| match label {
                Label::Spam => row(0.20, Some(0.80), Some(0.995)),
                Label::LowContent | Label::OffTopic => row(0.20, None, None),
                Label::Abuse => row(0.20, Some(0.90), None),
            }),
        };
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
}
