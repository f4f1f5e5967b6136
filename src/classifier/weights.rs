//! Text weights of all labels in one table: a feature is looked up once for all.
//!
//! Weights are 14-bit steps in 16 bits, so the sum over features is a sum of
//! integers: exact in any order, which makes scores reproducible to the bit and lets
//! the words of an explanation add up. The two lowest bits of the four steps of a
//! slot hold a tag of eight bits of the feature's number: a feature that training
//! did not know reads nothing, 255 times in 256, instead of another feature's
//! weights. One slot is 8 bytes; 2^19 slots are 4 MiB.
//!
//! May import: `types`, `features`.

use crate::{features::Block, types::Label};

/// Largest step; steps are multiples of four.
const FULL: f32 = 32_000.0;
/// Where the tag lies in a slot.
const TAG: u64 = 0x0003_0003_0003_0003;
/// Makes each of the four steps of a slot a number above 0: its own plus 2^15.
const LIFT: u64 = 0x8000_8000_8000_8000;
/// Every other step of a slot.
const LANES: u64 = 0x0000_FFFF_0000_FFFF;
/// Spreads eight bits over the tag's places: pairs of bits move up by 0, 14, 28, 42.
const SPREAD: u64 = 1 | 1 << 14 | 1 << 28 | 1 << 42;

/// A feature with what training found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Feature {
    /// Its number.
    pub number: u32,
    /// In how many comments it occurs.
    pub comments: u32,
    /// Its weight per label, in nats per unit of its value.
    pub weights: [f32; Label::COUNT],
}

/// Weights of hashed features, per label.
#[derive(Clone, Debug, PartialEq)]
pub struct TextWeights {
    bits: u32,
    slots: Vec<u64>,
    scale: [f32; Label::COUNT],
}

impl TextWeights {
    /// Rounds the weights of features to steps in a table of 2^`bits` slots. Where
    /// several want one slot, the one that moves the most comments the furthest has
    /// it and the others weigh nothing.
    #[must_use]
    pub fn quantised(bits: u32, features: &[Feature]) -> Self {
        let largest = |label: usize| {
            let of = |feature: &Feature| feature.weights.get(label).map_or(0.0, |w| w.abs());
            features.iter().map(of).fold(0.0_f32, f32::max)
        };
        let scale = std::array::from_fn(|label| match largest(label) {
            largest if largest > 0.0 => largest / FULL,
            _ => 1.0,
        });
        let steps = |feature: &Feature| {
            let step = |l: usize| match (feature.weights.get(l), scale.get(l)) {
                (Some(weight), Some(scale)) => ((weight / scale / 4.0).round() * 4.0) as i16,
                _ => 0,
            };
            std::array::from_fn::<i16, { Label::COUNT }, _>(step)
        };
        let mut slots = vec![0_u64; 1 << bits];
        let mut kept = vec![(0.0_f32, 0_u32); 1 << bits];
        for feature in features {
            let steps = steps(feature);
            let worth =
                steps.iter().map(|s| f32::from(*s).abs()).sum::<f32>() * (feature.comments as f32).sqrt();
            let at = (feature.number >> (32 - bits)) as usize;
            if let (Some(slot), Some(best)) = (slots.get_mut(at), kept.get_mut(at))
                && (worth, feature.number) > *best
            {
                *best = (worth, feature.number);
                *slot = pack(steps) | tag(feature.number);
            }
        }
        Self { bits, slots, scale }
    }

    /// A table from stored parts; `None` when sizes or numbers are off.
    #[must_use]
    pub fn from_parts(slots: Vec<u64>, scale: [f32; Label::COUNT]) -> Option<Self> {
        let bits = slots.len().checked_ilog2()?;
        let fine = slots.len().is_power_of_two()
            && (8..=22).contains(&bits)
            && scale.iter().all(|s| s.is_finite() && *s > 0.0);
        fine.then_some(Self { bits, slots, scale })
    }

    /// A table in which nothing weighs anything.
    #[must_use]
    pub fn empty(bits: u32) -> Self {
        Self::quantised(bits, &[])
    }

    /// Size of the hashed space: 2^bits slots.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// The slots as they are stored: four steps each, lowest label first, tag in the
    /// low bits.
    #[must_use]
    pub fn slots(&self) -> &[u64] {
        &self.slots
    }

    /// Nats per step, per label.
    #[must_use]
    pub const fn scale(&self) -> [f32; Label::COUNT] {
        self.scale
    }

    /// The steps of one feature.
    #[inline]
    #[must_use]
    pub fn of(&self, number: u32) -> [i16; Label::COUNT] {
        unpack(self.slot(number))
    }

    /// Sums of steps over features. Exact for up to 65,536 features.
    ///
    /// Steps are lifted above 0, so that the four of a slot add up in two registers of
    /// two 32-bit lanes each without borrowing from each other.
    #[must_use]
    pub fn sum(&self, numbers: &[u32]) -> [i32; Label::COUNT] {
        let (mut even, mut odd) = (0_u64, 0_u64);
        for &number in numbers {
            let lifted = self.slot(number) ^ LIFT;
            even = even.wrapping_add(lifted & LANES);
            odd = odd.wrapping_add(lifted >> 16 & LANES);
        }
        let lifts = i64::from(1 << 15) * numbers.len() as i64;
        let lane = |lane: u64| (i64::from(lane as u32) - lifts) as i32;
        [lane(even), lane(odd), lane(even >> 32), lane(odd >> 32)]
    }

    /// What the slot of a feature holds for it, without the tag; 0 for a feature that
    /// training did not know.
    #[inline]
    fn slot(&self, number: u32) -> u64 {
        let slot = self.slots.get((number >> (32 - self.bits)) as usize).copied().unwrap_or(0);
        if (slot ^ tag(number)) & TAG == 0 { slot & !TAG } else { 0 }
    }

    /// Nats of sums of steps of one label, by block, for features that weigh `values`
    /// each.
    #[inline]
    #[must_use]
    pub fn log_odds(
        &self,
        label: Label,
        sums: &[[i32; Label::COUNT]; Block::COUNT],
        values: [f32; Block::COUNT],
    ) -> f64 {
        let scale = self.scale.get(label.index()).copied().unwrap_or(0.0);
        let block = |(sums, value): (&[i32; Label::COUNT], f32)| {
            f64::from(sums.get(label.index()).copied().unwrap_or(0)) * f64::from(value)
        };
        sums.iter().zip(values).map(block).sum::<f64>() * f64::from(scale)
    }
}

/// The tag of a feature, in place.
#[inline]
const fn tag(number: u32) -> u64 {
    ((number & 0xFF) as u64).wrapping_mul(SPREAD) & TAG
}

fn pack(steps: [i16; Label::COUNT]) -> u64 {
    steps.iter().rev().fold(0, |slot, &step| slot << 16 | u64::from(step as u16))
}

#[inline]
fn unpack(slot: u64) -> [i16; Label::COUNT] {
    [slot as i16, (slot >> 16) as i16, (slot >> 32) as i16, (slot >> 48) as i16]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(number: u32, weights: [f32; 4]) -> Feature {
        Feature { number, comments: 2, weights }
    }

    #[test]
    fn sums_come_back_in_nats() {
        let known =
            [feature(7 << 24 | 0xE4, [2.0, 0.0, 0.0, -1.0]), feature(9 << 24, [-0.5, 0.25, 0.0, 3.0])];
        let table = TextWeights::quantised(8, &known);
        let sums = [table.sum(&[7 << 24 | 0xE4, 11 << 24]), table.sum(&[9 << 24])];
        for (label, want) in Label::ALL.into_iter().zip([1.0, 0.5, 0.0, 5.0]) {
            let got = table.log_odds(label, &sums, [1.0, 2.0]);
            assert!((got - want).abs() < 1e-3, "{label:?}: {got}");
        }
        assert_eq!(TextWeights::from_parts(table.slots().to_vec(), table.scale()), Some(table));
        assert_eq!(TextWeights::from_parts(vec![0; 100], [1.0; 4]), None);
    }

    #[test]
    fn lanes_do_not_borrow() {
        let table = TextWeights::quantised(
            8,
            &[feature(7 << 24, [-2.0, 2.0, -1.0, 0.5]), feature(8 << 24, [1.0, -2.0, -2.0, -2.0])],
        );
        let numbers: Vec<u32> = (0..3_000).map(|n| (7 + n % 3) << 24).collect();
        let mut want = [0_i32; Label::COUNT];
        for &number in &numbers {
            want.iter_mut().zip(table.of(number)).for_each(|(sum, step)| *sum += i32::from(step));
        }
        assert_eq!(table.sum(&numbers), want);
        assert_eq!(table.sum(&[]), [0; Label::COUNT]);
    }

    #[test]
    fn strangers_read_nothing() {
        let table = TextWeights::quantised(8, &[feature(7 << 24 | 0x5A, [1.0; 4])]);
        for low in 0..=0xFF {
            let steps = table.of(7 << 24 | low);
            assert_eq!(steps != [0; 4], low == 0x5A, "{low:x}");
        }
    }

    #[test]
    fn the_stronger_of_two_keeps_the_slot() {
        let (weak, strong) = (feature(3 << 24 | 1, [0.1; 4]), feature(3 << 24 | 2, [-1.0; 4]));
        for both in [[weak, strong], [strong, weak]] {
            let table = TextWeights::quantised(8, &both);
            assert_eq!(table.of(weak.number), [0; 4]);
            assert_eq!(table.of(strong.number), [-32_000; 4]);
        }
    }
}
