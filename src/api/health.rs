//! `grpc.health.v1`: whether this node can do its work now, not merely whether it
//! runs.
//!
//! NOT_SERVING from the start until the store has passed its first check, while
//! it fails its checks, and from the moment a stop is asked for. May import: `store`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic_health::{ServingStatus, pb::health_server::Health, pb::health_server::HealthServer};

use super::pb;
use crate::store::SharedStore;

/// Pause between checks of the store: a check costs one synced write.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A store that takes longer to answer is not serving.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// Every name that health is asked for; the empty one is the node as a whole.
const NAMES: [&str; 7] = [
    "",
    <pb::scoring_service_server::ScoringServiceServer<()> as NamedService>::NAME,
    <pb::article_service_server::ArticleServiceServer<()> as NamedService>::NAME,
    <pb::feedback_service_server::FeedbackServiceServer<()> as NamedService>::NAME,
    <pb::site_service_server::SiteServiceServer<()> as NamedService>::NAME,
    <pb::queue_service_server::QueueServiceServer<()> as NamedService>::NAME,
    <pb::audit_service_server::AuditServiceServer<()> as NamedService>::NAME,
];

/// Sets what the health service answers.
#[derive(Clone, Debug)]
pub struct ServingHealth {
    reporter: tonic_health::server::HealthReporter,
    stopping: Arc<AtomicBool>,
    serving: Arc<AtomicBool>,
}

impl ServingHealth {
    fn new(reporter: tonic_health::server::HealthReporter) -> Self {
        Self { reporter, stopping: Arc::default(), serving: Arc::default() }
    }

    /// Says of all services whether they serve; that they do is not believed any
    /// more once the node stops.
    pub async fn set(&self, serving: bool) {
        let serves = serving && !self.stopping.load(Ordering::SeqCst);
        self.serving.store(serves, Ordering::SeqCst);
        let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in NAMES {
            self.reporter.set_service_status(name, status).await;
        }
    }

    /// What was said last: whether this node can do its work.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.serving.load(Ordering::SeqCst)
    }

    /// Says NOT_SERVING for good: a check of the store that ends while calls are
    /// still finished must not call clients back.
    pub(super) async fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.set(false).await;
    }
}

/// The health service, not serving yet, and what sets it.
pub(super) async fn service() -> (ServingHealth, HealthServer<impl Health>) {
    let (reporter, server) = tonic_health::server::health_reporter();
    let health = ServingHealth::new(reporter);
    health.set(false).await;
    (health, server)
}

/// Keeps health true until `stop` is cancelled, then says NOT_SERVING and returns.
/// `app` runs it as one of its tasks.
pub async fn watch_health(health: ServingHealth, store: SharedStore, stop: CancellationToken) {
    let mut before = None;
    while !stop.is_cancelled() {
        let problem = match tokio::time::timeout(CHECK_TIMEOUT, store.check()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.reason()),
            Err(_) => Some("STORAGE_SLOW"),
        };
        if before != Some(problem) {
            match problem {
                None => tracing::info!("ready"),
                Some(reason) => tracing::warn!(reason, "not ready: the store fails its check"),
            }
            before = Some(problem);
        }
        health.set(problem.is_none()).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(CHECK_INTERVAL) => {}
        }
    }
    health.set(false).await;
}

#[cfg(test)]
mod tests {
    use tonic_health::{
        pb::{HealthCheckRequest, health_check_response::ServingStatus as Wire},
        server::{HealthReporter, HealthService},
    };

    use super::*;
    use crate::store::memory::MemoryStore;

    #[tokio::test]
    async fn a_stopping_node_does_not_serve_again() {
        let reporter = HealthReporter::new();
        let service = HealthService::from_health_reporter(reporter.clone());
        let health = ServingHealth::new(reporter);
        let status = async || {
            let request = HealthCheckRequest { service: String::new() };
            service.check(tonic::Request::new(request)).await.unwrap().into_inner().status()
        };
        health.set(true).await;
        assert_eq!(status().await, Wire::Serving);
        health.stop().await;
        health.clone().set(true).await;
        assert_eq!(status().await, Wire::NotServing);
    }

    #[tokio::test(start_paused = true)]
    async fn health_follows_the_store_and_the_stop() {
        let reporter = HealthReporter::new();
        let service = HealthService::from_health_reporter(reporter.clone());
        let status = async |name: &str| {
            let request = HealthCheckRequest { service: name.to_owned() };
            service.check(tonic::Request::new(request)).await.unwrap().into_inner().status()
        };
        let store: SharedStore = Arc::new(MemoryStore::new());
        let stop = CancellationToken::new();
        let watching = watch_health(ServingHealth::new(reporter), Arc::clone(&store), stop.clone());
        let telling = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            for name in NAMES {
                assert_eq!(status(name).await, Wire::Serving, "{name}");
            }
            store.close().await;
            tokio::time::sleep(CHECK_INTERVAL).await;
            assert_eq!(status("").await, Wire::NotServing, "a store that takes no writes");
            stop.cancel();
        };
        tokio::join!(watching, telling);
        assert_eq!(status("tamis.v1.ScoringService").await, Wire::NotServing);
    }
}
