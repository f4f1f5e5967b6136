//! What each rule did lately: matches as recorded, and what people said of them.
//!
//! Nothing is judged again: verdicts name the rules that matched. May import: `types`,
//! `store`.

use std::collections::HashMap;

use super::backtest::{Rate, truth};
use crate::{
    store::{SharedStore, StoreError, VerdictFilter},
    types::{PageRequest, SiteId, Timestamp},
};

/// Most verdicts looked at: some seconds of reading.
pub const MAX_LOOKED_AT: u64 = 200_000;
/// Verdicts read in one go.
const PAGE: usize = 500;

/// What one rule did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleFigures {
    /// Comments it matched.
    pub hits: u64,
    /// Of those decided, the rejected ones.
    pub precision: Rate,
    /// When it matched last.
    pub last: Option<Timestamp>,
}

/// What the rules of a site did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RulesReport {
    /// By name.
    pub rules: HashMap<String, RuleFigures>,
    /// Verdicts looked at.
    pub verdicts: u64,
    /// Whether there were more than [`MAX_LOOKED_AT`].
    pub truncated: bool,
}

/// Counts the matches of every rule since a moment.
///
/// # Errors
///
/// What the store says.
pub async fn rules_report(
    store: &SharedStore,
    site: &SiteId,
    from: Timestamp,
) -> Result<RulesReport, StoreError> {
    let truth = truth(store, site).await?;
    let filter = VerdictFilter { from: Some(from), ..VerdictFilter::default() };
    let (mut counts, mut report, mut after) = (HashMap::new(), RulesReport::default(), None);
    loop {
        let page = store.verdicts(site, &filter, PageRequest { size: PAGE, after }).await?;
        for verdict in &page.rows {
            report.verdicts += 1;
            let live = verdict.trace.iter().flat_map(|trace| &trace.rules);
            for name in live.chain(&verdict.shadow_hits) {
                let (hits, rejected, decided, last) =
                    counts.entry(name.clone()).or_insert((0_u64, 0_u64, 0_u64, verdict.created_at));
                *hits += 1;
                if let Some(approved) = truth.get(&verdict.id) {
                    *decided += 1;
                    *rejected += u64::from(!approved);
                }
                *last = verdict.created_at.max(*last);
            }
        }
        after = page.next;
        report.truncated = after.is_some() && report.verdicts >= MAX_LOOKED_AT;
        if report.truncated || super::backtest::is_over(after, from) {
            break;
        }
    }
    let figures = |(name, (hits, rejected, decided, last))| {
        (name, RuleFigures { hits, precision: Rate::of(rejected, decided), last: Some(last) })
    };
    report.rules = counts.into_iter().map(figures).collect();
    Ok(report)
}
