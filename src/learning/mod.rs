//! Turning labelled comments into bundles, and bundles into figures.
//!
//! A bundle is a pure function of (samples, configuration, seed): the same input
//! gives the same bytes on any number of threads. Knows no protocol and no
//! moderation. May import: `types`, `text`, `features`, `classifier`, `rules`,
//! `scoring`, `store`.

mod conflicts;
mod corpus;
mod crossing;
mod error;
mod evaluate;
mod evasion;
mod files;
mod heads;
mod lines;
pub mod measure;
mod order;
pub mod registry;
pub mod replay;
mod report;
mod rulebook;
mod sides;
mod stack;
mod train;

pub use crate::classifier::Figures;
pub use conflicts::Conflict;
pub use corpus::{Articles, DataSet, Sample};
pub use error::LearningError;
pub use evaluate::{
    CostFigures, Curves, Evaluation, Fold, Found, Judged, Means, Mistake, OnlineFigures, Outcome, Plan,
    Protocol, SetFigures, Slice, Target, export_scores, judge_sets, outcomes, run_online, run_plan,
    summarise,
};
pub use evasion::{
    Caught, CleanText, DISGUISES, Disguise, Draft, EvasionFigures, EvasionSet, TrickFigures, evade,
    read_clean,
};
pub use files::{default_bundle, load_bundle, save_bundle, write_card};
pub use lines::{ArticleLine, Line, known_labels};
pub use registry::{Models, ModelsError};
pub use replay::{Replay, ReplayError};
pub use report::{card_text, report};
pub use rulebook::{
    Compiled as RulebookEntry, Publication, Push, Pushed, RuleRef, Rulebook, RulesError, as_files,
    check as check_rules,
};
pub use train::{TrainConfig, train, train_reporting};

/// The words of rules, for those who tell of them.
pub mod rule_words {
    pub use crate::rules::{Change, Diagnostic, FieldChange, RuleChange, RuleInfo, Severity};
}
