//! tamis: a comment moderation and spam filter service that scores a comment
//! against the article it stands under.
//!
//! Layers, bottom to top; each imports only from those before it, which
//! `tests/tidy.rs` checks. `docs/ARCHITECTURE.md` has the map and a walk.

pub mod types;

pub mod text;

pub mod features;

pub mod classifier;
pub mod rules;

pub mod scoring;

pub mod store;

pub mod observe;

pub mod learning;
pub mod moderation;

pub mod api;

pub mod app;

pub mod cli;

/// The store keeps small values for as long as it is open between large ones that come and go,
/// which the C library's allocator answers with three times the memory that is in use.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
