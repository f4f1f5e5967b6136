//! Text weights of all labels in one table: a feature is looked up once for all.
//!
//! Weights are 16-bit steps, so the sum over features is a sum of integers:
//! exact in any order, which makes scores reproducible to the bit and lets the
//! words of an explanation add up. One slot is 8 bytes; 2^19 slots are 4 MiB.
//!
//! May import: `types`.

use crate::types::{Label, PerLabel};

/// Largest step.
const FULL: f32 = 32_000.0;

/// Weights of hashed features, per label.
#[derive(Clone, Debug, PartialEq)]
pub struct TextWeights {
    bits: u32,
    steps: Vec<[i16; Label::COUNT]>,
    scale: [f32; Label::COUNT],
}

impl TextWeights {
    /// Rounds weights (one vector of 2^`bits` per label) to steps.
    #[must_use]
    pub fn quantised(bits: u32, weights: &PerLabel<Vec<f32>>) -> Self {
        let scale = weights.0.each_ref().map(|w| {
            let largest = w.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
            if largest > 0.0 { largest / FULL } else { 1.0 }
        });
        let mut steps = vec![[0_i16; Label::COUNT]; 1 << bits];
        for (label, weights) in weights.iter() {
            let l = label.index();
            for (slot, &w) in steps.iter_mut().zip(weights) {
                if let (Some(step), Some(&scale)) = (slot.get_mut(l), scale.get(l)) {
                    *step = (w / scale).round() as i16;
                }
            }
        }
        Self { bits, steps, scale }
    }

    /// A table from stored parts; `None` when sizes or numbers are off.
    #[must_use]
    pub fn from_parts(steps: Vec<[i16; Label::COUNT]>, scale: [f32; Label::COUNT]) -> Option<Self> {
        let bits = steps.len().checked_ilog2()?;
        let fine = steps.len().is_power_of_two()
            && (8..=22).contains(&bits)
            && scale.iter().all(|s| s.is_finite() && *s > 0.0);
        fine.then_some(Self { bits, steps, scale })
    }

    /// Size of the hashed space: 2^bits slots.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// The steps of every slot.
    #[must_use]
    pub fn steps(&self) -> &[[i16; Label::COUNT]] {
        &self.steps
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
        self.steps.get((number >> (32 - self.bits)) as usize).copied().unwrap_or_default()
    }

    /// Sums of steps over features. Exact for up to 65,536 features.
    #[must_use]
    pub fn sum(&self, numbers: &[u32]) -> [i32; Label::COUNT] {
        let mut sums = [0_i32; Label::COUNT];
        for &number in numbers {
            for (sum, step) in sums.iter_mut().zip(self.of(number)) {
                *sum += i32::from(step);
            }
        }
        sums
    }

    /// Nats of a sum of steps of one label, for features that weigh `value` each.
    #[inline]
    #[must_use]
    pub fn nats(&self, label: Label, steps: i32, value: f32) -> f64 {
        let scale = self.scale.get(label.index()).copied().unwrap_or(0.0);
        f64::from(steps) * f64::from(scale) * f64::from(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_come_back_in_nats() {
        let mut weights = PerLabel::from_fn(|_| vec![0.0_f32; 256]);
        weights[Label::Spam][7] = 2.0;
        weights[Label::Spam][9] = -0.5;
        let table = TextWeights::quantised(8, &weights);
        let sums = table.sum(&[7 << 24, 9 << 24, 11 << 24]);
        assert!((table.nats(Label::Spam, sums[0], 0.5) - 0.75).abs() < 1e-3);
        assert_eq!(sums[3], 0);
        assert_eq!(TextWeights::from_parts(table.steps().to_vec(), table.scale()), Some(table));
        assert_eq!(TextWeights::from_parts(vec![[0; 4]; 100], [1.0; 4]), None);
    }
}
