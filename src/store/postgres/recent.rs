//! What was read a moment ago: so that each score does not ask for its site and key, and
//! so that scoring goes on while the server is away.
//!
//! May import: nothing of ours.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// How old an entry may be. Announced changes are seen at once; this bounds what happens
/// when an announcement is missed.
const FRESH: Duration = Duration::from_millis(1_000);
/// Most entries; above it all are forgotten.
const MAX_ENTRIES: usize = 10_000;

/// Values by name, with when they were read; `None` was looked for in vain.
pub(super) struct Recent<K, V>(Mutex<HashMap<K, (Option<V>, Instant)>>);

impl<K: Hash + Eq, V: Clone> Recent<K, V> {
    /// Nothing read yet.
    pub(super) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// A value that was read less than a second ago.
    pub(super) fn fresh(&self, key: &K) -> Option<Option<V>> {
        let entries = self.0.lock();
        entries.get(key).filter(|(_, read)| read.elapsed() < FRESH).map(|(value, _)| value.clone())
    }

    /// A value however old.
    pub(super) fn last(&self, key: &K) -> Option<Option<V>> {
        self.0.lock().get(key).map(|(value, _)| value.clone())
    }

    /// Takes note of what was read. What is not there is not kept: names that do not exist
    /// are without number.
    pub(super) fn note(&self, key: K, value: Option<V>) {
        let mut entries = self.0.lock();
        if entries.len() >= MAX_ENTRIES {
            entries.clear();
        }
        match value {
            Some(value) => drop(entries.insert(key, (Some(value), Instant::now()))),
            None => drop(entries.remove(&key)),
        }
    }

    /// One has changed: it is read anew, and kept only for when that fails.
    pub(super) fn expire(&self, key: &K) {
        if let Some((_, read)) = self.0.lock().get_mut(key)
            && let Some(long_ago) = read.checked_sub(FRESH)
        {
            *read = long_ago;
        }
    }

    /// Forgets one.
    pub(super) fn forget(&self, key: &K) {
        self.0.lock().remove(key);
    }
}
