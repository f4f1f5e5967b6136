//! What was done, by whom, when: one link of a site's chain.
//!
//! An event holds names of things and no text of a comment, so erasing a comment
//! leaves the chain whole. Knows nothing of stores. May import: nothing of ours.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    AppealId, CampaignId, Causes, DecisionId, Disposition, FrozenSetName, JobId, JobState, KeyId, ModelId,
    QueueItemId, QueueName, RuleSetId, Stage, Timestamp,
};

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum AuditAction {
    /// A comment came into the queue.
    Added {
        /// The item.
        item: QueueItemId,
        /// Why.
        causes: Causes,
    },
    /// An item waits again, or for one more cause.
    Reopened {
        /// The item.
        item: QueueItemId,
        /// All its causes now.
        causes: Causes,
    },
    /// Somebody took an item.
    Claimed {
        /// The item.
        item: QueueItemId,
        /// The fencing token.
        token: u64,
        /// When the lease ends.
        expires_at: Timestamp,
    },
    /// A lease was made longer.
    Renewed {
        /// The item.
        item: QueueItemId,
        /// The fencing token.
        token: u64,
        /// When the lease ends now.
        expires_at: Timestamp,
    },
    /// An item was given back, or its lease ended.
    Released {
        /// The item.
        item: QueueItemId,
        /// The fencing token of the lease.
        token: u64,
        /// Whether time ended it.
        expired: bool,
    },
    /// An item was decided.
    Decided {
        /// The item.
        item: QueueItemId,
        /// The decision.
        decision: DecisionId,
        /// What was ruled.
        disposition: Disposition,
    },
    /// A decision was taken back.
    Undone {
        /// The item.
        item: QueueItemId,
        /// The decision that says so.
        decision: DecisionId,
        /// The decision taken back.
        reverses: DecisionId,
    },
    /// Readers' reports on a comment grew.
    Reported {
        /// The item, if there is one.
        item: QueueItemId,
        /// Weight of all of them since the last decision, in thousandths.
        weight: u32,
    },
    /// An author appealed.
    Appealed {
        /// The item.
        item: QueueItemId,
        /// The appeal.
        appeal: AppealId,
    },
    /// What holds for an author was changed outside a decision.
    AuthorRuled {
        /// Digest by which the author is counted.
        author: [u8; 16],
        /// Name of the action; `None` when nothing holds any more.
        action: Option<String>,
    },
    /// A named queue was made or changed.
    QueuePut {
        /// Its name.
        queue: QueueName,
    },
    /// A named queue was deleted.
    QueueDeleted {
        /// Its name.
        queue: QueueName,
    },
    /// What members of a campaign inherit was changed.
    CampaignRuled {
        /// The campaign.
        campaign: CampaignId,
        /// What they inherit; `None` when nothing any more.
        disposition: Option<Disposition>,
    },
    /// A model bundle was added.
    ModelAdded {
        /// The bundle.
        model: ModelId,
    },
    /// A model bundle was moved to another stage, other than by promotion.
    ModelStaged {
        /// The bundle.
        model: ModelId,
        /// The stage it is in now.
        stage: Stage,
    },
    /// A model bundle scores from now on.
    ModelPromoted {
        /// The bundle.
        model: ModelId,
        /// The one that scored before.
        previous: Option<ModelId>,
        /// Number of the promotion.
        number: u64,
        /// Why, in the words of who did it.
        reason: String,
        /// Gates that were overridden.
        overridden: Vec<String>,
    },
    /// A model bundle was deleted.
    ModelDeleted {
        /// The bundle.
        model: ModelId,
    },
    /// A training or evaluation began or ended.
    JobChanged {
        /// The job.
        job: JobId,
        /// Its state now.
        state: JobState,
    },
    /// A set of labelled comments was frozen under a name.
    SetFrozen {
        /// Its name.
        set: FrozenSetName,
    },
    /// The labelled comments of an author are not learnt from any more.
    SamplesForgotten {
        /// Digest by which the author is counted.
        author: [u8; 16],
        /// How many there were.
        count: u64,
    },
    /// Rules were put where they can be published.
    RulesPushed {
        /// The set.
        set: RuleSetId,
    },
    /// Another rule set is in force.
    RulesPublished {
        /// The set; `None` when the site has no rules of its own any more.
        set: Option<RuleSetId>,
        /// The set in force before.
        previous: Option<RuleSetId>,
        /// Whether it went back to an earlier one.
        rollback: bool,
        /// Why, in the words of who did it.
        reason: String,
        /// The gate that was overridden, and why; empty when none was.
        overridden: String,
    },
    /// Events before this one were deleted because their time was over.
    Trimmed {
        /// Number of the first event kept.
        first_kept: u64,
    },
}

impl AuditAction {
    /// The decision that it made or withdrew.
    #[must_use]
    pub const fn decision(&self) -> Option<DecisionId> {
        if let Self::Decided { decision, .. } | Self::Undone { decision, .. } = self {
            Some(*decision)
        } else {
            None
        }
    }

    /// The item it is about.
    #[must_use]
    pub const fn item(&self) -> Option<QueueItemId> {
        match self {
            Self::Added { item, .. }
            | Self::Reopened { item, .. }
            | Self::Claimed { item, .. }
            | Self::Renewed { item, .. }
            | Self::Released { item, .. }
            | Self::Decided { item, .. }
            | Self::Undone { item, .. }
            | Self::Reported { item, .. }
            | Self::Appealed { item, .. } => Some(*item),
            Self::AuthorRuled { .. }
            | Self::QueuePut { .. }
            | Self::QueueDeleted { .. }
            | Self::CampaignRuled { .. }
            | Self::ModelAdded { .. }
            | Self::ModelStaged { .. }
            | Self::ModelPromoted { .. }
            | Self::ModelDeleted { .. }
            | Self::JobChanged { .. }
            | Self::SetFrozen { .. }
            | Self::SamplesForgotten { .. }
            | Self::RulesPushed { .. }
            | Self::RulesPublished { .. }
            | Self::Trimmed { .. } => None,
        }
    }
}

/// One link of a site's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// 1 for the first event of a site, one more for each next.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Whose key; `None` when the service did it by itself.
    pub actor: Option<KeyId>,
    /// What.
    pub action: AuditAction,
    /// SHA-256 of the link before; zeros for the first.
    pub previous: [u8; 32],
    /// SHA-256 of `previous` and the canonical bytes of the rest.
    pub hash: [u8; 32],
}

impl AuditEvent {
    /// The link after `previous`, with its hash.
    #[must_use]
    pub fn link(previous: ChainHead, at: Timestamp, actor: Option<KeyId>, action: AuditAction) -> Self {
        let ChainHead { number, hash: previous } = previous;
        let mut event = Self { number: number + 1, at, actor, action, previous, hash: [0; 32] };
        event.hash = event.digest();
        event
    }

    /// What the hash has to be: SHA-256 over the 32 bytes of `previous` and a JSON
    /// array `[number, at, actor, action]`, fields in the order of this source. An
    /// array of integers and short texts has one way to be written, so anybody can
    /// check a chain with any tool.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let Self { number, at, actor, action, previous, hash: _ } = self;
        // Integers, texts and arrays of them always become JSON.
        let canonical = serde_json::to_vec(&(number, at, actor, action)).unwrap_or_default();
        Sha256::new().chain_update(previous).chain_update(canonical).finalize().into()
    }

    /// The end of a chain whose last link this is.
    #[must_use]
    pub const fn head(&self) -> ChainHead {
        ChainHead { number: self.number, hash: self.hash }
    }

    /// Whether this link may follow `previous`.
    #[must_use]
    pub fn follows(&self, previous: ChainHead) -> bool {
        self.number == previous.number + 1 && self.previous == previous.hash && self.hash == self.digest()
    }
}

/// The end of a chain: what the next link follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// Number of the last link; 0 when there is none.
    pub number: u64,
    /// Its hash; zeros when there is none.
    pub hash: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(previous: ChainHead, token: u64) -> AuditEvent {
        let item = QueueItemId::from_bytes([7; 16]);
        let expires_at = Timestamp::from_micros(9);
        let actor = KeyId::new("m1").ok();
        AuditEvent::link(
            previous,
            Timestamp::from_micros(5),
            actor,
            AuditAction::Claimed { item, token, expires_at },
        )
    }

    #[test]
    fn a_chain_holds_and_any_change_breaks_it() {
        let first = event(ChainHead::default(), 1);
        let second = event(first.head(), 2);
        assert!(first.follows(ChainHead::default()) && second.follows(first.head()));
        assert!(!second.follows(ChainHead::default()));
        let mut other = second.clone();
        other.actor = None;
        assert!(!other.follows(first.head()));
        let mut other = second;
        other.number = 3;
        assert!(!other.follows(first.head()));
    }

    #[test]
    fn canonical_bytes_are_what_the_contract_says() {
        let event = event(ChainHead::default(), 1);
        let json = r#"[1,5,"m1",{"kind":"claimed","item":"07070707-0707-0707-0707-070707070707","token":1,"expires_at":9}]"#;
        let want: [u8; 32] = Sha256::new().chain_update([0; 32]).chain_update(json).finalize().into();
        assert_eq!(event.hash, want);
    }
}
