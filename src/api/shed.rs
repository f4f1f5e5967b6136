//! Bounds the work in flight over all connections, and refuses the rest quickly.
//!
//! tonic's own limit counts per connection and queues without end. Here calls wait
//! shortly for a permit, a bounded number of them, and are then told to come back
//! later: a server that is asked for ten times what it can do goes on doing what
//! it can. May import: nothing of ours.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    error::ApiError,
    limits::{MAX_QUEUE_WAIT, OVERLOAD_RETRY, QUEUE_FACTOR},
};

/// Permits for work, shared by all connections.
#[derive(Clone, Debug)]
pub(super) struct Limiter {
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    max_waiting: usize,
}

/// Held while work is done.
#[derive(Debug)]
pub(super) struct Permit {
    _held: OwnedSemaphorePermit,
}

/// Counts itself among the waiting until dropped, also when the wait is cancelled.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Limiter {
    /// Allows `in_flight` calls at a time and lets [`QUEUE_FACTOR`] times as many wait.
    pub(super) fn new(in_flight: usize) -> Self {
        let in_flight = in_flight.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            permits: Arc::new(Semaphore::new(in_flight)),
            waiting: Arc::default(),
            max_waiting: in_flight.saturating_mul(QUEUE_FACTOR),
        }
    }

    /// A permit, at once or after a short wait.
    ///
    /// # Errors
    ///
    /// [`ApiError::Overloaded`] when none comes free within [`MAX_QUEUE_WAIT`] or
    /// too many wait already.
    pub(super) async fn admit(&self) -> Result<Permit, ApiError> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(Permit { _held: permit });
        }
        let overloaded = ApiError::Overloaded { retry_after: OVERLOAD_RETRY };
        let already = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if already >= self.max_waiting {
            return Err(overloaded);
        }
        match tokio::time::timeout(MAX_QUEUE_WAIT, self.wait()).await {
            Ok(permit) => Ok(permit),
            Err(_) => Err(overloaded),
        }
    }

    /// A permit, however long it takes: for streams, whose senders are slowed
    /// down by not being read.
    pub(super) async fn wait(&self) -> Permit {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        Permit { _held: permit.expect("the semaphore is never closed") }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_wait_shortly_and_are_then_refused() {
        let limiter = Limiter::new(1);
        let held = limiter.admit().await.unwrap();
        let started = tokio::time::Instant::now();
        assert!(matches!(limiter.admit().await, Err(ApiError::Overloaded { .. })));
        assert!(started.elapsed() >= MAX_QUEUE_WAIT && started.elapsed() < MAX_QUEUE_WAIT * 2);
        drop(held);
        assert!(limiter.admit().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_is_refused_at_once() {
        let limiter = Limiter::new(1);
        let _held = limiter.admit().await.unwrap();
        let started = tokio::time::Instant::now();
        let (a, b, (late, after)) = tokio::join!(limiter.admit(), limiter.admit(), async {
            (limiter.admit().await, started.elapsed())
        });
        assert!(a.is_err() && b.is_err(), "the held permit never came free");
        assert!(late.is_err() && after < MAX_QUEUE_WAIT, "the third did not wait");
        assert_eq!(limiter.waiting.load(Ordering::Relaxed), 0, "nobody is left counted");
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_that_comes_free_goes_to_a_waiter() {
        let limiter = Limiter::new(1);
        let held = limiter.admit().await.unwrap();
        let (got, ()) = tokio::join!(limiter.admit(), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(held);
        });
        assert!(got.is_ok());
    }
}
