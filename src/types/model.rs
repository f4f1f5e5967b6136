//! A model bundle as it is kept: where it came from, how far it got, and which one
//! scores.
//!
//! Knows nothing of what is in a bundle. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{FrozenSetName, JobId, KeyId, ModelId, Timestamp};

/// How far a bundle got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It was made or imported and scores nothing.
    Candidate,
    /// It scores beside the active one, and nobody acts on what it says.
    Shadow,
    /// It scores.
    Active,
    /// It scored, or was put aside.
    Retired,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 4] = [Self::Candidate, Self::Shadow, Self::Active, Self::Retired];

    /// The name in figures, logs and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Shadow => "shadow",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

/// Where a bundle came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It is part of the program.
    BuiltIn,
    /// The configuration names its folder.
    Configured,
    /// It was brought from elsewhere.
    Imported,
    /// It was trained here.
    Trained(JobId),
}

/// One condition of promotion, with what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Its name, `family/name`: what an override must say.
    pub name: String,
    /// Whether it holds.
    pub passed: bool,
    /// What was measured, where it is a number.
    pub value: Option<f64>,
    /// What it had to reach or stay below.
    pub limit: Option<f64>,
    /// What that means, in a sentence.
    pub message: String,
}

/// A bundle that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Hash of its content.
    pub id: ModelId,
    /// How far it got.
    pub stage: Stage,
    /// Since when.
    pub staged_at: Timestamp,
    /// Where it came from.
    pub origin: Origin,
    /// When it was added.
    pub created_at: Timestamp,
    /// Whose key added it; `None` when the service did it by itself.
    pub created_by: Option<KeyId>,
    /// Bytes of its files.
    pub bytes: u64,
    /// The bundle it was compared with: the one that scored when it was trained.
    pub compared_with: Option<ModelId>,
    /// What has to hold before it may score; empty when nothing was measured.
    pub gates: Vec<Gate>,
    /// The newest sample it learnt from; what came later is its successor's newest batch.
    pub learnt_until: Option<Timestamp>,
}

impl ModelRecord {
    /// The gates that do not hold.
    pub fn failed(&self) -> impl Iterator<Item = &Gate> {
        self.gates.iter().filter(|gate| !gate.passed)
    }
}

/// What made a bundle the active one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromotionKind {
    /// The configuration: the first start, or another folder or program than before.
    Configured,
    /// Somebody promoted it.
    Promoted,
    /// Somebody went back to it.
    RolledBack,
}

/// A bundle became the active one. Never changed afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// 1 for the first, one more for each next.
    pub number: u64,
    /// The bundle.
    pub model: ModelId,
    /// The one before.
    pub previous: Option<ModelId>,
    /// What made it so.
    pub kind: PromotionKind,
    /// When.
    pub at: Timestamp,
    /// Whose key; `None` when the service did it by itself.
    pub actor: Option<KeyId>,
    /// Why, in the words of who did it.
    pub reason: String,
    /// Gates that were overridden.
    pub overridden: Vec<String>,
}

/// Labelled comments under a name that never change: figures on them can be compared
/// over years.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenSet {
    /// Its name.
    pub name: FrozenSetName,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// Comments in it.
    pub comments: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// When it was frozen.
    pub created_at: Timestamp,
    /// Whose key froze it.
    pub created_by: Option<KeyId>,
}
