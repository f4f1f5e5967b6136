//! Learning one comment at a time.
//!
//! [`Counts`] is the additive learner of a site: whole-number counts per feature, so
//! the order of decisions does not matter and taking one back leaves no trace.
//! [`OnlineSvm`] asks more of the past and ranks better. [`OnlineStack`] joins both by
//! weights it learns from its own honest mistakes: every margin was given before the
//! comment was learnt.
//!
//! May import: nothing of ours.

use super::{random::SplitMix, row::Row};

/// Counts of features in comments that carry a label and in those that do not.
///
/// Learning adds one to each feature of a comment, [`Counts::unlearn`] takes it away:
/// any order of the same decisions gives the same counts, to the last bit, and a
/// decision that was taken back was never there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Per slot: comments without and with the label.
    slots: Vec<[u32; 2]>,
    /// Features in comments without and with the label.
    features: [u64; 2],
    /// Comments without and with the label.
    comments: [u64; 2],
}

/// What every feature is given in advance in both classes.
const ALPHA: f64 = 0.5;

impl Counts {
    /// Nothing learnt, 2^`bits` slots. Memory 8 bytes a slot.
    #[must_use]
    pub fn new(bits: u32) -> Self {
        Self { slots: vec![[0; 2]; 1 << bits], features: [0; 2], comments: [0; 2] }
    }

    /// Learns one comment. `O(features)`.
    pub fn learn(&mut self, row: &Row, truth: bool) {
        let class = usize::from(truth);
        for (slot, _) in row.iter() {
            let Some(counts) = self.slots.get_mut(slot as usize) else { continue };
            if let Some(n) = counts.get_mut(class) {
                *n += 1;
            }
        }
        add(&mut self.features, class, row.len() as u64);
        add(&mut self.comments, class, 1);
    }

    /// Takes back one comment that was learnt: the inverse of [`Counts::learn`].
    pub fn unlearn(&mut self, row: &Row, truth: bool) {
        let class = usize::from(truth);
        for (slot, _) in row.iter() {
            let Some(counts) = self.slots.get_mut(slot as usize) else { continue };
            if let Some(n) = counts.get_mut(class) {
                *n = n.saturating_sub(1);
            }
        }
        let take = |n: &mut u64, by: u64| *n = n.saturating_sub(by);
        if let Some(n) = self.features.get_mut(class) {
            take(n, row.len() as u64);
        }
        if let Some(n) = self.comments.get_mut(class) {
            take(n, 1);
        }
    }

    /// Comments learnt, without and with the label.
    #[must_use]
    pub const fn comments(&self) -> [u64; 2] {
        self.comments
    }

    /// Sum of the log-count ratios of a row's features times the row's value, as
    /// [`super::NaiveBayes`] trained on the same comments would give it; features never
    /// seen say nothing. `O(features)`.
    #[must_use]
    pub fn margin(&self, row: &Row) -> f64 {
        let share = self.features[1] as f64 / self.features.iter().sum::<u64>().max(1) as f64;
        let ratio = |slot: &u32| match self.slots.get(*slot as usize) {
            None | Some([0, 0]) => 0.0,
            Some(&[n, p]) => {
                let (n, p) = (f64::from(n), f64::from(p));
                let expected = (n + p) * share;
                ((p + ALPHA) / (n + ALPHA)).ln() - ((expected + ALPHA) / (n + p - expected + ALPHA)).ln()
            }
        };
        let block = |(slots, value): (&[u32], f32)| slots.iter().map(ratio).sum::<f64>() * f64::from(value);
        row.blocks().into_iter().map(block).sum()
    }
}

fn add(counts: &mut [u64; 2], class: usize, by: u64) {
    if let Some(n) = counts.get_mut(class) {
        *n += by;
    }
}

/// Value of the constant feature that stands for the intercept.
const BIAS: f32 = 0.3;

/// A support vector machine that sees comments one by one and goes over the latest of
/// them again after each: the relaxed online SVM of D. Sculley and G. M. Wachman
/// ("Relaxed Online SVMs for Spam Filtering", SIGIR 2007), its steps taken in the dual
/// (Hsieh et al., ICML 2008). Deterministic.
#[derive(Clone, Debug)]
pub struct OnlineSvm {
    weights: Vec<f32>,
    intercept: f32,
    /// The comments in memory, each with its side (±1) and its dual variable.
    past: Vec<(Row, f32, f32)>,
    c: f32,
    passes: usize,
    memory: usize,
    random: SplitMix,
}

impl OnlineSvm {
    /// Nothing learnt, 2^`bits` slots; `c` is the cost of an error against large
    /// weights, `memory` the comments it goes over again, `passes` how often.
    #[must_use]
    pub fn new(bits: u32, c: f32, memory: usize, passes: usize) -> Self {
        let weights = vec![0.0; 1 << bits];
        Self { weights, intercept: 0.0, past: Vec::new(), c, passes, memory, random: SplitMix::new(1) }
    }

    /// Distance from the separating plane, positive on the side of the label.
    #[must_use]
    pub fn margin(&self, row: &Row) -> f32 {
        let sum = |slots: &[u32]| slots.iter().filter_map(|&s| self.weights.get(s as usize)).sum::<f32>();
        row.blocks().into_iter().map(|(slots, value)| sum(slots) * value).sum::<f32>() + self.intercept
    }

    /// Learns one comment. `O(passes × memory × features)`.
    pub fn learn(&mut self, row: Row, truth: bool) {
        self.past.push((row, if truth { 1.0 } else { -1.0 }, 0.0));
        let newest = self.past.len() - 1;
        self.step(newest);
        let first = self.past.len().saturating_sub(self.memory);
        let mut order: Vec<usize> = (first..self.past.len()).collect();
        for _ in 0..self.passes {
            self.random.shuffle(&mut order);
            // Those far on their right side have a gradient that changes nothing.
            let moved = order.iter().map(|&at| self.step(at)).fold(0.0_f32, f32::max);
            if moved < 1e-2 {
                break;
            }
        }
    }

    /// One step of dual coordinate descent; how far it moved.
    fn step(&mut self, at: usize) -> f32 {
        let Some((row, side, dual)) = self.past.get(at).cloned() else { return 0.0 };
        let diagonal = 0.5 / self.c;
        let gradient = side * self.margin(&row) - 1.0 + diagonal * dual;
        if dual == 0.0 && gradient >= 0.0 {
            return 0.0;
        }
        let norm = row.iter().map(|(_, value)| value * value).sum::<f32>() + BIAS * BIAS;
        let next = (dual - gradient / (norm + diagonal)).max(0.0);
        let by = (next - dual) * side;
        if let Some(entry) = self.past.get_mut(at) {
            entry.2 = next;
        }
        for (slot, value) in row.iter() {
            if let Some(weight) = self.weights.get_mut(slot as usize) {
                *weight += by * value;
            }
        }
        self.intercept += by * BIAS * BIAS;
        by.abs()
    }
}

/// What each learner of a stack says, and the stack.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OnlineMargins {
    /// The additive learner's margin.
    pub counts: f64,
    /// The support vector machine's margin.
    pub svm: f64,
    /// Log-odds of the label.
    pub stack: f64,
}

/// Both learners and the weights that join them.
///
/// The weights are those of a logistic regression on the margins that were given before
/// each comment was learnt, moved one step per comment with steps that shrink as a
/// weight is moved (AdaGrad; Duchi, Hazan & Singer, JMLR 2011).
#[derive(Clone, Debug)]
pub struct OnlineStack {
    counts: Counts,
    svm: OnlineSvm,
    weights: [f64; 3],
    squares: [f64; 3],
}

/// Size of the first step of a weight.
const RATE: f64 = 0.1;

impl OnlineStack {
    /// Nothing learnt, 2^`bits` slots.
    #[must_use]
    pub fn new(bits: u32) -> Self {
        Self {
            counts: Counts::new(bits),
            svm: OnlineSvm::new(bits, 3.0, 2_000, 1),
            weights: [0.05, 3.0, 0.0],
            squares: [1.0; 3],
        }
    }

    /// What is thought of a comment that was not learnt.
    #[must_use]
    pub fn margins(&self, row: &Row) -> OnlineMargins {
        let (counts, svm) = (self.counts.margin(row), f64::from(self.svm.margin(row)));
        let [a, b, c] = self.weights;
        OnlineMargins { counts, svm, stack: a * counts + b * svm + c }
    }

    /// Learns a comment.
    pub fn learn(&mut self, row: &Row, truth: bool) {
        let margins = self.margins(row);
        let error = 1.0 / (1.0 + (-margins.stack).exp()) - f64::from(u8::from(truth));
        let columns = [margins.counts, margins.svm, 1.0];
        for ((weight, square), x) in self.weights.iter_mut().zip(&mut self.squares).zip(columns) {
            let gradient = error * x;
            *square += gradient * gradient;
            *weight -= RATE * gradient / square.sqrt();
        }
        self.counts.learn(row, truth);
        self.svm.learn(row.clone(), truth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::{NaiveBayes, NaiveBayesParams};
    use proptest::prelude::*;

    fn row(slots: &[u32]) -> Row {
        Row::new([slots, &[]], [1.0 / (slots.len().max(1) as f32).sqrt(), 0.0], 0)
    }

    fn decisions() -> impl Strategy<Value = Vec<(Row, bool)>> {
        let row = prop::collection::vec(0_u32..256, 0..12).prop_map(|slots| row(&slots));
        prop::collection::vec((row, any::<bool>()), 1..30)
    }

    fn learnt(decisions: &[(Row, bool)]) -> Counts {
        let mut counts = Counts::new(8);
        decisions.iter().for_each(|(row, truth)| counts.learn(row, *truth));
        counts
    }

    proptest! {
        /// The order of decisions does not matter.
        #[test]
        fn counts_know_no_order(decisions in decisions(), seed in any::<u64>()) {
            let mut other = decisions.clone();
            SplitMix::new(seed).shuffle(&mut other);
            prop_assert_eq!(learnt(&decisions), learnt(&other));
        }

        /// What was taken back was never there.
        #[test]
        fn counts_take_back_exactly(decisions in decisions(), more in decisions()) {
            let before = learnt(&decisions);
            let mut after = before.clone();
            more.iter().for_each(|(row, truth)| after.learn(row, *truth));
            more.iter().rev().for_each(|(row, truth)| after.unlearn(row, *truth));
            prop_assert_eq!(before, after);
        }

        /// Learning one by one is the batch learner, up to its 32 bits.
        #[test]
        fn counts_are_naive_bayes(decisions in decisions()) {
            let batch = NaiveBayes::fit(NaiveBayesParams::new(256), decisions.iter().map(|(r, y)| (r, *y)));
            let (batch, counts) = (batch.expect("fits"), learnt(&decisions));
            for (row, _) in &decisions {
                let (a, b) = (f64::from(batch.margin(row)), counts.margin(row));
                prop_assert!((a - b).abs() < 1e-2 * (1.0 + a.abs()), "{a} {b}");
            }
        }
    }

    #[test]
    fn the_machine_learns_and_is_deterministic() {
        let rows: Vec<(Row, bool)> =
            (0..200_u32).map(|i| (row(&[i % 2, 2 + i % 7, 9 + i % 5]), i % 2 == 1)).collect();
        let run = || {
            let mut stack = OnlineStack::new(8);
            let mut wrong = 0;
            for (n, (row, truth)) in rows.iter().enumerate() {
                wrong += usize::from(n >= 20 && (stack.margins(row).stack > 0.0) != *truth);
                stack.learn(row, *truth);
            }
            (wrong, stack.margins(&rows[0].0))
        };
        let (wrong, margins) = run();
        assert_eq!((wrong, margins), run());
        assert_eq!(wrong, 0);
        assert!(margins.stack < 0.0);
    }
}
