//! The one thread that writes.
//!
//! It takes what waits, at most [`MAX_GROUP`] items, makes it one batch, applies
//! it, flushes sled, syncs the log, and only then answers. While it syncs, the
//! next group gathers: groups grow with load and an idle store adds no delay.
//! Nothing here waits for more work on purpose.
//!
//! When anything fails, nothing of the group is acknowledged, writes are refused,
//! and the database is opened again until that works: sled keeps its first error
//! for good, and after a failed sync nobody knows what the device holds.
//!
//! May import: `types`, `store`.

use std::{
    fs::File,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::store::error::Shared;

use super::{
    Key, SledOptions, StoreError, codec, disk,
    gate::{Gate, Synced, failed},
    guard::caught,
    open,
    plan::{Image, Plan, Ready, Totals},
};

/// Most items of one commit: at 10 rows each some 50 ms of work for sled.
const MAX_GROUP: usize = 512;
/// Most bytes of one commit's items.
const MAX_GROUP_BYTES: usize = 4 << 20;
/// Most items that wait; more are refused as busy.
const MAX_WAITING: usize = 8_192;
/// How often a broken store is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// Room that a probe asks for before a full store is opened again.
const PROBE_BYTES: usize = 1 << 20;

/// Why a whole group was refused.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// No room.
    Full,
    /// Something failed; said in the log, and here for callers.
    Failed(Arc<StoreError>),
    /// The store was closed.
    Closed,
}

impl Refusal {
    fn of(error: StoreError) -> Self {
        if matches!(error, StoreError::Full) { Self::Full } else { Self::Failed(Arc::new(error)) }
    }

    /// The error of one caller.
    pub(super) fn error(&self) -> StoreError {
        match self {
            Self::Full => StoreError::Full,
            Self::Closed => StoreError::Closed,
            Self::Failed(cause) => {
                StoreError::Backend { doing: "committing", source: Box::new(Shared(Arc::clone(cause))) }
            }
        }
    }
}

/// A write that waits for its commit.
trait Job: Send {
    /// Plans the write.
    fn plan(&mut self, plan: &mut Plan);
    /// Answers the caller, now that the outcome is durable or refused.
    fn answer(self: Box<Self>, refusal: Option<&Refusal>);
}

struct Write<F, T> {
    work: Option<F>,
    done: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Write<F, T>
where
    F: FnOnce(&mut Plan) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn plan(&mut self, plan: &mut Plan) {
        self.done = self.work.take().map(|work| work(plan));
    }

    fn answer(self: Box<Self>, refusal: Option<&Refusal>) {
        let outcome = match (self.done, refusal) {
            (Some(Err(own)), _) => Err(own),
            (_, Some(refusal)) => Err(refusal.error()),
            (Some(done), None) => done,
            (None, None) => Err(StoreError::Closed),
        };
        // A caller that went away does not want to know.
        let _ = self.reply.send(outcome);
    }
}

enum Message {
    Write { job: Box<dyn Job>, items: usize, bytes: usize },
    Close(oneshot::Sender<()>),
}

/// The way to the committer.
#[derive(Debug)]
pub(super) struct Writer {
    sender: SyncSender<Message>,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    /// Hands in a write of `items` items and `bytes` bytes; resolves when it is
    /// durable or refused.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        items: usize,
        bytes: usize,
        work: impl FnOnce(&mut Plan) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let busy = || StoreError::Busy { retry_after: Duration::from_millis(100) };
        let before = self.waiting.fetch_add(items, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Write { work: Some(work), done: None, reply });
        let sent = if before > MAX_WAITING {
            Err(busy())
        } else {
            self.sender.try_send(Message::Write { job, items, bytes }).map_err(|refused| match refused {
                TrySendError::Full(_) => busy(),
                TrySendError::Disconnected(_) => StoreError::Closed,
            })
        };
        if let Err(refused) = sent {
            self.waiting.fetch_sub(items, Ordering::Relaxed);
            return Err(refused);
        }
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Commits what waits and closes the database. Again does nothing.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        let sender = self.sender.clone();
        // The queue may be full: waiting for room must not block a worker.
        let sent = tokio::task::spawn_blocking(move || sender.send(Message::Close(done))).await;
        if matches!(sent, Ok(Ok(()))) {
            let _ = closed.await;
        }
    }
}

/// Starts the committer. It ends after [`Writer::close`] or when the writer is
/// gone, with everything handed in before committed.
pub(super) fn start(
    gate: Arc<Gate>,
    path: PathBuf,
    options: SledOptions,
    log: File,
    totals: Totals,
) -> std::io::Result<(Writer, std::thread::JoinHandle<()>)> {
    let (sender, receiver) = sync_channel(MAX_WAITING);
    let waiting = Arc::new(AtomicUsize::new(0));
    let mut committer = Committer {
        gate,
        path,
        options,
        log,
        totals,
        broken: None,
        tried: Instant::now(),
        applied: 0,
        waiting: Arc::clone(&waiting),
    };
    let thread =
        std::thread::Builder::new().name("tamis-commit".into()).spawn(move || committer.run(&receiver))?;
    Ok((Writer { sender, waiting }, thread))
}

struct Committer {
    gate: Arc<Gate>,
    path: PathBuf,
    options: SledOptions,
    log: File,
    totals: Totals,
    broken: Option<Refusal>,
    /// When the store broke or was last tried again.
    tried: Instant,
    applied: u64,
    waiting: Arc<AtomicUsize>,
}

type Group = Vec<Box<dyn Job>>;

impl Committer {
    fn run(&mut self, receiver: &Receiver<Message>) {
        loop {
            let first = match self.broken {
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => receiver.recv_timeout(RETRY.saturating_sub(self.tried.elapsed())),
            };
            if self.broken.is_some() && self.tried.elapsed() >= RETRY {
                self.reopen();
                self.tried = Instant::now();
            }
            let closing = match first {
                Ok(first) => self.group(first, receiver),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if let Some(done) = closing {
                self.close();
                self.refuse_rest(receiver);
                let _ = done.send(());
                return;
            }
        }
        self.close();
    }

    /// Takes what waits and commits it; the asker, when closing was asked for.
    fn group(&mut self, first: Message, receiver: &Receiver<Message>) -> Option<oneshot::Sender<()>> {
        let (mut group, mut items, mut bytes) = (Group::new(), 0, 0);
        let mut next = Some(first);
        let mut closing = None;
        while let Some(message) = next {
            match message {
                Message::Close(done) => {
                    closing = Some(done);
                    break;
                }
                Message::Write { job, items: more, bytes: size } => {
                    group.push(job);
                    items += more;
                    bytes += size;
                }
            }
            let room = items < MAX_GROUP && bytes < MAX_GROUP_BYTES;
            next = if room { receiver.try_recv().ok() } else { None };
        }
        let began = Instant::now();
        let refusal = self.commit(&mut group).err();
        if let Some(watch) = &self.options.watch {
            match refusal {
                None => watch.committed(items, began.elapsed()),
                Some(_) => watch.refused(),
            }
        }
        for job in group {
            job.answer(refusal.as_ref());
        }
        self.waiting.fetch_sub(items, Ordering::Relaxed);
        closing
    }

    /// Plans and commits a group; when this is refused, nothing is acknowledged.
    fn commit(&mut self, group: &mut Group) -> Result<(), Refusal> {
        if let Some(refusal) = &self.broken {
            return Err(refusal.clone());
        }
        let Some(db) = self.gate.shelf.read().db.clone() else { return Err(Refusal::Closed) };
        let totals = self.totals;
        let planned = caught("planning a commit", || {
            let mut plan = Plan::new(db, totals);
            group.iter_mut().for_each(|job| job.plan(&mut plan));
            plan.ensure_readable()?;
            if plan.is_empty() { Ok(None) } else { plan.finish().map(Some) }
        });
        let ready = match planned {
            Ok(Some(ready)) => ready,
            Ok(None) => return Ok(()),
            // sled keeps the error of a device for good: only opening anew ends it.
            Err(error) => return Err(self.fail(error, Image::new())),
        };
        self.ensure_room(ready.bytes)?;
        let Ready { batch, before, totals, .. } = ready;
        self.applied += 1;
        let outcome = self.apply(batch).and_then(|()| self.sync());
        match outcome {
            Ok(()) => {
                self.totals = totals;
                self.gate.unsynced.store(0, Ordering::SeqCst);
                self.gate.synced.send_modify(|synced| synced.durable = self.applied);
                Ok(())
            }
            Err(error) => Err(self.fail(error, before)),
        }
    }

    /// Refuses a batch for which there is clearly no room before sled sees it: so
    /// a full device hardly ever breaks the database.
    fn ensure_room(&self, bytes: usize) -> Result<(), Refusal> {
        let free = self.options.disk.free_bytes(&self.path);
        let needed = self.options.reserve_bytes.saturating_add(4 * bytes as u64);
        match free {
            Ok(free) if free < needed => Err(Refusal::Full),
            // Unknown is no reason to refuse: the write itself will tell.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn apply(&self, batch: ::sled::Batch) -> Result<(), StoreError> {
        let shelf = self.gate.shelf.write();
        self.gate.unsynced.store(self.applied, Ordering::SeqCst);
        let Some(db) = &shelf.db else { return Err(StoreError::Closed) };
        caught("applying a commit", || db.apply_batch(batch).map_err(|e| failed("applying a commit", e)))
    }

    fn sync(&self) -> Result<(), StoreError> {
        let shelf = self.gate.shelf.read();
        let Some(db) = &shelf.db else { return Err(StoreError::Closed) };
        caught("flushing a commit", || db.flush().map_err(|e| failed("flushing a commit", e)))?;
        disk::sync_pages(&self.path)
            .and_then(|()| self.options.disk.sync(&self.log))
            .map_err(|source| disk::failed("syncing a commit", source))
    }

    /// Marks the database as broken: the batch may or may not be on the device, so
    /// readers are shown what was before, and nothing may be added.
    fn fail(&mut self, error: StoreError, before: Image) -> Refusal {
        tracing::error!(error = %chain(&error), "storage failed, refusing writes until it works again");
        let refusal = Refusal::of(error);
        let mut shelf = self.gate.shelf.write();
        shelf.before = before;
        self.gate.unsynced.store(0, Ordering::SeqCst);
        drop(shelf);
        let Synced { durable, .. } = *self.gate.synced.borrow();
        self.gate.synced.send_replace(Synced { durable, failed: self.applied });
        (self.broken, self.tried) = (Some(refusal.clone()), Instant::now());
        refusal
    }

    /// Opens the database again if there is room. Readers wait meanwhile; if it
    /// fails they are told to come back.
    fn reopen(&mut self) {
        let disk = &*self.options.disk;
        let free = disk.free_bytes(&self.path).unwrap_or(u64::MAX);
        if free < self.options.reserve_bytes || disk::probe(&self.path, PROBE_BYTES, disk).is_err() {
            return;
        }
        let gate = Arc::clone(&self.gate);
        let mut shelf = gate.shelf.write();
        open::discard(shelf.db.take());
        let opened = disk::rewrite(&self.path, disk)
            .map_err(|source| disk::failed("rewriting the log", source))
            .and_then(|()| open::open(&self.path, &self.options))
            .and_then(|opened| self.take_back(opened, &shelf.before));
        match opened {
            Ok(open::Opened { db, log, totals }) => {
                shelf.db = Some(db);
                shelf.before.clear();
                (self.log, self.totals, self.broken) = (log, totals, None);
                tracing::info!("storage works again");
            }
            Err(error) => tracing::error!(error = %chain(&error), "storage cannot be opened again yet"),
        }
    }

    /// Takes a refused batch back, as far as it reached the device: its writers
    /// were told that nothing was recorded.
    fn take_back(&self, opened: open::Opened, before: &Image) -> Result<open::Opened, StoreError> {
        let open::Opened { db, log, totals } = opened;
        let mut batch = ::sled::Batch::default();
        for (key, stored) in before {
            match stored {
                Some(stored) => batch.insert(key, stored.clone()),
                None => batch.remove(key),
            }
        }
        let done = caught("taking a commit back", || {
            let of_sled = |error| failed("taking a commit back", error);
            db.apply_batch(batch).map_err(of_sled)?;
            db.flush().map_err(of_sled)?;
            let synced = self.options.disk.sync(&log);
            synced.map_err(|source| disk::failed("syncing a commit", source))?;
            Ok(codec::load(&db, &Key::totals())?.unwrap_or(totals))
        });
        match done {
            Ok(totals) => Ok(open::Opened { db, log, totals }),
            Err(error) => {
                open::discard(Some(db));
                Err(error)
            }
        }
    }

    fn close(&mut self) {
        let mut shelf = self.gate.shelf.write();
        shelf.closed = true;
        if self.broken.is_none()
            && let Err(error) = open::note_commits(&self.path, self.totals)
        {
            tracing::warn!(%error, "the commit count could not be noted");
        }
        open::discard(shelf.db.take());
        drop(shelf);
        if !disk::wait_until_unused(&self.path, open::LOCK_PATIENCE) {
            tracing::warn!(path = %self.path.display(), "storage is closed, its lock is still held");
        }
    }

    fn refuse_rest(&self, receiver: &Receiver<Message>) {
        while let Ok(message) = receiver.try_recv() {
            match message {
                Message::Write { job, items, .. } => {
                    job.answer(Some(&Refusal::Closed));
                    self.waiting.fetch_sub(items, Ordering::Relaxed);
                }
                Message::Close(done) => {
                    let _ = done.send(());
                }
            }
        }
    }
}

/// An error with its causes on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |e| (*e).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
