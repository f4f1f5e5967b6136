//! The queue, its decisions and its audit chain: traits, and the rules behind
//! them written once over ordered rows.
//!
//! Every operation is one atomic, durable step that takes the present as `now`.
//! `rows` says what a backend has to bring: rows of a site in key order, and a
//! transaction over them. Everything above that is the same code on every backend
//! that has ordered rows, so two of them cannot disagree on a rule. What the rules
//! should do is held against an independent model in `conformance`.
//!
//! Knows no backend. May import: `types`, `store`.

mod appeals;
mod authors;
mod backend;
mod campaigns;
mod claim;
mod decide;
mod enqueue;
mod index;
mod lessons;
mod list;
mod log;
mod model_backend;
mod models;
mod named;
mod recount;
mod reports;
mod request;
mod rows;
mod rule_store;
mod rulebook;
mod ruling;
mod stats;
mod traits;

pub(super) use backend::Backend;
pub(super) use campaigns::join;
pub(super) use enqueue::enqueue;
pub(super) use recount::recount;
pub use request::{
    Claim, ClaimTarget, Enqueue, ItemCursor, ItemQuery, LeaseRef, Member, Membership, NewDecision, NewReport,
    Outcome, Placed, QueueRefusal, QueueStats, ReportOutcome, Share, StoredHour, UndoRequest,
};
pub(super) use rows::{Ledger, LookUp, RowKey, RowKind, Rows, Span, Visit};
pub use rule_store::RuleStore;
pub use rulebook::{NewActivation, NewRules, RuleRefusal};
pub(super) use ruling::{Given, Standing, give, keep, of_decision, of_feedback};
pub use traits::{
    AuditStore, AuthorStore, CampaignStore, ChainCheck, DecisionStore, LessonNews, LessonStore, QueueStore,
    ReportStore, SampleStore,
};
