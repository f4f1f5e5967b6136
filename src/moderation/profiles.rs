//! Articles that were read lately, kept in memory between bounds.
//!
//! Two generations: what is used moves to the young one; when that is full it
//! becomes the old one, and what was not used since is forgotten. So the articles
//! of the day stay however many others are asked for once, at two look-ups and no
//! order to keep. May import: `types`.

use std::{collections::HashMap, mem};

use crate::types::{ArticleId, SiteId};

type Key = (SiteId, ArticleId);

/// What was read of articles, cheap to clone; at most twice the bound are in memory.
#[derive(Debug)]
pub(super) struct Profiles<T> {
    young: HashMap<Key, T>,
    old: HashMap<Key, T>,
    bound: usize,
    changes: u64,
}

impl<T: Clone> Profiles<T> {
    /// None yet; a generation ends with `bound` of them, at least one.
    pub(super) fn new(bound: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), bound: bound.max(1), changes: 0 }
    }

    /// A profile, if it is known.
    pub(super) fn get(&mut self, key: &Key) -> Option<T> {
        if let Some(profile) = self.young.get(key) {
            return Some(profile.clone());
        }
        let (key, profile) = self.old.remove_entry(key)?;
        self.keep(key, profile.clone());
        Some(profile)
    }

    /// How many articles were changed so far; asked before an article is read.
    pub(super) const fn changes(&self) -> u64 {
        self.changes
    }

    /// Keeps a profile that was read when there had been `changes` changes. When
    /// there were more since, it may be of an article that is no more, and is not
    /// kept.
    pub(super) fn add(&mut self, key: Key, profile: T, changes: u64) {
        if changes == self.changes {
            self.keep(key, profile);
        }
    }

    fn keep(&mut self, key: Key, profile: T) {
        if self.young.len() >= self.bound {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, profile);
    }

    /// Forgets all: any of them may have changed.
    pub(super) fn forget_all(&mut self) {
        self.changes += 1;
        self.young.clear();
        self.old.clear();
    }

    /// Forgets an article that was changed or deleted.
    pub(super) fn forget(&mut self, key: &Key) {
        self.changes += 1;
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Key {
        (SiteId::new("daily").unwrap(), ArticleId::new(&format!("a{number}")).unwrap())
    }

    #[test]
    fn what_is_used_stays_and_memory_is_bounded() {
        let mut profiles = Profiles::new(4);
        profiles.add(key(0), 7, 0);
        for number in 1..1_000 {
            profiles.add(key(number), 7, 0);
            assert!(profiles.get(&key(0)).is_some(), "used all the time, gone at {number}");
            assert!(profiles.young.len() + profiles.old.len() <= 8);
        }
        assert!(profiles.get(&key(1)).is_none(), "used once, long ago");
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept() {
        let mut profiles = Profiles::new(4);
        let before = profiles.changes();
        profiles.forget(&key(1));
        profiles.add(key(1), 7, before);
        assert!(profiles.get(&key(1)).is_none());
        profiles.add(key(1), 7, profiles.changes());
        assert!(profiles.get(&key(1)).is_some());
        profiles.forget(&key(1));
        assert!(profiles.get(&key(1)).is_none());
    }
}
