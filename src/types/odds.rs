//! Probabilities and log-odds that can be trusted: finite, in range, and exact
//! to add up.
//!
//! Knows nothing of models. May import: nothing of ours.

use serde::{Deserialize, Serialize};

/// Log-odds `ln(p / (1 - p))` in nats: finite, within ±[`LogOdds::MAX`], and a
/// multiple of 2⁻²⁰.
///
/// The grid makes sums *exact*: doubles that are multiples of 2⁻²⁰ and stay
/// below 2³² add without rounding, in any order. So the contributions of an
/// explanation add up to the score to the last bit, and the score does not
/// depend on the order in which they were summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct LogOdds(f64);

impl LogOdds {
    /// Even odds.
    pub const EVEN: Self = Self(0.0);
    /// Largest magnitude: e^1000 to one is beyond any evidence.
    pub const MAX: f64 = 1000.0;
    /// Grid steps in one nat.
    const STEPS: f64 = 1_048_576.0;

    /// Rounds to the grid. NaN becomes even odds: no evidence.
    #[inline]
    #[must_use]
    pub fn new(nats: f64) -> Self {
        let rounded = round(nats.clamp(-Self::MAX, Self::MAX) * Self::STEPS) / Self::STEPS;
        // Decided last and by value, so that loops over many stay free of branches.
        Self(if nats.is_nan() { 0.0 } else { rounded })
    }

    /// The sum of values that lie on the grid, or are sums of such: exact in any
    /// order; clamped once, at the end.
    #[must_use]
    pub fn sum_of(nats: impl Iterator<Item = f64>) -> Self {
        Self(nats.sum::<f64>().clamp(-Self::MAX, Self::MAX))
    }

    /// The value in nats.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The probability with these odds.
    #[must_use]
    pub fn probability(self) -> Probability {
        Probability(1.0 / (1.0 + (-self.0).exp()))
    }
}

/// [`f64::round`] for magnitudes below 2⁵¹, by adding and taking away a number whose
/// last bit is worth 1. Branches never and calls nothing, so a loop over a model's
/// weights becomes vector instructions; `f64::round` is a call on plain x86-64.
#[inline]
fn round(x: f64) -> f64 {
    /// 1.5 × 2⁵².
    const UNIT: f64 = 6_755_399_441_055_744.0;
    let even = (x + UNIT) - UNIT;
    // Ties went to the even neighbour; they belong to the one farther from 0.
    let tie = x - even;
    let short = tie * 1.0_f64.copysign(x) == 0.5;
    even + if short { 2.0 * tie } else { 0.0 }
}

impl std::ops::Add for LogOdds {
    type Output = Self;
    /// Exact unless the sum leaves ±[`LogOdds::MAX`], where it is clamped.
    fn add(self, other: Self) -> Self {
        Self((self.0 + other.0).clamp(-Self::MAX, Self::MAX))
    }
}

impl std::iter::Sum for LogOdds {
    /// Exact in any order; clamped once, at the end.
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        Self::sum_of(iter.map(Self::get))
    }
}

/// A probability in `[0, 1]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    /// Wraps a value of `[0, 1]`; `None` outside it and for NaN.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The value.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = &'static str;
    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("a probability lies in [0, 1]")
    }
}

impl From<Probability> for f64 {
    fn from(p: Probability) -> Self {
        p.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn log_odds_become_probabilities() {
        for (nats, want) in [(0.0, 0.5), (2.0, 0.880_797), (-1000.0, 0.0), (1000.0, 1.0)] {
            assert!((LogOdds::new(nats).probability().get() - want).abs() < 1e-6, "{nats}");
        }
        assert_eq!(LogOdds::new(f64::NAN), LogOdds::EVEN);
        assert_eq!(LogOdds::new(f64::INFINITY).get(), LogOdds::MAX);
    }

    proptest! {
        /// Rounds as the standard library does, ties included.
        #[test]
        fn rounding_is_the_usual_one(x in -2e9..2e9f64, halves in -1_000_000i64..1_000_000) {
            prop_assert_eq!(round(x), x.round());
            prop_assert_eq!(round(x / 1e9), (x / 1e9).round());
            prop_assert_eq!(round(halves as f64 / 2.0), (halves as f64 / 2.0).round());
        }

        /// Sums are the same to the last bit in any order.
        #[test]
        fn sums_are_exact(values in prop::collection::vec(-20.0..20.0f64, 0..40), seed in any::<u64>()) {
            let odds: Vec<_> = values.into_iter().map(LogOdds::new).collect();
            let mut other = odds.clone();
            if !other.is_empty() {
                let k = seed as usize % other.len();
                other.rotate_left(k);
                other.reverse();
            }
            prop_assert_eq!(odds.into_iter().sum::<LogOdds>(), other.into_iter().sum::<LogOdds>());
        }
    }
}
