//! The task of one target: reads what people decided, posts it, waits, tries again.
//!
//! May import: `types`, `moderation`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    DIRECTORY,
    client::Client,
    ledger::{Ledger, Letter},
    target::Target,
};
use crate::{
    moderation::{
        ModerationError, QueueDesk,
        webhooks::{WebhookSecret, body, pause},
    },
    types::{Clock as _, SystemClock},
};

/// Pause between two looks for new decisions.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Pause after something of our own failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Why a round ended early.
enum Stopped {
    /// The node stops.
    Node,
    /// The store or a file failed; said in the log.
    Failed(String),
}

impl From<ModerationError> for Stopped {
    fn from(error: ModerationError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// How posts are sent.
#[derive(Clone, Debug)]
pub(in crate::app) struct Terms {
    /// Certificates of the authorities to trust, in PEM form; those of the machine when
    /// absent.
    pub(in crate::app) authorities: Option<PathBuf>,
    /// Tries before a post is put aside.
    pub(in crate::app) tries: u32,
}

struct Sender {
    target: Target,
    secret: WebhookSecret,
    queue: Arc<QueueDesk>,
    client: Client,
    ledger: Ledger,
    tries: u32,
    stop: CancellationToken,
}

/// Tells a target of its site's decisions until `stop` is cancelled.
pub(in crate::app) async fn run(
    target: Target,
    secret: WebhookSecret,
    queue: Arc<QueueDesk>,
    data_dir: PathBuf,
    Terms { authorities, tries }: Terms,
    stop: CancellationToken,
) {
    let ledger = match Ledger::open(&data_dir.join(DIRECTORY), &target) {
        Ok(ledger) => ledger,
        Err(error) => {
            tracing::error!(%error, site = %target.site, "webhooks cannot be kept account of: none are sent");
            return;
        }
    };
    let client = match Client::new(authorities.as_deref()) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(error, site = %target.site, "webhooks.ca cannot be read: none are sent");
            return;
        }
    };
    let sender = Sender { target, secret, queue, client, ledger, tries, stop };
    loop {
        let wait = match sender.round().await {
            Ok(()) => LOOK_EVERY,
            Err(Stopped::Node) => return,
            Err(Stopped::Failed(error)) => {
                tracing::warn!(error, site = %sender.target.site, "webhooks are held up");
                AFTER_FAILURE
            }
        };
        if sender.slept(wait).await.is_err() {
            return;
        }
    }
}

impl Sender {
    /// Sends what is there to send.
    async fn round(&self) -> Result<(), Stopped> {
        self.again().await?;
        let site = &self.target.site;
        let mut after = match self.ledger.place()? {
            Some(after) => after,
            None => {
                // A new target is told of what happens from now on.
                let last = self.queue.last_event(site).await?;
                self.ledger.move_on(last)?;
                last
            }
        };
        while self.queue.anything_after(site, after).await? {
            let happened = match self.queue.events_after(site, after).await {
                Err(ModerationError::Trimmed) => {
                    tracing::warn!(%site, after, "decisions were deleted before they could be told");
                    self.ledger.move_on(self.queue.last_event(site).await?)?;
                    return Ok(());
                }
                other => other?,
            };
            for one in happened {
                after = one.event.number;
                if let Some(decision) = &one.decision {
                    let verdict = self.queue.verdict_of(site, decision).await?;
                    let appeal = self.queue.appeal_ended_by(site, decision).await?;
                    let about = (verdict.as_ref(), appeal.as_ref());
                    self.deliver(after, body(site, after, decision, about)).await?;
                    self.ledger.move_on(after)?;
                }
            }
            self.ledger.move_on(after)?;
        }
        Ok(())
    }

    /// Sends again what was put aside and asked for.
    async fn again(&self) -> Result<(), Stopped> {
        let letters = self.ledger.take_again()?;
        if letters.is_empty() {
            return Ok(());
        }
        for Letter { event, body, error: _ } in letters {
            if let Err(error) = self.post(event, body.clone().into_bytes()).await {
                self.ledger.put_aside(&Letter { event, body, error })?;
            }
        }
        Ok(self.ledger.done_again()?)
    }

    /// Posts one body, again and again, until it is taken or put aside.
    async fn deliver(&self, event: u64, body: Vec<u8>) -> Result<(), Stopped> {
        let mut error = String::new();
        for tries in 1..=self.tries {
            match self.post(event, body.clone()).await {
                Ok(()) => return Ok(()),
                Err(problem) => error = problem,
            }
            tracing::debug!(event, tries, error, "a webhook was not taken");
            if tries < self.tries {
                self.slept(pause(tries, rand::random())).await?;
            }
        }
        tracing::warn!(event, error, site = %self.target.site, "a webhook was put aside");
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(self.ledger.put_aside(&Letter { event, body, error })?)
    }

    async fn post(&self, event: u64, body: Vec<u8>) -> Result<(), String> {
        let seconds = SystemClock.now().micros().div_euclid(1_000_000);
        let signature = format!("t={seconds},v1={}", self.secret.sign(seconds, &body));
        let delivery = format!("{}/{event}", self.target.site);
        self.client.post(&self.target.uri, (&delivery, &signature), body).await
    }

    /// Waits; an error when the node stops.
    async fn slept(&self, time: Duration) -> Result<(), Stopped> {
        tokio::select! {
            () = self.stop.cancelled() => Err(Stopped::Node),
            () = tokio::time::sleep(time) => Ok(()),
        }
    }
}
