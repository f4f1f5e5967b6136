//! Label sets of metrics.
//!
//! May import: nothing of ours.

use prometheus_client::encoding::EncodeLabelSet;

/// One RPC and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CallLabels {
    /// `/package.Service/Method`.
    pub method: &'static str,
    /// Name of the gRPC code: `Ok`, `InvalidArgument`.
    pub code: &'static str,
}

/// One RPC.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct MethodLabels {
    pub(super) method: &'static str,
}

/// A site.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SiteLabels {
    /// Its name; [`super::OTHER_SITES`] beyond the cap.
    pub site: String,
}

/// Verdicts of a site.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct VerdictLabels {
    /// The site.
    pub site: String,
    /// What became of the comment.
    pub action: &'static str,
    /// The label with the highest probability.
    pub label: &'static str,
}

/// Items of a site's queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct QueueLabels {
    /// The site.
    pub site: String,
    /// `open`, `claimed` or `decided`.
    pub state: &'static str,
}

/// A rate that was measured from the random sample.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RateLabels {
    /// The site.
    pub site: String,
    /// The label, or `any`.
    pub label: &'static str,
    /// `value`, `low` or `high`: the rate and the ends of its 95 % interval.
    pub bound: &'static str,
}

/// A number about a site, by what it is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct GaugeLabels {
    /// The site.
    pub site: String,
    /// Of what: a label, or a signal's `family/name`.
    pub of: String,
}

/// What judges now.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct BuildLabels {
    pub(super) version: &'static str,
    pub(super) model: String,
    pub(super) rules: String,
}
