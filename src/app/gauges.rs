//! Numbers that are read rather than counted: the depth of queues, what judges now.
//!
//! May import: `types`, `observe`, `scoring`, `moderation` (the desk).

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use crate::{
    moderation::Desk,
    observe::{MAX_SITES, Metrics, QueueLabels},
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
