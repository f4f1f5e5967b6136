//! Why learning could not be done.
//!
//! May import: `classifier`.

use std::path::PathBuf;

use crate::classifier::BundleError;

/// Why learning could not be done.
#[derive(Debug, thiserror::Error)]
pub enum LearningError {
    /// A file could not be read or written.
    #[error("cannot access {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error("{path}:{line}: {problem}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// No line carries a label.
    #[error("no labelled comment to learn from")]
    NothingToLearn,
    /// The learner failed.
    #[error("training the {head} head failed: {problem}")]
    Head {
        /// The label.
        head: &'static str,
        /// What the learner said.
        problem: String,
    },
    /// Parameters out of range.
    #[error("configuration: {0}")]
    Configuration(String),
    /// A bundle's file is bad.
    #[error("model bundle {path}: {source}")]
    Bundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BundleError,
    },
    /// A bundle's card is bad.
    #[error("model bundle {path}: the card cannot be read: {problem}")]
    Card {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}
