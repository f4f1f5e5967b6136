//! What a person ruled, why, and what that means to the European Union's
//! Digital Services Act.
//!
//! A decision is an event: it never changes; undoing it is another decision.
//! Knows nothing of stores. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{BatchId, DecisionId, KeyId, Label, QueueItemId, Timestamp, VerdictId};

/// What is ruled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// The comment may stand.
    Approve,
    /// The comment has to go.
    Reject,
    /// The decision named by `reverses` never was.
    Undo,
}

impl Disposition {
    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Undo => "undo",
        }
    }
}

/// Why a comment has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Advertising, scams, unsolicited contact.
    Spam,
    /// Says nothing.
    LowContent,
    /// Not about the article or thread.
    OffTopic,
    /// Attacks a person.
    Harassment,
    /// Attacks people for what they are.
    Hate,
    /// Sexual content.
    Sexual,
    /// Threatens or praises violence.
    Violence,
    /// Gives away personal data of somebody.
    PersonalData,
    /// Against the law in another way.
    Illegal,
    /// Against the site's rules in another way.
    Other,
}

/// Category of a statement of reasons in the Commission's transparency database
/// (Regulation (EU) 2022/2065, articles 17 and 24(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DsaCategory {
    /// Fraud and scams.
    ScamsAndFraud,
    /// Harassment and other violence by means of the network.
    CyberViolence,
    /// Hate speech and other unlawful or harmful speech.
    IllegalOrHarmfulSpeech,
    /// Violence.
    Violence,
    /// Data protection and privacy.
    DataProtectionAndPrivacyViolations,
    /// Another breach of the terms and conditions.
    OtherViolationTc,
}

impl DsaCategory {
    /// The value that the transparency database takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScamsAndFraud => "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
            Self::CyberViolence => "STATEMENT_CATEGORY_CYBER_VIOLENCE",
            Self::IllegalOrHarmfulSpeech => "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
            Self::Violence => "STATEMENT_CATEGORY_VIOLENCE",
            Self::DataProtectionAndPrivacyViolations => {
                "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS"
            }
            Self::OtherViolationTc => "STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
        }
    }
}

impl ReasonCode {
    /// Every code.
    pub const ALL: [Self; 10] = [
        Self::Spam,
        Self::LowContent,
        Self::OffTopic,
        Self::Harassment,
        Self::Hate,
        Self::Sexual,
        Self::Violence,
        Self::PersonalData,
        Self::Illegal,
        Self::Other,
    ];

    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::LowContent => "low_content",
            Self::OffTopic => "off_topic",
            Self::Harassment => "harassment",
            Self::Hate => "hate",
            Self::Sexual => "sexual",
            Self::Violence => "violence",
            Self::PersonalData => "personal_data",
            Self::Illegal => "illegal",
            Self::Other => "other",
        }
    }

    /// The code of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }

    /// The label that a comment rejected for this carries; `None` where the models
    /// have no word for it, and only "had to go" is learnt.
    #[must_use]
    pub const fn label(self) -> Option<Label> {
        match self {
            Self::Spam => Some(Label::Spam),
            Self::LowContent => Some(Label::LowContent),
            Self::OffTopic => Some(Label::OffTopic),
            Self::Harassment | Self::Hate | Self::Sexual | Self::Violence | Self::PersonalData => {
                Some(Label::Abuse)
            }
            Self::Illegal | Self::Other => None,
        }
    }

    /// The category of its statement of reasons.
    #[must_use]
    pub const fn dsa_category(self) -> DsaCategory {
        match self {
            Self::Spam => DsaCategory::ScamsAndFraud,
            Self::Harassment => DsaCategory::CyberViolence,
            Self::Hate | Self::Illegal => DsaCategory::IllegalOrHarmfulSpeech,
            Self::Violence => DsaCategory::Violence,
            Self::PersonalData => DsaCategory::DataProtectionAndPrivacyViolations,
            Self::LowContent | Self::OffTopic | Self::Sexual | Self::Other => DsaCategory::OtherViolationTc,
        }
    }

    /// The ground of its statement of reasons: the law, or the site's terms.
    #[must_use]
    pub const fn dsa_ground(self) -> &'static str {
        if matches!(self, Self::Illegal) {
            "DECISION_GROUND_ILLEGAL_CONTENT"
        } else {
            "DECISION_GROUND_INCOMPATIBLE_CONTENT"
        }
    }
}

/// What an author's later comments meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorAction {
    /// HOLD becomes ALLOW. A REJECT stays one.
    Trust,
    /// ALLOW becomes HOLD.
    PreModerate,
    /// Everything becomes REJECT.
    Ban,
}

impl AuthorAction {
    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::PreModerate => "pre_moderate",
            Self::Ban => "ban",
        }
    }

    /// The action of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Trust, Self::PreModerate, Self::Ban].into_iter().find(|action| action.name() == name)
    }
}

/// What holds for an author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorRule {
    /// What their comments meet.
    pub action: AuthorAction,
    /// Until when; `None` means until it is changed.
    pub until: Option<Timestamp>,
    /// Who said so.
    pub actor: KeyId,
    /// The decision it came with; undoing that takes it away.
    pub decision: Option<DecisionId>,
    /// Free words; at most 2 KiB.
    pub note: String,
    /// When it was said.
    pub created_at: Timestamp,
}

impl AuthorRule {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|end| now < end)
    }
}

/// One ruling. Immutable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Its name.
    pub id: DecisionId,
    /// The item.
    pub item: QueueItemId,
    /// The verdict it rules on.
    pub verdict: VerdictId,
    /// Who ruled.
    pub actor: KeyId,
    /// What.
    pub disposition: Disposition,
    /// Why; present when it rejects.
    pub reason: Option<ReasonCode>,
    /// The clause of the site's rules, in its own numbering; at most 200 bytes.
    pub policy_clause: String,
    /// Free words; at most 2 KiB.
    pub note: String,
    /// The batch it is part of.
    pub batch: Option<BatchId>,
    /// The decision that it takes back; present when it undoes.
    pub reverses: Option<DecisionId>,
    /// What was ruled on the author in the same breath.
    pub author_action: Option<AuthorAction>,
    /// The lease under which it was made; `None` when there was none.
    pub token: Option<u64>,
    /// When.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_names_and_categories() {
        for code in ReasonCode::ALL {
            assert_eq!(ReasonCode::from_name(code.name()), Some(code));
            assert!(code.dsa_category().name().starts_with("STATEMENT_CATEGORY_"));
        }
        assert_eq!(ReasonCode::Illegal.dsa_ground(), "DECISION_GROUND_ILLEGAL_CONTENT");
        assert_eq!(ReasonCode::Hate.label(), Some(Label::Abuse));
        assert_eq!(ReasonCode::Other.label(), None);
    }

    #[test]
    fn a_ban_ends() {
        let rule = AuthorRule {
            action: AuthorAction::Ban,
            until: Some(Timestamp::from_micros(5)),
            actor: KeyId::new("m").unwrap(),
            decision: None,
            note: String::new(),
            created_at: Timestamp::from_micros(0),
        };
        assert!(rule.is_live(Timestamp::from_micros(4)) && !rule.is_live(Timestamp::from_micros(5)));
    }
}
