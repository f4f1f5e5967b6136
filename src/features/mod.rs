//! What a model and a rule can know of a comment: sparse text features and
//! named signals, drawn from a read document and its context.
//!
//! Knows no model. May import: `types`, `text`.

mod article;
pub mod commons;
mod context;
mod grams;
mod hash;
mod idf;
pub mod near;
mod pieces;
pub mod signals;

pub use article::{ArticleProfile, Meeting, Part};
pub use context::{Context, NearRulings, Subject};
pub use grams::{Block, FeatureSet, Origin, Sink, walk};
pub use hash::{Field, Hasher, hash};
pub use idf::{IdfCounter, IdfTable, SLOTS as IDF_SLOTS, term};
pub use pieces::{Meaning, PIECES_SOURCE, meaning_of};
