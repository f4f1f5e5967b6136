//! The owner of every background task: each can be cancelled and is joined at the end.
//!
//! May import: `types`, `store`, `moderation`, `learning`.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    learning::{Models, Rulebook},
    moderation::QueueDesk,
    store::SharedStore,
    types::{Clock, SystemClock},
};

/// How often request marks that are too old are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// How often leases that are over are ended. Claims end them too: this is for those
/// who watch a quiet queue.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);

/// How often a node looks whether another one promoted a model: two point reads.
const FOLLOW_EVERY: Duration = Duration::from_secs(2);

/// How often it is looked whether another node published rules.
const RULES_EVERY: Duration = Duration::from_secs(5);

/// Running tasks.
#[derive(Default)]
pub(super) struct Tasks {
    running: JoinSet<()>,
    stop: CancellationToken,
}

impl Tasks {
    /// Starts a task, which must end soon after its token is cancelled.
    pub(super) fn start<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        task: impl FnOnce(CancellationToken) -> F,
    ) {
        self.running.spawn(task(self.stop.clone()));
    }

    /// Cancels all and waits for them.
    pub(super) async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a background task failed");
            }
        }
    }
}

/// Forgets old request marks, every hour.
pub(super) async fn forget_requests(store: SharedStore, stop: CancellationToken) {
    let clock = Arc::new(SystemClock);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(FORGET_EVERY) => {}
        }
        match store.forget_requests(clock.now()).await {
            Ok(forgotten) => tracing::debug!(forgotten, "old request marks forgotten"),
            Err(error) => tracing::warn!(reason = error.reason(), "old request marks were not forgotten"),
        }
    }
}

/// Keeps what scores in step with what is stored: another node may have promoted.
pub(super) async fn tend_models(models: Arc<Models>, stop: CancellationToken) {
    if let Err(error) = models.keep_live().await {
        tracing::warn!(reason = error.reason(), %error, "the active model was not written down");
    }
    loop {
        if let Err(error) = models.follow().await {
            tracing::warn!(reason = error.reason(), %error, "it is not known which model should score");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(FOLLOW_EVERY) => {}
        }
    }
}

/// Ends leases that are over, every second.
pub(super) async fn expire_leases(queue: Arc<QueueDesk>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EXPIRE_EVERY) => {}
        }
        match queue.expire_leases().await {
            Ok(0) => {}
            Ok(ended) => tracing::debug!(ended, "leases ended"),
            Err(error) => tracing::warn!(reason = error.reason(), "leases were not ended"),
        }
    }
}

/// Brings rules that other nodes published into force here, every five seconds.
pub(super) async fn refresh_rules(rulebook: Arc<Rulebook>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RULES_EVERY) => {}
        }
        match rulebook.refresh().await {
            Ok(0) => {}
            Ok(changed) => tracing::info!(changed, "rules of other nodes are in force"),
            Err(error) => tracing::warn!(reason = error.reason(), "published rules were not looked for"),
        }
    }
}
