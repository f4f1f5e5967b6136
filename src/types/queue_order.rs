//! Where an item stands among others, and why: the orders of a queue as numbers.
//!
//! Pure. No number depends on the present moment: waiting costs every item the
//! same per hour, so the order of two items never changes by itself and a store
//! can keep it in an index. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{Action, Label, QueueItem, Timestamp};

/// In which order items are shown and handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueOrder {
    /// The one that began to wait last comes first.
    Newest,
    /// The one that began to wait first comes first.
    #[default]
    Oldest,
    /// The one whose verdict is most probably wrong comes first.
    MostLikelyWrong,
    /// The one that does most harm where most people see it comes first.
    HarmExposure,
    /// The one comes first whose decision is worth most: expected harm, and what
    /// the model learns from it, less what the waiting has made stale.
    ValueOfLook,
}

impl QueueOrder {
    /// Every order.
    pub const ALL: [Self; 5] =
        [Self::Newest, Self::Oldest, Self::MostLikelyWrong, Self::HarmExposure, Self::ValueOfLook];

    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::MostLikelyWrong => "most_likely_wrong",
            Self::HarmExposure => "harm_exposure",
            Self::ValueOfLook => "value_of_look",
        }
    }

    /// The order of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.name() == name)
    }
}

/// Harm of a comment that surely carries a label, where abuse is 1.
const fn severity(label: Label) -> f64 {
    match label {
        Label::Abuse => 1.0,
        Label::Spam => 0.6,
        Label::OffTopic | Label::LowContent => 0.2,
    }
}

/// How much more a comment harms that readers see already.
const VISIBLE: f64 = 2.0;
/// Reports never weigh more than this: one crowd cannot own the queue.
const MAX_REPORTED: f64 = 2.0;
/// What an hour of waiting takes from the value of a look: about a day outweighs
/// the most uncertain of harmless comments.
const STALE_PER_HOUR: f64 = 0.05;
const MICROS_PER_HOUR: f64 = 3_600e6;

/// The numbers that place an item.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rank {
    /// Probability that the verdict's action was wrong, in `[0, 1]`.
    pub wrong: f64,
    /// Expected harm: the worst label's probability times its severity, twice
    /// where readers see it; in `[0, 2]`.
    pub harm: f64,
    /// How many see it, where 1.0 is a usual place.
    pub exposure: f64,
    /// What the model learns from an answer: entropy of its own, in bits; `[0, 1]`.
    pub information: f64,
    /// Weight of the readers' reports, in `[0, 2]`.
    pub reported: f64,
}

impl Rank {
    /// The numbers of an item.
    #[must_use]
    pub fn of(item: &QueueItem) -> Self {
        let p = item.overall.get();
        let worst = item.labels.iter().map(|(label, p)| severity(label) * p.get()).fold(0.0, f64::max);
        let (wrong, visible) = match item.action {
            Action::Allow => (p, VISIBLE),
            Action::Hold | Action::Reject | Action::Discard => (1.0 - p, 1.0),
        };
        Self {
            wrong,
            harm: worst * visible,
            exposure: f64::from(item.exposure).max(0.0),
            information: entropy(p),
            reported: (f64::from(item.report_weight) / 1000.0).min(MAX_REPORTED),
        }
    }

    /// What the item scores in an order at `now`; the greatest comes first. For the
    /// orders by time it is the hours waited, or their negative.
    #[must_use]
    pub fn value(&self, order: QueueOrder, waiting_since: Timestamp, now: Timestamp) -> f64 {
        let waited = (now.micros() as f64 - waiting_since.micros() as f64) / MICROS_PER_HOUR;
        match order {
            QueueOrder::Newest => -waited,
            QueueOrder::Oldest => waited,
            QueueOrder::MostLikelyWrong => self.wrong,
            QueueOrder::HarmExposure => self.harm * self.exposure,
            QueueOrder::ValueOfLook => self.worth() - STALE_PER_HOUR * waited,
        }
    }

    /// Value of a look before it went stale.
    fn worth(&self) -> f64 {
        self.harm * self.exposure + self.information + self.reported
    }

    /// A number that sorts items as an order does: the least comes first. Two items
    /// with the same number are told apart by their id.
    #[must_use]
    pub fn key(&self, order: QueueOrder, waiting_since: Timestamp) -> u64 {
        let time = (waiting_since.micros() ^ i64::MIN) as u64;
        match order {
            QueueOrder::Oldest => time,
            QueueOrder::Newest => !time,
            QueueOrder::MostLikelyWrong | QueueOrder::HarmExposure => {
                !ordered(self.value(order, waiting_since, waiting_since))
            }
            // Waiting costs all the same, so the moment of comparison cancels out.
            QueueOrder::ValueOfLook => {
                !ordered(self.worth() + STALE_PER_HOUR * (waiting_since.micros() as f64 / MICROS_PER_HOUR))
            }
        }
    }

    /// Why an item stands where it stands, for people.
    #[must_use]
    pub fn explain(&self, order: QueueOrder, waiting_since: Timestamp, now: Timestamp) -> String {
        let Self { wrong, harm, exposure, information, reported } = self;
        let hours = now.since(waiting_since).as_secs_f64() / 3600.0;
        let value = self.value(order, waiting_since, now);
        match order {
            QueueOrder::Newest | QueueOrder::Oldest => format!("has waited {hours:.1} h"),
            QueueOrder::MostLikelyWrong => format!("the verdict is wrong with probability {wrong:.2}"),
            QueueOrder::HarmExposure => {
                format!("expected harm {harm:.2} × exposure {exposure:.2} = {value:.2}")
            }
            QueueOrder::ValueOfLook => {
                let stale = STALE_PER_HOUR * hours;
                format!(
                    "harm {harm:.2} × exposure {exposure:.2} + information {information:.2} + reports \
                     {reported:.2} − {stale:.2} for {hours:.1} h of waiting = {value:.2}"
                )
            }
        }
    }
}

/// Entropy of a coin with probability `p`, in bits (Shannon 1948).
fn entropy(p: f64) -> f64 {
    let part = |q: f64| if q > 0.0 { -q * q.log2() } else { 0.0 };
    part(p) + part(1.0 - p)
}

/// Bits that sort like the number: the sign bit turned over, all bits of negative
/// ones (IEEE 754, total order).
fn ordered(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 0 { bits | (1 << 63) } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entropy_is_one_bit_for_a_coin() {
        for (p, want) in [(0.0, 0.0), (0.5, 1.0), (1.0, 0.0), (0.11, 0.499_915_958)] {
            assert!((entropy(p) - want).abs() < 1e-6, "{p}");
        }
    }

    #[test]
    fn orders_have_names() {
        assert!(QueueOrder::ALL.into_iter().all(|order| QueueOrder::from_name(order.name()) == Some(order)));
    }

    fn rank() -> impl Strategy<Value = Rank> {
        (0.0..=1.0, 0.0..=2.0, 0.0..=20.0, 0.0..=1.0, 0.0..=2.0).prop_map(
            |(wrong, harm, exposure, information, reported)| Rank {
                wrong,
                harm,
                exposure,
                information,
                reported,
            },
        )
    }

    proptest! {
        /// Keys sort as the values do, whenever one looks.
        #[test]
        fn keys_sort_like_values(a in rank(), b in rank(), s in 0..4_000_000i64, t in 0..4_000_000i64, now in 0..9_000_000i64) {
            let second = |s: i64| Timestamp::from_micros(1_700_000_000_000_000 + s * 1_000_000);
            for order in QueueOrder::ALL {
                let (va, vb) = (a.value(order, second(s), second(now)), b.value(order, second(t), second(now)));
                let (ka, kb) = (a.key(order, second(s)), b.key(order, second(t)));
                // Beyond the rounding of a double whose whole part is hours since 1970.
                if (va - vb).abs() > 1e-6 {
                    prop_assert_eq!(va > vb, ka < kb, "{:?}: {} and {}", order, va, vb);
                }
            }
        }

        #[test]
        fn bits_sort_like_numbers(a in -1e9..1e9f64, b in -1e9..1e9f64) {
            prop_assert_eq!(ordered(a).cmp(&ordered(b)), a.total_cmp(&b));
        }
    }
}
