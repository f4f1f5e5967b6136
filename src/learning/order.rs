//! Every sample in an order that depends on the samples alone, so that the order of
//! files and lines changes no byte of a bundle: a batch is the sum of its samples.
//!
//! May import: nothing of ours.

use rayon::slice::ParallelSliceMut;

use super::{DataSet, Sample};

/// A sample, the name of its set and its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a> {
    pub(super) sample: &'a Sample,
    pub(super) set: &'a str,
    /// Number of the set among all, by name.
    pub(super) domain: u16,
}

/// Every sample, by set, id and text. Sets of one name are one set.
pub(super) fn in_order(sets: &[DataSet]) -> Vec<Placed<'_>> {
    let mut by_name: Vec<&DataSet> = sets.iter().collect();
    by_name.sort_by(|a, b| (&a.name, &a.sha256).cmp(&(&b.name, &b.sha256)));
    let mut all = Vec::with_capacity(sets.iter().map(|set| set.samples.len()).sum());
    for (domain, sets) in (0_u16..).zip(by_name.chunk_by(|a, b| a.name == b.name)) {
        let from = all.len();
        for set in sets {
            all.extend(set.samples.iter().map(|sample| Placed { sample, set: &set.name, domain }));
        }
        if let Some(new) = all.get_mut(from..) {
            new.par_sort_by(|a, b| by_text(a.sample, b.sample));
        }
    }
    all
}

fn by_text(a: &Sample, b: &Sample) -> std::cmp::Ordering {
    fn key(s: &Sample) -> (&str, &str, [Option<bool>; 4]) {
        (&s.id, s.comment.body.as_str(), s.labels.0)
    }
    key(a).cmp(&key(b))
}
