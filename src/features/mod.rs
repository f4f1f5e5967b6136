//! What a model and a rule can know of a comment: sparse text features and
//! named signals, drawn from a read document and its context.
//!
//! Knows no model. May import: `types`, `text`.

mod article;
mod context;
pub mod signals;

pub use article::ArticleProfile;
pub use context::{Context, Subject};
