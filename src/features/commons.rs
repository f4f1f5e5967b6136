//! What many people say: in how many texts a shingle was seen.
//!
//! A count-min sketch (Cormode and Muthukrishnan 2005) of document frequencies, of
//! fixed size. Runs of letters that one text in eighty has ("of the", "I think that")
//! say nothing about who copied whom, and a text of nothing else is no copy. All counts are halved now and then, so what is common follows the site.
//!
//! Pure and bounded. May import: nothing of ours.

/// Counters of one row.
const WIDTH: usize = 1 << 15;
/// Rows: a count is the least of its places.
const ROWS: usize = 2;
/// Texts below which nothing counts as common.
const LEAST_TEXTS: u32 = 200;
/// One of so many texts makes a shingle common.
const COMMON: u32 = 80;
/// Texts after which all counts are halved.
const HALVE_AT: u32 = 20_000;

/// Document frequencies of shingles.
#[derive(Clone, Debug)]
pub struct Commons {
    counts: Box<[u16]>,
    texts: u32,
}

impl Default for Commons {
    fn default() -> Self {
        Self { counts: vec![0; WIDTH * ROWS].into(), texts: 0 }
    }
}

impl Commons {
    /// Adds a text, given its distinct shingles. Linear in them.
    pub fn note(&mut self, shingles: &[u64]) {
        for shingle in shingles {
            for place in places(*shingle) {
                if let Some(count) = self.counts.get_mut(place) {
                    *count = count.saturating_add(1);
                }
            }
        }
        self.texts += 1;
        if self.texts >= HALVE_AT {
            self.counts.iter_mut().for_each(|count| *count /= 2);
            self.texts /= 2;
        }
    }

    /// Whether so many texts have a shingle that it tells none apart. It is never
    /// taken for rarer than it is.
    #[must_use]
    pub fn is_common(&self, shingle: u64) -> bool {
        let count = places(shingle).filter_map(|place| self.counts.get(place)).min().copied().unwrap_or(0);
        self.texts >= LEAST_TEXTS && u32::from(count) * COMMON >= self.texts
    }
}

/// The places of a shingle, one per row.
fn places(shingle: u64) -> impl Iterator<Item = usize> {
    (0..ROWS).map(move |row| row * WIDTH + (shingle >> (16 * row)) as usize % WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_say_is_common() {
        let mut commons = Commons::default();
        let spread = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for n in 0..400 {
            let own = spread(1_000 + n);
            let said = if n % 20 == 0 { vec![spread(1), own] } else { vec![own] };
            commons.note(&said);
        }
        assert!(commons.is_common(spread(1)));
        assert!(!commons.is_common(spread(1_000)) && !commons.is_common(spread(2)));
    }

    #[test]
    fn little_evidence_makes_nothing_common() {
        let mut commons = Commons::default();
        (0..LEAST_TEXTS - 1).for_each(|_| commons.note(&[7]));
        assert!(!commons.is_common(7));
        commons.note(&[7]);
        assert!(commons.is_common(7));
    }

    #[test]
    fn what_nobody_says_any_more_is_forgotten() {
        let mut commons = Commons::default();
        (0..1_000).for_each(|_| commons.note(&[7]));
        assert!(commons.is_common(7));
        (0..200_000).for_each(|_| commons.note(&[]));
        assert!(!commons.is_common(7));
    }
}
