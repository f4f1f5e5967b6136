//! The use cases of the running service: scoring and recording, articles,
//! sites, feedback and keys. Each is one type that `api` calls and `app` builds.
//!
//! Knows no protocol, no backend by name and no model type.
//!
//! May import: `types`, `features` (article profiles), `scoring`, `store`, `observe`.

mod error;

pub use error::ModerationError;

use std::sync::Arc;

use crate::{
    store::{RequestMark, SharedStore},
    types::{Clock, Comment, Policy},
};

/// What every use case shares.
#[derive(Clone)]
pub struct Desk {
    /// Where things are kept.
    pub store: SharedStore,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
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
    /// The policy version the change was made from.
    pub expected_version: u64,
}
