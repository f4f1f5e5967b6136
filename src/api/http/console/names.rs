//! Names of colleagues by their keys, each looked up once per page.
//!
//! May import: `types`, `moderation`.

use std::collections::HashMap;

use crate::{
    moderation::{Keys, ModerationError},
    types::KeyId,
};

/// Names looked up so far.
pub(super) struct Names<'a> {
    keys: &'a Keys,
    own: KeyId,
    known: HashMap<KeyId, String>,
}

impl<'a> Names<'a> {
    /// None yet; `own` is the key of whoever looks.
    pub(super) fn new(keys: &'a Keys, own: &KeyId) -> Self {
        Self { keys, own: own.clone(), known: HashMap::new() }
    }

    /// The name of a key's holder.
    pub(super) async fn of(&mut self, key: &KeyId) -> Result<String, ModerationError> {
        if let Some(name) = self.known.get(key) {
            return Ok(name.clone());
        }
        let name = self.keys.display_name(key).await?;
        self.known.insert(key.clone(), name.clone());
        Ok(name)
    }

    /// Whether it is the key of whoever looks.
    pub(super) fn is_own(&self, key: &KeyId) -> bool {
        *key == self.own
    }
}
