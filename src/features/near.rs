//! Near-duplicates: sketches of texts, and how alike two texts are by them.
//!
//! A sketch is a MinHash (Broder 1997): for each of [`SKETCH`] hash functions the
//! least value over the text's shingles, so that the share of equal places
//! estimates the Jaccard similarity of the shingle sets, with a standard error of
//! at most 0.0625. Shingles are runs of five letters or digits of the folded text,
//! spaces left out: a spun advert keeps most of them, two comments about the same
//! thing share few. Locality-sensitive bands (Indyk and Motwani 1998) say which
//! sketches are worth comparing.
//!
//! A text of few shingles is recognised by its exact copy only. One that says less
//! than that has no sketch, and shingles that many people use count for nothing: "so
//! true" under two articles is no campaign. Pure and bounded: linear in the first
//! 4,096 letters.
//!
//! May import: `types`, `text`.

/// Hash functions of a sketch.
pub const SKETCH: usize = 64;
/// Bands of a sketch, of two hash functions each.
pub const BANDS: usize = SKETCH / 2;
/// Letters of a shingle.
const SHINGLE: usize = 5;
/// Most letters looked at.
const MAX_LETTERS: usize = 4_096;
/// Distinct shingles below which a text says too little to be recognised: about
/// four words.
const LEAST_SHINGLES: usize = 16;
/// Distinct shingles below which only exact copies are recognised: about eight words.
const LEAST_NEAR: usize = 32;
/// From this similarity on two texts are variants of one. Unrelated comments of a
/// language share 2 to 8 of 100 shingles, spun adverts 30 and more.
pub const ALIKE: f32 = 0.25;

/// What of a text is kept to recognise its variants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch([u32; SKETCH]);

/// The shingles of a folded text: each once, in order of their hashes.
#[must_use]
pub fn shingles(text: &str) -> Vec<u64> {
    let mut last = [0u32; SHINGLE];
    let mut found = Vec::with_capacity(text.len().min(MAX_LETTERS));
    let letters = text.chars().filter(|c| c.is_alphanumeric()).take(MAX_LETTERS);
    for (before, letter) in letters.enumerate() {
        last.rotate_left(1);
        if let Some(end) = last.last_mut() {
            *end = u32::from(letter);
        }
        if before + 1 >= SHINGLE {
            found
                .push(last.iter().fold(0x9e37_79b9_7f4a_7c15, |hash, letter| mix(hash ^ u64::from(*letter))));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

impl Sketch {
    /// The sketch of a text, given its shingles and which of them are common; `None`
    /// when the rest says too little.
    #[must_use]
    pub fn of(shingles: &[u64], is_common: impl Fn(u64) -> bool) -> Option<Self> {
        let mut mins = [u32::MAX; SKETCH];
        let mut kept = 0;
        for shingle in shingles.iter().filter(|shingle| !is_common(**shingle)) {
            kept += 1;
            for (number, min) in (1u64..).zip(&mut mins) {
                *min = (*min).min(member(*shingle, number));
            }
        }
        match kept {
            0..LEAST_SHINGLES => None,
            LEAST_SHINGLES..LEAST_NEAR => Some(Self::exact(shingles)),
            _ => Some(Self(mins)),
        }
    }

    /// A sketch that only copies share: every place comes from all shingles at once.
    fn exact(shingles: &[u64]) -> Self {
        let whole = shingles.iter().fold(0, |hash, shingle| mix(hash ^ shingle));
        let mut places = [0; SKETCH];
        (1u64..).zip(&mut places).for_each(|(number, place)| *place = member(whole, number));
        Self(places)
    }

    /// Estimated Jaccard similarity of the two texts' shingles, in `[0, 1]`.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> f32 {
        let same = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        same as f32 / SKETCH as f32
    }

    /// One number per band. Two texts of similarity `s` share at least one of them
    /// with probability `1 − (1 − s²)^32`: 87 of 100 at 0.25, 99.9 at 0.45, 8 at 0.05.
    pub fn bands(&self) -> impl Iterator<Item = u64> {
        self.0
            .chunks_exact(2)
            .zip(0u64..)
            .map(|(pair, band)| pair.iter().fold(band, |hash, min| mix(hash ^ u64::from(*min))))
    }
}

/// The hash of a shingle under one of the functions: multiplication by an odd
/// number, upper half.
fn member(hash: u64, number: u64) -> u32 {
    let odd = mix(number) | 1;
    (hash.wrapping_mul(odd) >> 32) as u32
}

/// Stirs 64 bits (Stafford 2011, variant 13).
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADVERT: &str = "earn five hundred a day from home write to me on telegram at quick cash desk today";

    fn sketch(text: &str) -> Option<Sketch> {
        Sketch::of(&shingles(text), |_| false)
    }

    fn alike(a: &str, b: &str) -> f32 {
        sketch(a).unwrap().similarity(&sketch(b).unwrap())
    }

    #[test]
    fn variants_are_alike_and_strangers_are_not() {
        let spun = "make five hundred a day from your home, write me on telegram at quick cash desk now";
        let stranger = "the minister never answered the question about the second budget of the port";
        assert!((alike(ADVERT, ADVERT) - 1.0).abs() < f32::EPSILON);
        assert!(alike(ADVERT, spun) > ALIKE, "{}", alike(ADVERT, spun));
        assert!(alike(ADVERT, stranger) < 0.1, "{}", alike(ADVERT, stranger));
    }

    #[test]
    fn little_is_not_recognised() {
        for text in [
            "",
            "so true",
            "fix or repair daily",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(sketch(text), None, "{text}");
        }
    }

    #[test]
    fn short_texts_are_recognised_by_their_copies_only() {
        let short = "cheap followers at quick cash";
        assert!(
            (alike(short, "Cheap followers -- at quick cash".to_lowercase().as_str()) - 1.0).abs() < 1e-6
        );
        assert!(alike(short, "cheap followers at quick desk") < 0.1);
    }

    #[test]
    fn what_many_say_counts_for_nothing() {
        let all = shingles(ADVERT);
        let half = |shingle: u64| shingle.is_multiple_of(2);
        assert!(Sketch::of(&all, half).is_some());
        assert_eq!(Sketch::of(&all, |_| true), None);
    }

    proptest! {
        /// Spaces and signs change nothing, and any text is read.
        #[test]
        fn only_letters_count(text in ".{0,300}") {
            let spaced: String = text.chars().flat_map(|c| [c, ' ', '.']).collect();
            prop_assert_eq!(sketch(&text), sketch(&spaced));
        }

        /// The estimate is near the similarity of the sets.
        #[test]
        fn the_estimate_is_near_the_truth(shared in 40usize..120, own in 10usize..120, seed in any::<u64>()) {
            let word = |n: u64| (0..12).map(|i| char::from(b'a' + (mix(n.wrapping_mul(31).wrapping_add(i)) % 26) as u8)).collect::<String>();
            let text = |own_of: u64| -> String {
                let common = (0..shared as u64).map(|n| word(seed.wrapping_add(n)));
                common.chain((0..own as u64).map(|n| word(seed.wrapping_add(own_of + n)))).collect()
            };
            let (a, b) = (text(1 << 20), text(1 << 21));
            let sets = |text: &str| text.as_bytes().windows(5).take(MAX_LETTERS - 4).map(<[u8]>::to_vec).collect::<std::collections::BTreeSet<_>>();
            let (sa, sb) = (sets(&a), sets(&b));
            let truth = sa.intersection(&sb).count() as f32 / sa.union(&sb).count() as f32;
            prop_assert!((alike(&a, &b) - truth).abs() < 0.3, "{} for {truth}", alike(&a, &b));
        }
    }
}
