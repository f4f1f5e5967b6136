//! The owner of every background task: each can be cancelled and is joined at the end.
//!
//! May import: `types`, `store`, `moderation`, `learning`.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    learning::{Models, Rulebook},
    moderation::{Articles, Keys, QueueDesk},
    store::{News, SharedStore},
    types::{Clock, SystemClock},
};

/// How often request marks that are too old are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// How often leases that are over are ended. Claims end them too: this is for those
/// who watch a quiet queue.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);

/// How often a node looks whether another one promoted a model: two point reads.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether another node published rules.
const RULES_EVERY: Duration = Duration::from_secs(1);

/// How often the store is kept up, and how soon a node asks again that had not the job.
const UPKEEP_EVERY: Duration = Duration::from_secs(3_600);
const UPKEEP_AGAIN: Duration = Duration::from_secs(60);

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
        if !holds(&store, "forget requests").await {
            continue;
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

/// Whether this node has a job now; not when the store cannot say.
async fn holds(store: &SharedStore, job: &str) -> bool {
    store.holds(job).await.unwrap_or(false)
}

/// Ends leases that are over, every second, on one of the nodes.
pub(super) async fn expire_leases(store: SharedStore, queue: Arc<QueueDesk>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EXPIRE_EVERY) => {}
        }
        if !holds(&store, "expire leases").await {
            continue;
        }
        match queue.expire_leases().await {
            Ok(0) => {}
            Ok(ended) => tracing::debug!(ended, "leases ended"),
            Err(error) => tracing::warn!(reason = error.reason(), "leases were not ended"),
        }
    }
}

/// Brings rules that other nodes published into force here, every second.
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

/// Makes room in the store for the time to come, at once and every hour, on one of the nodes.
pub(super) async fn upkeep(store: SharedStore, keep: Option<Duration>, stop: CancellationToken) {
    let mut wait = Duration::ZERO;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = UPKEEP_EVERY;
        if !holds(&store, "upkeep").await {
            // Whoever had it may be gone soon after.
            wait = UPKEEP_AGAIN;
            continue;
        }
        match store.upkeep(SystemClock.now(), keep).await {
            Ok((0, 0)) => {}
            Ok((made, dropped)) => tracing::info!(made, dropped, "partitions of verdicts"),
            Err(error) => tracing::warn!(reason = error.reason(), %error, "the store was not kept up"),
        }
    }
}

/// Forgets what other nodes have changed.
pub(super) async fn hear_news(
    mut news: Receiver<News>,
    articles: Arc<Articles>,
    keys: Arc<Keys>,
    stop: CancellationToken,
) {
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => return,
            heard = news.recv() => heard,
        };
        match heard {
            Ok(News::Article(site, id)) => articles.forget(&site, &id),
            Ok(News::Key(id)) => keys.forget(&id),
            // The store itself reads sites anew.
            Ok(News::Site(_)) => {}
            Ok(News::Missed) | Err(RecvError::Lagged(_)) => articles.forget_all(),
            Err(RecvError::Closed) => return,
        }
    }
}
