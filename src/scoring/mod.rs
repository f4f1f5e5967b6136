//! Pure scoring: the same comment, context, model, rules and policy always give
//! the same judgement, to the bit, on every machine.
//!
//! Nothing here is async, reads a clock or touches storage; callers pass in what
//! they know. May import: `types`, `text`, `features`, `classifier`, `rules`.

mod assess;
mod counterfactual;
mod explain;
mod ledger;
mod policy;
mod sentence;
mod snapshot;

pub use assess::{Books, Judgement, Measured, Scratch, judge, judge_measured, judge_read};
pub use ledger::union;
pub use snapshot::Snapshot;
