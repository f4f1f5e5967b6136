//! Wire messages to checked values and back, one file per service.
//!
//! Reading goes through `TryFrom` into one struct per method and collects *all*
//! mistakes, with field paths as in the proto; writing takes values apart
//! completely, so that a new field forces a decision here. No input is trusted
//! and none is repaired.
//!
//! May import: `types`, `store` (filters, requests), `moderation` (what is
//! asked of use cases).

mod article;
mod checks;
mod comment;
mod names;
mod time;
mod verdict;

pub(super) mod articles;
pub(super) mod audit;
pub(super) mod backtests;
pub(super) mod feedback;
pub(super) mod jobs;
pub(super) mod models;
pub(super) mod queue;
pub(super) mod rules;
pub(super) mod scoring;
pub(super) mod sites;

pub(super) use names::Undone;
pub(super) use time::write as write_time;
pub(super) use verdict::Shape;
