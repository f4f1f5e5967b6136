//! Numbers that are read rather than counted: the depth of queues, what judges now, how
//! well.
//!
//! May import: `types`, `observe`, `scoring`, `learning`, `moderation` (the desk).

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use crate::{
    learning::measure::{Measured, measure},
    moderation::Desk,
    observe::{GaugeLabels, MAX_SITES, Metrics, QueueLabels, RateLabels},
    scoring::Snapshot,
    store::StoreError,
    types::{PageRequest, SiteId},
};

/// How often they are read: twice per usual scrape.
const EVERY: Duration = Duration::from_secs(15);

/// Reads them, every 15 seconds.
pub(super) async fn gauges(desk: Desk, live: Arc<ArcSwap<Snapshot>>, stop: CancellationToken) {
    loop {
        let now = live.load_full();
        desk.metrics.judges(now.model_id(), now.rules.id());
        desk.metrics.ready(desk.store.check().await.is_ok());
        if let Err(error) = queues(&desk).await {
            tracing::warn!(reason = error.reason(), "queues were not counted");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// How often sites are measured: it reads up to 50,000 verdicts of each.
const MEASURE_EVERY: Duration = Duration::from_secs(3_600);
/// How long after the start for the first time.
const MEASURE_AFTER: Duration = Duration::from_secs(60);

/// Measures precision, recall, drift and calibration of each site, every hour.
pub(super) async fn measurements(desk: Desk, stop: CancellationToken) {
    let mut wait = MEASURE_AFTER;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = MEASURE_EVERY;
        let sites = desk.store.sites(PageRequest { size: MAX_SITES, after: None }).await;
        for site in sites.map(|page| page.rows).unwrap_or_default() {
            if stop.is_cancelled() {
                return;
            }
            match measure(&desk.store, &site.id, desk.clock.now()).await {
                Ok(measured) => tell(&desk.metrics, &site.id, measured),
                Err(error) => tracing::warn!(site = %site.id, reason = error.reason(), "not measured"),
            }
        }
    }
}

fn tell(metrics: &Metrics, site: &SiteId, measured: Measured) {
    let labels = metrics.site(site);
    let Measured { precision, recall, psi, overturned, calibration_gap, reject_share, .. } = measured;
    for (family, rates) in [(&metrics.precision, precision), (&metrics.recall, recall)] {
        for (label, values) in rates {
            for (bound, value) in ["value", "low", "high"].into_iter().zip(values) {
                let labels = RateLabels { site: labels.site.clone(), label, bound };
                family.get_or_create(&labels).set(value);
            }
        }
    }
    for (of, index) in psi {
        metrics.psi.get_or_create(&GaugeLabels { site: labels.site.clone(), of }).set(index);
    }
    if let Some(gap) = calibration_gap {
        let of = GaugeLabels { site: labels.site.clone(), of: "any".to_owned() };
        metrics.calibration_gap.get_or_create(&of).set(gap);
    }
    for (family, value) in [(&metrics.overturn_rate, overturned), (&metrics.reject_share, reject_share)] {
        if let Some(value) = value {
            family.get_or_create(&labels).set(value);
        }
    }
}

async fn queues(desk: &Desk) -> Result<(), StoreError> {
    let page = desk.store.sites(PageRequest { size: MAX_SITES, after: None }).await?;
    for site in page.rows {
        queue(desk, &desk.metrics, &site.id).await?;
    }
    Ok(())
}

async fn queue(desk: &Desk, metrics: &Metrics, site: &SiteId) -> Result<(), StoreError> {
    let stats = desk.store.queue_stats(site).await?;
    let labels = metrics.site(site);
    let age = stats.oldest.map_or(0.0, |oldest| desk.clock.now().since(oldest).as_secs_f64());
    for (state, items) in [("open", stats.open), ("claimed", stats.claimed), ("decided", stats.decided)] {
        let labels = QueueLabels { site: labels.site.clone(), state };
        metrics.queue_items.get_or_create(&labels).set(i64::try_from(items).unwrap_or(i64::MAX));
    }
    metrics.queue_oldest.get_or_create(&labels).set(age);
    Ok(())
}
