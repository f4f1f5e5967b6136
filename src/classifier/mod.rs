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
mod online;
mod random;
mod row;
mod svm;
mod vocabulary;
mod weights;

pub use bayes::{FeatureCounts, NaiveBayes, NaiveBayesParams, Strata};
pub use bundle::{Bundle, BundleError, Head, MODEL_FILE};
pub use card::{CARD_FILE, Card, DataCount, Figures};
pub use combiner::{Combiner, fit_combiner, platt};
pub use metrics::{
    BINS, Bin, Cells, HISTOGRAM, Histogram, Interval, Point, Resampled, Scored, Trec, average_precision,
    calibration_error, cut_at, figures, histogram, interval, precision_recall_curve, recall_at, reliability,
    resample, roc_auc, roc_curve, trec, wilson,
};
pub use online::{Counts, OnlineMargins, OnlineStack, OnlineSvm};
pub use random::SplitMix;
pub use row::{Corpus, Row, corpus};
pub use svm::{Svm, SvmParams, SvmValid};
pub use vocabulary::Vocabulary;
pub use weights::{Feature, TextWeights};
