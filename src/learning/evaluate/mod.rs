//! How well a snapshot does on labelled comments, through the very pipeline that
//! serves.
//!
//! Reads top to bottom: judge the comments ([`judge_sets`]), perhaps with bundles
//! trained for the purpose ([`Plan`], [`run_plan`]), and sum up ([`summarise`]).
//! May import: `types`, `features`, `classifier`, `scoring`, `rules`.

mod cost;
mod judged;
mod online;
mod plan;
mod run;
mod slices;
mod summary;

use cost::expected_costs;
pub(super) use judged::{find, judge_all, scored};

pub use cost::CostFigures;
pub use judged::{Found, Judged, Target};
pub use online::{OnlineFigures, run_online};
pub use plan::{Fold, Plan, Protocol};
pub use run::{Outcome, export_scores, outcomes, run_plan};
pub use slices::Slice;
pub use summary::{Curves, Evaluation, Means, Mistake, SetFigures, summarise};

use crate::{scoring::Snapshot, types::Policy};

use super::DataSet;

/// Scores every sample of given sets. Comments are scored in parallel; the result does
/// not depend on it.
#[must_use]
pub fn judge_sets<'a>(snapshot: &Snapshot, policy: &Policy, sets: &'a [DataSet]) -> Vec<Outcome<'a>> {
    let judged = |set: &'a DataSet| judge_all(snapshot, policy, &set.samples);
    sets.iter().map(|set| Outcome { set: set.name.clone(), fold: None, judged: judged(set) }).collect()
}
