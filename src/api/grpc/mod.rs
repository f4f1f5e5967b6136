//! The services: thin handlers that convert, let the caller in at the site, call
//! one use case and convert back.
//!
//! May import: `types`, `moderation`.

mod articles;
mod audit;
mod backtests;
mod feedback;
mod models;
mod queue;
mod rules;
mod scoring;
mod sites;
mod stream;
mod watch;

pub(super) use articles::ArticleApi;
pub(super) use audit::AuditApi;
pub(super) use backtests::BacktestApi;
pub(super) use feedback::FeedbackApi;
pub(super) use models::ModelApi;
pub(super) use queue::QueueApi;
pub(super) use rules::RuleApi;
pub(super) use scoring::ScoringApi;
pub(super) use sites::SiteApi;
pub(super) use watch::Watchers;
