//! Turning labelled comments into bundles, and bundles into figures.
//!
//! A bundle is a pure function of (samples, configuration, seed): the same input
//! gives the same bytes on any number of threads. Knows no protocol and no
//! moderation. May import: `types`, `text`, `features`, `classifier`, `rules`,
//! `scoring`, `store`.

mod corpus;
mod error;
mod evaluate;
mod files;
mod heads;
mod lines;
mod train;

pub use corpus::{Articles, DataSet, Sample};
pub use error::LearningError;
pub use evaluate::{Evaluation, SetFigures, evaluate};
pub use files::{default_bundle, load_bundle, save_bundle};
pub use lines::{ArticleLine, Line, known_labels};
pub use train::{TrainConfig, train};
