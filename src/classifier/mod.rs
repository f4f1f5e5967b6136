//! The learners and the bundle they become.
//!
//! Text is learnt by two sparse models per label, a linear support vector
//! machine and naive Bayes, behind linfa's traits; a dense logistic combiner
//! joins them with the signals. All are linear, so they fold into one table of
//! text weights and one vector of signal weights per label: scoring is one walk.
//!
//! Knows no text, no rules, no store. May import: `types`, `features`.

mod bayes;
mod bundle;
mod card;
mod combiner;
mod metrics;
mod row;
mod svm;
mod weights;

pub use bayes::{NaiveBayes, NaiveBayesParams};
pub use bundle::{Bundle, BundleError, Head, MODEL_FILE};
pub use card::{CARD_FILE, Card, DataCount, Figures};
pub use combiner::{Combiner, fit_combiner, platt};
pub use metrics::{Scored, figures, roc_auc};
pub use row::{Corpus, Row, corpus};
pub use svm::{Svm, SvmParams, SvmValid};
pub use weights::TextWeights;
