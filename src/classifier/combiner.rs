//! The dense combiner: logistic regression over head margins, stated rule weights and
//! standardised signals, with a least value per weight; and Platt scaling on top.
//!
//! Newton's method with the bounds kept by coordinate descent on each quadratic model
//! (projected Newton; D. P. Bertsekas, "Projected Newton Methods for Optimization
//! Problems with Simple Constraints", SIAM J. Control and Optimization 20, 1982; the
//! inner solver as in J. Friedman, T. Hastie, R. Tibshirani, "Regularization Paths for
//! Generalized Linear Models via Coordinate Descent", J. Statistical Software 33, 2010).
//! linfa's logistic regression knows no bounds, and on some seventy columns its
//! first-order steps took ten times as long to come as near.
//!
//! May import: nothing of ours.

use linfa::{ParamGuard, composing::platt_scaling::platt_newton_method};
use ndarray::{Array1, Array2, ArrayView1, Axis};

/// Strength of the pull of weights towards 0 (L2, on the summed loss).
const ALPHA: f64 = 2.0;
/// Newton steps at most; eight are usual.
const STEPS: usize = 40;
/// Passes over the weights of one quadratic model at most.
const SWEEPS: usize = 400;
/// The descent that a step promises, in nats of all rows, below which it is not made.
const ARRIVED: f64 = 1e-5;

/// Log-odds as a linear function of dense columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Combiner {
    /// One weight per column, in nats per unit of the column.
    pub weights: Vec<f64>,
    /// The intercept, in nats.
    pub intercept: f64,
}

impl Combiner {
    /// The log-odds of a row of columns.
    #[must_use]
    pub fn log_odds(&self, columns: &[f64]) -> f64 {
        self.intercept + self.weights.iter().zip(columns).map(|(w, x)| w * x).sum::<f64>()
    }

    /// The combiner with odds scaled to `a z + b`: scaling is linear, so it folds in.
    #[must_use]
    pub fn scaled(self, (a, b): (f64, f64)) -> Self {
        Self { weights: self.weights.into_iter().map(|w| a * w).collect(), intercept: a * self.intercept + b }
    }
}

/// Fits a combiner: `columns` is `n × k`, without NaN; `least` has a value below which
/// the weight of each column may not fall, −∞ for none (and where it ends early).
///
/// With one class only there is nothing to learn: the weights are 0, or the least
/// allowed, and the intercept says what was seen. `O(n k²)` per step.
#[must_use]
pub fn fit_combiner(columns: &Array2<f64>, targets: &[bool], least: &[f64]) -> Combiner {
    let positives = targets.iter().filter(|&&t| t).count();
    let (k, n) = (columns.ncols(), targets.len());
    let bound = |at: usize| least.get(at).copied().unwrap_or(f64::NEG_INFINITY);
    let prior = ((positives as f64 + 0.5) / ((n - positives) as f64 + 0.5)).ln();
    let mut weights: Vec<f64> = (0..k).map(|at| bound(at).max(0.0)).collect();
    if positives == 0 || positives == n {
        return Combiner { weights, intercept: prior };
    }
    // A column of zeros tells nothing: whole families of signals may be absent.
    let live: Vec<usize> = columns
        .axis_iter(Axis(1))
        .enumerate()
        .filter(|(_, column)| column.iter().any(|x| *x != 0.0))
        .map(|(at, _)| at)
        .collect();
    let mut matrix = Array2::ones((n, live.len() + 1));
    for (slot, &at) in live.iter().enumerate() {
        matrix.column_mut(slot).assign(&columns.column(at));
    }
    let least: Vec<f64> = live.iter().map(|&at| bound(at)).chain([f64::NEG_INFINITY]).collect();
    let start = live.iter().filter_map(|&at| weights.get(at).copied()).chain([prior]);
    let problem = Problem { matrix, targets, least };
    let found = problem.solve(Array1::from_iter(start));
    for (&at, &weight) in live.iter().zip(&found) {
        if let Some(slot) = weights.get_mut(at) {
            *slot = weight;
        }
    }
    Combiner { weights, intercept: found.last().copied().unwrap_or(prior) }
}

/// The last column is the constant, whose weight is free and not pulled.
struct Problem<'a> {
    matrix: Array2<f64>,
    targets: &'a [bool],
    least: Vec<f64>,
}

impl Problem<'_> {
    fn pull(&self, at: usize) -> f64 {
        if at + 1 < self.least.len() { ALPHA } else { 0.0 }
    }

    /// Negative log-likelihood and pull, in nats.
    fn loss(&self, odds: &Array1<f64>, weights: &Array1<f64>) -> f64 {
        let row = |(&z, &t): (&f64, &bool)| {
            let z = if t { -z } else { z };
            z.max(0.0) + (-z.abs()).exp().ln_1p()
        };
        let pull = |(at, w): (usize, &f64)| 0.5 * self.pull(at) * w * w;
        odds.iter().zip(self.targets).map(row).sum::<f64>()
            + weights.iter().enumerate().map(pull).sum::<f64>()
    }

    fn solve(&self, mut weights: Array1<f64>) -> Array1<f64> {
        let mut odds = self.matrix.dot(&weights);
        let mut loss = self.loss(&odds, &weights);
        for _ in 0..STEPS {
            let chances = odds.mapv(|z| 1.0 / (1.0 + (-z).exp()));
            let errors: Array1<f64> =
                chances.iter().zip(self.targets).map(|(p, &t)| p - f64::from(u8::from(t))).collect();
            let mut gradient = self.matrix.t().dot(&errors);
            let roots = chances.mapv(|p| (p * (1.0 - p)).max(1e-9).sqrt());
            let weighted = &self.matrix * &roots.insert_axis(Axis(1));
            let mut curvature = weighted.t().dot(&weighted);
            for (at, (g, w)) in gradient.iter_mut().zip(&weights).enumerate() {
                *g += self.pull(at) * w;
                if let Some(diagonal) = curvature.get_mut((at, at)) {
                    *diagonal += self.pull(at);
                }
            }
            let step = self.bounded_step(&gradient, &curvature, &weights);
            let slope = gradient.dot(&step);
            if slope > -ARRIVED {
                break;
            }
            let along = self.matrix.dot(&step);
            let mut length = 1.0;
            loop {
                let (tried, tried_odds) = (&weights + &(&step * length), &odds + &(&along * length));
                let tried_loss = self.loss(&tried_odds, &tried);
                if tried_loss <= loss + 1e-4 * length * slope {
                    (weights, odds, loss) = (tried, tried_odds, tried_loss);
                    break;
                }
                length *= 0.5;
                if length < 1e-6 {
                    return weights;
                }
            }
        }
        weights
    }

    /// The step to the least value of the quadratic model within the bounds.
    fn bounded_step(
        &self,
        gradient: &Array1<f64>,
        curvature: &Array2<f64>,
        weights: &Array1<f64>,
    ) -> Array1<f64> {
        let mut step: Array1<f64> = Array1::zeros(gradient.len());
        let mut slope = gradient.clone();
        for _ in 0..SWEEPS {
            let mut largest = 0.0_f64;
            for at in 0..step.len() {
                let (Some(&g), Some(&h), Some(&w), Some(&least)) =
                    (slope.get(at), curvature.get((at, at)), weights.get(at), self.least.get(at))
                else {
                    continue;
                };
                let Some(d) = step.get_mut(at) else { continue };
                let next = (*d - g / h).max(least - w);
                let moved = next - *d;
                *d = next;
                if moved != 0.0 {
                    largest = largest.max(moved.abs());
                    let column: ArrayView1<'_, f64> = curvature.column(at);
                    slope.scaled_add(moved, &column);
                }
            }
            if largest < 1e-9 {
                break;
            }
        }
        step
    }
}

/// Platt scaling of log-odds `z`: `(a, b)` so that `a z + b` are the log-odds of the
/// truth. The identity when there is too little of either class to tell.
///
/// Source: H.-T. Lin, C.-J. Lin, R. C. Weng, "A Note on Platt's Probabilistic Outputs
/// for Support Vector Machines" (2007), by linfa.
#[must_use]
pub fn platt(z: &[f64], truth: &[bool]) -> (f64, f64) {
    let positives = truth.iter().filter(|&&t| t).count();
    if positives < 20 || truth.len() - positives < 20 {
        return (1.0, 0.0);
    }
    let (z, y) = (Array1::from(z.to_vec()), Array1::from(truth.to_vec()));
    let Ok(params) = linfa::composing::platt_scaling::Platt::<f64, ()>::params().check() else {
        return (1.0, 0.0);
    };
    match platt_newton_method(z.view(), y.view(), &params) {
        // linfa's form is 1 / (1 + exp(a z + b)).
        Ok((a, b)) if a.is_finite() && b.is_finite() && a < -0.05 => (-a, -b),
        _ => (1.0, 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every tenth row is mislabelled: odds stay finite.
    fn toy(n: usize) -> (Array2<f64>, Vec<bool>) {
        let columns = Array2::from_shape_fn((n, 3), |(i, j)| match j {
            0 if i % 2 == 0 => 1.0,
            0 => -1.0,
            1 => f64::from((i % 7) as u32) / 7.0,
            _ => 0.0,
        });
        (columns, (0..n).map(|i| (i % 2 == 0) != (i % 10 == 0)).collect())
    }

    #[test]
    fn it_finds_the_telling_column() {
        let (columns, targets) = toy(400);
        let combiner = fit_combiner(&columns, &targets, &[]);
        assert!(combiner.weights[0] > 0.5 && combiner.weights[1].abs() < 0.5, "{combiner:?}");
        assert_eq!(combiner.weights[2], 0.0, "a column of zeros");
        assert!(combiner.log_odds(&[1.0, 0.5, 0.0]) > 0.0);
        let one_class = fit_combiner(&Array2::zeros((10, 2)), &[false; 10], &[]);
        assert!(one_class.intercept < -2.0);
    }

    #[test]
    fn at_the_end_nothing_pulls_and_bounds_are_kept() {
        let (mut columns, targets) = toy(400);
        columns.column_mut(0).mapv_inplace(|x| -x);
        for (least, held) in [(f64::NEG_INFINITY, false), (0.0, true), (0.3, true)] {
            let found = fit_combiner(&columns, &targets, &[least]);
            assert_eq!(found.weights[0] == least, held, "{least}: {found:?}");
            let mut slopes = [0.0; 4];
            for (row, &truth) in columns.rows().into_iter().zip(&targets) {
                let row = row.to_vec();
                let error = 1.0 / (1.0 + (-found.log_odds(&row)).exp()) - f64::from(u8::from(truth));
                slopes.iter_mut().zip(row.iter().chain([&1.0])).for_each(|(s, x)| *s += error * x);
            }
            slopes.iter_mut().zip(&found.weights).for_each(|(s, w)| *s += ALPHA * w);
            assert!(slopes[1].abs() < 1e-2 && slopes[3].abs() < 1e-2, "{least}: {slopes:?}");
            assert!(if held { slopes[0] > 0.0 } else { slopes[0].abs() < 1e-2 }, "{least}: {slopes:?}");
        }
    }

    #[test]
    fn platt_undoes_overconfidence() {
        // Odds claimed e^4 are really 3 : 1.
        let (mut z, mut truth) = (Vec::new(), Vec::new());
        for i in 0..400 {
            let claim = if i % 2 == 0 { 4.0 } else { -4.0 };
            z.push(claim);
            truth.push((claim > 0.0) == (i % 8 >= 2));
        }
        let (a, b) = platt(&z, &truth);
        assert!((a * 4.0 + b - 3.0_f64.ln()).abs() < 0.3, "a {a} b {b}");
        assert_eq!(platt(&[1.0], &[true]), (1.0, 0.0));
    }
}
