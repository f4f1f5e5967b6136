//! Rule sets as they are kept: what was pushed, by whom, and which one counts.
//!
//! A set is named by the hash of its content, so it can be neither changed nor lost
//! sight of: a verdict names the sets that judged it. Knows nothing of what rules
//! mean. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{KeyId, RuleSetId, Timestamp};

/// Most versions a site keeps: each verdict names one, so none is deleted.
pub const MAX_RULE_VERSIONS: u64 = 10_000;

/// One file of a rule set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFile {
    /// Its name: what diagnostics call it. The order of files is that of their names.
    pub name: String,
    /// Its text, TOML.
    pub text: String,
}

/// One version of the rules of a site, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleVersion {
    /// Its content hash.
    pub id: RuleSetId,
    /// 1 for the first version of a site, one more for each next.
    pub number: u64,
    /// How many rules it holds.
    pub rules: u32,
    /// Names of its files.
    pub files: Vec<String>,
    /// Who pushed it first; `None` when it came with the configuration.
    pub actor: Option<KeyId>,
    /// Why, in the words of who pushed it.
    pub note: String,
    /// When it was pushed first.
    pub created_at: Timestamp,
    /// When it first came into force. Emergency rules count their time from here.
    pub first_live_at: Option<Timestamp>,
}

/// The version that waits to be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleDraft {
    /// The set.
    pub set: RuleSetId,
    /// Who pushed it last.
    pub actor: KeyId,
    /// When.
    pub updated_at: Timestamp,
}

/// A version coming into force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// 1 for the first activation of a site, one more for each next.
    pub number: u64,
    /// The set; `None` when the site has no rules of its own from then on.
    pub set: Option<RuleSetId>,
    /// The set in force before.
    pub previous: Option<RuleSetId>,
    /// Who did it.
    pub actor: KeyId,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Whether it went back to an earlier version.
    pub rollback: bool,
    /// The gate that was overridden, and why; empty when none was.
    pub overridden: String,
}

/// Where the rules of a site stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RulesState {
    /// What waits to be published.
    pub draft: Option<RuleDraft>,
    /// What is in force: the newest activation; `None` before the first.
    pub live: Option<Activation>,
    /// Versions so far.
    pub versions: u64,
    /// Grows with every change of anything here: the etag of draft and live set.
    pub etag: u64,
}

impl RulesState {
    /// The set in force, when there is one.
    #[must_use]
    pub fn live_set(&self) -> Option<&RuleSetId> {
        self.live.as_ref().and_then(|live| live.set.as_ref())
    }
}
