//! The dense combiner: linfa's logistic regression over head margins, stated rule
//! weights and standardised signals; and Platt scaling on top.
//!
//! May import: nothing of ours.

use linfa::{Dataset, DatasetBase, ParamGuard, composing::platt_scaling::platt_newton_method, traits::Fit};
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};

/// Strength of the pull of weights towards 0 (L2, on the summed loss).
const ALPHA: f64 = 2.0;

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

/// Fits a combiner: `columns` is `n × k`, standardised, without NaN.
///
/// With one class only there is nothing to learn: the weights are 0 and the
/// intercept says what was seen.
///
/// # Errors
///
/// What linfa's optimiser says.
pub fn fit_combiner(columns: Array2<f64>, targets: Array1<bool>) -> Result<Combiner, String> {
    let positives = targets.iter().filter(|&&t| t).count();
    let (k, n) = (columns.ncols(), targets.len());
    if positives == 0 || positives == n {
        let intercept = ((positives as f64 + 0.5) / ((n - positives) as f64 + 0.5)).ln();
        return Ok(Combiner { weights: vec![0.0; k], intercept });
    }
    let dataset: DatasetBase<Array2<f64>, Array1<bool>> = Dataset::new(columns, targets);
    let model = LogisticRegression::default()
        .alpha(ALPHA)
        .max_iterations(80)
        .gradient_tolerance(1e-3)
        .fit(&dataset)
        .map_err(|error| error.to_string())?;
    let sign = if model.labels().pos.class { 1.0 } else { -1.0 };
    Ok(Combiner {
        weights: model.params().iter().map(|w| sign * w).collect(),
        intercept: sign * model.intercept(),
    })
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

    #[test]
    fn it_finds_the_telling_column() {
        let n = 400;
        let columns = Array2::from_shape_fn((n, 2), |(i, j)| {
            if j == 0 { if i % 2 == 0 { 1.0 } else { -1.0 } } else { f64::from((i % 7) as u32) / 7.0 }
        });
        // Every tenth row is mislabelled: odds stay finite.
        let targets = Array1::from_iter((0..n).map(|i| (i % 2 == 0) != (i % 10 == 0)));
        let combiner = fit_combiner(columns, targets).expect("fits");
        assert!(combiner.weights[0] > 0.5 && combiner.weights[1].abs() < 0.5, "{combiner:?}");
        assert!(combiner.log_odds(&[1.0, 0.5]) > 0.0);
        let one_class = fit_combiner(Array2::zeros((10, 2)), Array1::from_elem(10, false)).expect("fits");
        assert!(one_class.intercept < -2.0);
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
