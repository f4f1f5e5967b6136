//! What the running service tells about itself: one registry of metrics, declared in
//! one place with names, units and help.
//!
//! Every label has a closed set of values or is capped ([`MAX_SITES`]), so no caller
//! can grow the registry. Holds no text of a comment and no fact about a person. Knows
//! no protocol. May import: `types`, `store`.

mod exposition;
mod labels;
mod metrics;
mod sites;

pub use exposition::{Format, format};
pub use labels::{CallLabels, GaugeLabels, QueueLabels, RateLabels, SiteLabels, VerdictLabels};
pub use metrics::Metrics;
pub use sites::{MAX_SITES, OTHER_SITES};
