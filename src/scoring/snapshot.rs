//! What makes verdicts, as one immutable value that is swapped as a whole.
//!
//! Knows no file. May import: `classifier`, `rules`.

use std::sync::Arc;

use crate::{classifier::Bundle, rules::RuleSet};

/// A model bundle and a rule set.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The model.
    pub bundle: Arc<Bundle>,
    /// The rules.
    pub rules: Arc<RuleSet>,
}

impl Snapshot {
    /// Content hash of the model bundle, hexadecimal.
    #[must_use]
    pub fn model_id(&self) -> &str {
        &self.bundle.id
    }
}
