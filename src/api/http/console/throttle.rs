//! Slows down who guesses names, passwords or keys.
//!
//! Counts failures per address and per name in a window; a success forgets those of its
//! name. Bounded: when too many are remembered the oldest go. May import: nothing of ours.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// Failures that cost nothing.
const FREE: u32 = 8;
/// How long failures count, and how long those must wait who used up the free ones.
const WINDOW: Duration = Duration::from_secs(5 * 60);
/// Names and addresses remembered.
const MAX_KNOWN: usize = 10_000;

/// Failures by name and address.
#[derive(Debug, Default)]
pub(in crate::api) struct Throttle {
    known: Mutex<HashMap<String, (u32, Instant)>>,
}

impl Throttle {
    /// How long one of these must wait; `None` when none must.
    pub(super) fn wait(&self, subjects: &[String]) -> Option<Duration> {
        let known = self.known.lock();
        let left = |subject: &String| {
            let (failures, since) = known.get(subject)?;
            (*failures >= FREE).then(|| WINDOW.checked_sub(since.elapsed())).flatten()
        };
        subjects.iter().filter_map(left).max()
    }

    /// Counts a failure of each.
    pub(super) fn failed(&self, subjects: &[String]) {
        let mut known = self.known.lock();
        if known.len() >= MAX_KNOWN {
            known.retain(|_, (_, since)| since.elapsed() < WINDOW);
        }
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        for subject in subjects {
            let (failures, since) = known.entry(subject.clone()).or_insert((0, Instant::now()));
            if since.elapsed() >= WINDOW {
                (*failures, *since) = (0, Instant::now());
            }
            *failures += 1;
        }
    }

    /// Forgets the failures of one.
    pub(super) fn succeeded(&self, subject: &str) {
        self.known.lock().remove(subject);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_too_often_waits() {
        let throttle = Throttle::default();
        let (ana, bob) = (["name:ana".to_owned()], ["name:bob".to_owned()]);
        for _ in 0..FREE {
            assert_eq!(throttle.wait(&ana), None);
            throttle.failed(&ana);
        }
        assert!(throttle.wait(&ana).is_some_and(|wait| wait <= WINDOW));
        assert_eq!(throttle.wait(&bob), None);
        throttle.succeeded("name:ana");
        assert_eq!(throttle.wait(&ana), None);
    }
}
