//! The services: thin handlers that convert, let the caller in at the site, call
//! one use case and convert back.
//!
//! May import: `types`, `moderation`.

mod articles;
mod feedback;
mod scoring;
mod sites;
mod stream;

pub(super) use articles::ArticleApi;
pub(super) use feedback::FeedbackApi;
pub(super) use scoring::ScoringApi;
pub(super) use sites::SiteApi;
