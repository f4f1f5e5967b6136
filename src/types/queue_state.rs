//! The life of a queue item as a table: which event leads where from which state,
//! and which events a state refuses.
//!
//! Pure: who may do it, tokens and clocks are checked by whoever asks. The table
//! is the only place that says what follows what. May import: nothing of ours.

use serde::{Deserialize, Serialize};

/// Where an item stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Waits; anybody who may can claim it.
    Open,
    /// Somebody looks at it under a lease.
    Claimed,
    /// A decision holds.
    Decided,
}

/// What happens to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ItemEvent {
    /// The comment was scored again with the same text.
    Rescore,
    /// The comment was scored again with another text.
    Revise,
    /// Readers' reports reached the threshold.
    Report,
    /// The author appeals.
    Appeal,
    /// A moderator takes it.
    Claim,
    /// The holder asks for more time.
    Renew,
    /// The holder gives it back.
    Release,
    /// The lease ended.
    Expire,
    /// The holder decides.
    Decide,
    /// Somebody decides who holds no lease: one of many at once.
    DecideUnclaimed,
    /// The decision is taken back.
    Undo,
}

/// Why a state refuses an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another holds it.
    Claimed,
    /// No lease is there.
    NotClaimed,
    /// A decision holds.
    Decided,
    /// No decision holds.
    NotDecided,
}

impl ItemState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Claimed, Self::Decided];

    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Claimed => "claimed",
            Self::Decided => "decided",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The state after an event. The whole table:
    ///
    /// | event | OPEN | CLAIMED | DECIDED |
    /// |---|---|---|---|
    /// | rescore | OPEN | CLAIMED | DECIDED |
    /// | revise | OPEN | OPEN | OPEN |
    /// | report | OPEN | CLAIMED | OPEN |
    /// | appeal | OPEN | CLAIMED | OPEN |
    /// | claim | CLAIMED | refused | refused |
    /// | renew | refused | CLAIMED | refused |
    /// | release | refused | OPEN | refused |
    /// | expire | refused | OPEN | refused |
    /// | decide | refused | DECIDED | refused |
    /// | decide unclaimed | DECIDED | refused | refused |
    /// | undo | refused | refused | OPEN |
    ///
    /// A text that changes under a moderator's eyes takes the lease with it: what
    /// they would decide is no longer what they read.
    ///
    /// # Errors
    ///
    /// [`Refused`] says what stands in the way.
    pub const fn after(self, event: ItemEvent) -> Result<Self, Refused> {
        use ItemEvent as E;
        match (self, event) {
            (state, E::Rescore) => Ok(state),
            (_, E::Revise) => Ok(Self::Open),
            (Self::Claimed, E::Report | E::Appeal) => Ok(Self::Claimed),
            (Self::Open | Self::Decided, E::Report | E::Appeal) => Ok(Self::Open),
            (Self::Open, E::Claim) | (Self::Claimed, E::Renew) => Ok(Self::Claimed),
            (Self::Claimed, E::Release | E::Expire) | (Self::Decided, E::Undo) => Ok(Self::Open),
            (Self::Claimed, E::Decide) | (Self::Open, E::DecideUnclaimed) => Ok(Self::Decided),
            (Self::Claimed, E::Claim | E::DecideUnclaimed) => Err(Refused::Claimed),
            (Self::Open, E::Renew | E::Release | E::Expire | E::Decide) => Err(Refused::NotClaimed),
            (Self::Open | Self::Claimed, E::Undo) => Err(Refused::NotDecided),
            (
                Self::Decided,
                E::Claim | E::Renew | E::Release | E::Expire | E::Decide | E::DecideUnclaimed,
            ) => Err(Refused::Decided),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ItemEvent as E, ItemState as S, Refused as R};

    /// Every cell, written out again by hand.
    const TABLE: [(E, [Result<S, R>; 3]); 11] = [
        (E::Rescore, [Ok(S::Open), Ok(S::Claimed), Ok(S::Decided)]),
        (E::Revise, [Ok(S::Open), Ok(S::Open), Ok(S::Open)]),
        (E::Report, [Ok(S::Open), Ok(S::Claimed), Ok(S::Open)]),
        (E::Appeal, [Ok(S::Open), Ok(S::Claimed), Ok(S::Open)]),
        (E::Claim, [Ok(S::Claimed), Err(R::Claimed), Err(R::Decided)]),
        (E::Renew, [Err(R::NotClaimed), Ok(S::Claimed), Err(R::Decided)]),
        (E::Release, [Err(R::NotClaimed), Ok(S::Open), Err(R::Decided)]),
        (E::Expire, [Err(R::NotClaimed), Ok(S::Open), Err(R::Decided)]),
        (E::Decide, [Err(R::NotClaimed), Ok(S::Decided), Err(R::Decided)]),
        (E::DecideUnclaimed, [Ok(S::Decided), Err(R::Claimed), Err(R::Decided)]),
        (E::Undo, [Err(R::NotDecided), Err(R::NotDecided), Ok(S::Open)]),
    ];

    #[test]
    fn the_table_is_the_machine() {
        for (event, row) in TABLE {
            for (state, want) in S::ALL.into_iter().zip(row) {
                assert_eq!(state.after(event), want, "{event:?} in {state:?}");
            }
        }
    }

    #[test]
    fn only_a_claim_or_a_bulk_decision_leaves_the_open_state() {
        let leaving =
            TABLE.iter().filter(|(event, _)| !matches!(S::Open.after(*event), Ok(S::Open) | Err(_)));
        let leaving: Vec<_> = leaving.map(|(event, _)| *event).collect();
        assert_eq!(leaving, [E::Claim, E::DecideUnclaimed]);
    }
}
