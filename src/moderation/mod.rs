//! The use cases of the running service: scoring and recording, articles,
//! sites, feedback, the moderators' queue and its audit chain, keys. Each is one
//! type that `api` calls and `app` builds.
//!
//! Knows no protocol and no backend by name.
//!
//! May import: `types`, `text`, `features`, `scoring`, `store`, `observe`.

mod appeals;
mod articles;
mod audit;
mod context;
mod crowd;
mod error;
mod feedback;
mod heat;
mod intake;
mod keys;
mod lessons;
mod people;
mod profiles;
mod pseudonym;
mod reading;
mod reports;
mod sessions;
pub mod shadow;
mod sites;
mod standing;

pub mod queue;
pub mod webhooks;

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::{
    observe::Metrics,
    scoring::Snapshot,
    store::{RequestMark, SharedStore},
    types::{Clock, Comment, Policy, QueueRules},
};

pub use appeals::Appeals;
pub use articles::Articles;
pub use audit::AuditDesk;
pub use error::ModerationError;
pub use feedback::FeedbackDesk;
pub use heat::Heat;
pub use intake::Intake;
pub use keys::{Actor, Keys, Secret};
pub use people::{MIN_PASSWORD, NewPerson};
pub use pseudonym::PseudonymKey;
pub use queue::QueueDesk;
pub use reports::{Reports, reason_of};
pub use sessions::{Session, SessionTerms, Sessions};
pub use shadow::{Shadow, ShadowReport};
pub use sites::Sites;

/// What every use case shares.
#[derive(Clone)]
pub struct Desk {
    /// Where things are kept.
    pub store: SharedStore,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What is counted of what is done.
    pub metrics: Arc<Metrics>,
}

/// All use cases of a node.
#[derive(Clone)]
pub struct Services {
    /// Where things are kept, and what time it is.
    pub desk: Desk,
    /// What makes verdicts. Whoever changes a part of it does so with `rcu`, so that changes
    /// of other parts at the same moment stay.
    pub live: Arc<ArcSwap<Snapshot>>,
    /// What is asked beside it without consequence, if anything is.
    pub beside: Arc<ArcSwapOption<Snapshot>>,
    /// Scoring.
    pub intake: Arc<Intake>,
    /// What scores beside.
    pub shadow: Arc<Shadow>,
    /// Articles.
    pub articles: Arc<Articles>,
    /// Sites.
    pub sites: Arc<Sites>,
    /// Feedback.
    pub feedback: Arc<FeedbackDesk>,
    /// Readers' reports.
    pub reports: Arc<Reports>,
    /// Authors' appeals.
    pub appeals: Arc<Appeals>,
    /// The moderators' queue.
    pub queue: Arc<QueueDesk>,
    /// The audit chain.
    pub audit: Arc<AuditDesk>,
    /// Keys.
    pub keys: Arc<Keys>,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
}

/// A comment to score, with the client's promise about retries.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The comment.
    pub comment: Comment,
    /// Set when the client wants retries recognised.
    pub request: Option<RequestMark>,
}

/// A policy change.
#[derive(Clone, Debug)]
pub struct SiteChange {
    /// New name for people, when it changes.
    pub display_name: Option<String>,
    /// New languages, when they change.
    pub languages: Option<Vec<String>>,
    /// New policy, when it changes.
    pub policy: Option<Policy>,
    /// New rules of the queue, when they change.
    pub queue: Option<QueueRules>,
    /// The policy version the change was made from.
    pub expected_version: u64,
}
