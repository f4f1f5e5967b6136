//! Streams that tell what happens as it happens: each event exactly once, in order,
//! with a token that goes on after it.
//!
//! A stream reads from the audit chain only as fast as its client takes: nothing is
//! buffered beyond one read, and a slow client holds up nobody. While nothing
//! happens it asks for the end of the chain, one point read, a few times a second.
//!
//! May import: `types`, `moderation`.

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Instant};

use futures_util::{Stream, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    api::{
        convert::{
            audit,
            queue::{WatchCall, write_event, write_outcome},
        },
        error::ApiError,
        limits::{HEARTBEAT, KEY_CHECK, MAX_WATCHERS, WATCH_POLL},
        pb,
    },
    moderation::{Actor, AuditDesk, Keys, ModerationError, QueueDesk},
    types::SiteId,
};

/// The messages of a stream.
pub(in crate::api) type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What every watch needs.
#[derive(Clone)]
pub(in crate::api) struct Watchers {
    queue: Arc<QueueDesk>,
    audit: Arc<AuditDesk>,
    keys: Arc<Keys>,
    places: Arc<Semaphore>,
    stop: CancellationToken,
}

/// Reads what happened after an event: messages, and the number of the last event
/// looked at.
#[tonic::async_trait]
trait Source<T>: Send + Sync {
    async fn after(&self, number: u64) -> Result<(Vec<T>, u64), ModerationError>;
    /// Whether anything happened after an event.
    async fn moved(&self, number: u64) -> Result<bool, ModerationError>;
    /// The message that says only where the stream is.
    fn heartbeat(&self, number: u64) -> T;
}

impl Watchers {
    /// Places for watchers of these use cases, until `stop` is cancelled.
    pub(in crate::api) fn new(
        (queue, audit, keys): (Arc<QueueDesk>, Arc<AuditDesk>, Arc<Keys>),
        stop: CancellationToken,
    ) -> Self {
        Self { queue, audit, keys, places: Arc::new(Semaphore::new(MAX_WATCHERS)), stop }
    }

    /// What happens in a queue.
    ///
    /// # Errors
    ///
    /// [`ApiError::Overloaded`] when all places are taken; [`ModerationError::UnknownSite`].
    pub(in crate::api) async fn queue(
        &self,
        caller: Actor,
        call: WatchCall,
    ) -> Result<Messages<pb::WatchQueueResponse>, Status> {
        let after = self.start(&call.site, call.after).await?;
        self.watch(caller.clone(), OfQueue { queue: Arc::clone(&self.queue), caller, call }, after)
    }

    /// What people decide.
    ///
    /// # Errors
    ///
    /// As [`Watchers::queue`].
    pub(in crate::api) async fn verdicts(
        &self,
        caller: Actor,
        call: WatchCall,
    ) -> Result<Messages<pb::WatchVerdictsResponse>, Status> {
        let after = self.start(&call.site, call.after).await?;
        self.watch(caller, OfVerdicts { queue: Arc::clone(&self.queue), call }, after)
    }

    /// The audit chain of a site.
    ///
    /// # Errors
    ///
    /// As [`Watchers::queue`].
    pub(in crate::api) async fn audit(
        &self,
        caller: Actor,
        site: SiteId,
        after: Option<u64>,
    ) -> Result<Messages<pb::WatchAuditEventsResponse>, Status> {
        let after = self.start(&site, after).await?;
        let source = OfAudit { audit: Arc::clone(&self.audit), queue: Arc::clone(&self.queue), site };
        self.watch(caller, source, after)
    }

    async fn start(&self, site: &SiteId, after: Option<u64>) -> Result<u64, Status> {
        let last = self.queue.last_event(site).await?;
        Ok(after.unwrap_or(last))
    }

    fn watch<T: Send + 'static>(
        &self,
        caller: Actor,
        source: impl Source<T> + 'static,
        after: u64,
    ) -> Result<Messages<T>, Status> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| ApiError::Overloaded { retry_after: HEARTBEAT })?;
        let watch = Watch {
            source: Box::new(source),
            after,
            ready: VecDeque::new(),
            told: None,
            keys: Arc::clone(&self.keys),
            caller,
            checked: Instant::now(),
            stop: self.stop.clone(),
            ended: false,
            _place: place,
        };
        Ok(Box::pin(stream::unfold(watch, |mut watch| async move {
            let message = watch.next().await?;
            Some((message, watch))
        })))
    }
}

/// One stream.
struct Watch<T> {
    source: Box<dyn Source<T>>,
    /// The last event looked at.
    after: u64,
    ready: VecDeque<T>,
    /// When something was last told; `None` before the first heartbeat.
    told: Option<Instant>,
    keys: Arc<Keys>,
    caller: Actor,
    /// When the caller's key was last known to hold.
    checked: Instant,
    stop: CancellationToken,
    ended: bool,
    _place: OwnedSemaphorePermit,
}

impl<T> Watch<T> {
    /// The next message; `None` after an error, which ends the stream.
    async fn next(&mut self) -> Option<Result<T, Status>> {
        if self.ended {
            return None;
        }
        let message = self.advance().await;
        self.ended = message.is_err();
        self.told = Some(Instant::now());
        Some(message)
    }

    async fn advance(&mut self) -> Result<T, Status> {
        // The first message is a heartbeat: who loses the connection before anything
        // happens has a token all the same.
        let Some(told) = self.told else { return Ok(self.source.heartbeat(self.after)) };
        loop {
            // A key that is revoked ends what it began.
            if self.checked.elapsed() >= KEY_CHECK {
                if !self.keys.still_holds(&self.caller).await? {
                    return Err(ModerationError::Unauthenticated.into());
                }
                self.checked = Instant::now();
            }
            if let Some(message) = self.ready.pop_front() {
                return Ok(message);
            }
            if self.stop.is_cancelled() {
                return Err(ApiError::ShuttingDown.into());
            }
            if self.source.moved(self.after).await? {
                let (messages, after) = self.source.after(self.after).await?;
                self.after = after;
                self.ready.extend(messages);
                continue;
            }
            if told.elapsed() >= HEARTBEAT {
                return Ok(self.source.heartbeat(self.after));
            }
            let stopped = self.stop.clone();
            let _ = tokio::time::timeout(WATCH_POLL, stopped.cancelled()).await;
        }
    }
}

struct OfQueue {
    queue: Arc<QueueDesk>,
    caller: Actor,
    call: WatchCall,
}

#[tonic::async_trait]
impl Source<pb::WatchQueueResponse> for OfQueue {
    async fn after(&self, number: u64) -> Result<(Vec<pb::WatchQueueResponse>, u64), ModerationError> {
        let happened = self.queue.events_after(&self.call.site, number).await?;
        let last = happened.last().map_or(number, |last| last.event.number);
        let happened = self.queue.visible_events(&self.caller, &self.call.site, happened).await?;
        Ok((happened.into_iter().filter_map(|one| write_event(&self.call, one)).collect(), last))
    }
    async fn moved(&self, number: u64) -> Result<bool, ModerationError> {
        self.queue.anything_after(&self.call.site, number).await
    }
    fn heartbeat(&self, number: u64) -> pb::WatchQueueResponse {
        pb::WatchQueueResponse { resume_token: self.call.token(number), ..Default::default() }
    }
}

struct OfVerdicts {
    queue: Arc<QueueDesk>,
    call: WatchCall,
}

#[tonic::async_trait]
impl Source<pb::WatchVerdictsResponse> for OfVerdicts {
    async fn after(&self, number: u64) -> Result<(Vec<pb::WatchVerdictsResponse>, u64), ModerationError> {
        let happened = self.queue.events_after(&self.call.site, number).await?;
        let last = happened.last().map_or(number, |last| last.event.number);
        let mut messages = Vec::new();
        for one in happened {
            let Some(decision) = one.decision else { continue };
            let verdict = self.queue.verdict_of(&self.call.site, &decision).await?;
            let appeal = self.queue.appeal_ended_by(&self.call.site, &decision).await?;
            let outcome = write_outcome(&self.call, one.event.number, decision, (verdict.as_ref(), appeal));
            messages.push(outcome);
        }
        Ok((messages, last))
    }
    async fn moved(&self, number: u64) -> Result<bool, ModerationError> {
        self.queue.anything_after(&self.call.site, number).await
    }
    fn heartbeat(&self, number: u64) -> pb::WatchVerdictsResponse {
        pb::WatchVerdictsResponse { resume_token: self.call.token(number), ..Default::default() }
    }
}

struct OfAudit {
    audit: Arc<AuditDesk>,
    queue: Arc<QueueDesk>,
    site: SiteId,
}

/// Events of one read.
const AUDIT_READ: usize = 200;

#[tonic::async_trait]
impl Source<pb::WatchAuditEventsResponse> for OfAudit {
    async fn after(&self, number: u64) -> Result<(Vec<pb::WatchAuditEventsResponse>, u64), ModerationError> {
        let events = self.audit.events(&self.site, number, AUDIT_READ).await?;
        let last = events.last().map_or(number, |last| last.number);
        let write =
            |event| pb::WatchAuditEventsResponse { event: Some(audit::write_event(&self.site, event)) };
        Ok((events.into_iter().map(write).collect(), last))
    }
    async fn moved(&self, number: u64) -> Result<bool, ModerationError> {
        self.queue.anything_after(&self.site, number).await
    }
    fn heartbeat(&self, _: u64) -> pb::WatchAuditEventsResponse {
        pb::WatchAuditEventsResponse::default()
    }
}
