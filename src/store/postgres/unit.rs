//! A unit of work made of a function, and how callers hand it in.
//!
//! May import: `types`, `store`.

use tokio::sync::oneshot;

use crate::{store::StoreError, types::SiteId};

use super::{
    image::{Image, Want},
    lane::{Entry, Unit},
};

/// What a caller waits for.
pub(super) type Reply<T> = oneshot::Receiver<Result<T, StoreError>>;

struct Work<T, F> {
    site: SiteId,
    bytes: usize,
    hint: Want,
    run: F,
    done: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Unit for Work<T, F>
where
    T: Send,
    F: FnMut(&mut Image) -> Result<T, StoreError> + Send,
{
    fn site(&self) -> &SiteId {
        &self.site
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn ask(&self, want: &mut Want) {
        want.add(&self.hint);
    }

    fn run(&mut self, image: &mut Image) -> bool {
        let done = (self.run)(image);
        let fine = done.is_ok();
        self.done = Some(done);
        fine
    }

    fn answer(self: Box<Self>, refused: Option<StoreError>) {
        let outcome = match (self.done, refused) {
            (_, Some(refused)) => Err(refused),
            (Some(done), None) => done,
            (None, None) => Err(StoreError::Closed),
        };
        // A caller that went away does not want to know.
        let _ = self.reply.send(outcome);
    }
}

/// Hands in a piece of work; the reply comes when it is durable or refused.
pub(super) fn submit<T: Send + 'static>(
    entry: &Entry,
    site: &SiteId,
    bytes: usize,
    hint: Want,
    run: impl FnMut(&mut Image) -> Result<T, StoreError> + Send + 'static,
) -> Reply<T> {
    let (reply, answer) = oneshot::channel();
    let unit = Box::new(Work { site: site.clone(), bytes, hint, run, done: None, reply });
    if let Err((unit, refused)) = entry.send(unit) {
        unit.answer(Some(refused));
    }
    answer
}

/// Waits for a reply.
pub(super) async fn wait<T>(reply: Reply<T>) -> Result<T, StoreError> {
    reply.await.unwrap_or(Err(StoreError::Closed))
}
