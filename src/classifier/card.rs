//! The card of a bundle: what it learnt from, how, and how well it does.
//!
//! Made by training and evaluation, never typed. May import: nothing of ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// File name of the card in a bundle's folder.
pub const CARD_FILE: &str = "card.json";

/// Rows of one data set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataCount {
    /// Comments.
    pub comments: usize,
    /// Per label: how many are known to carry it, how many known not to.
    pub labels: BTreeMap<String, (usize, usize)>,
    /// SHA-256 of the set's bytes, hexadecimal.
    pub sha256: String,
}

/// Figures of one label on one set. Intervals hold 95 %.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Comments that carry the label.
    pub positives: usize,
    /// Comments that do not.
    pub negatives: usize,
    /// Area under the ROC curve, ties count half; absent with one class only.
    pub roc_auc: Option<f64>,
    /// Its interval: percentiles of 1,000 stratified bootstrap resamples.
    pub roc_auc_interval: Option<[f64; 2]>,
    /// Area under the precision-recall curve (average precision); absent without a
    /// positive.
    pub pr_auc: Option<f64>,
    /// Precision at the policy's hold threshold; absent when nothing is flagged.
    pub precision: Option<f64>,
    /// Recall there; absent without a positive.
    pub recall: Option<f64>,
    /// False positive rate there; absent without a negative.
    pub false_positive_rate: Option<f64>,
    /// Share of right decisions there.
    pub accuracy: f64,
    /// F1 there.
    pub f1: f64,
    /// Its interval, as above.
    pub f1_interval: Option<[f64; 2]>,
    /// Matthews correlation there.
    pub mcc: f64,
    /// Recall with at most 0.1 % of the negatives above the cut.
    pub recall_at_0_1_percent: Option<f64>,
    /// Its Wilson score interval, the cut taken as given.
    pub recall_at_0_1_percent_interval: Option<[f64; 2]>,
    /// Recall with at most 1 % of the negatives above the cut.
    pub recall_at_1_percent: Option<f64>,
    /// Its Wilson score interval, the cut taken as given.
    pub recall_at_1_percent_interval: Option<[f64; 2]>,
    /// Recall with at most 5 % of the negatives above the cut.
    pub recall_at_5_percent: Option<f64>,
    /// Mean negative log-likelihood of the truth, in nats.
    pub log_loss: f64,
    /// Mean squared error of the probability.
    pub brier: f64,
    /// Expected calibration error over 15 bins of equal width.
    pub ece: f64,
}

/// What a bundle says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Content hash of the model file: the name of the bundle.
    pub id: String,
    /// Version of the training configuration and its values.
    pub configuration: BTreeMap<String, String>,
    /// Version of the normaliser it was trained with.
    pub normalizer: u32,
    /// What it learnt from.
    pub data: BTreeMap<String, DataCount>,
    /// Figures by set and label, when it was evaluated.
    #[serde(default)]
    pub figures: BTreeMap<String, BTreeMap<String, Figures>>,
}
