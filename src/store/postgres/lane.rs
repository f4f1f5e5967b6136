//! Lanes: what waits is carried out in groups, one transaction each.
//!
//! A lane takes what waits, runs it over images of its sites, fetches what is missing,
//! runs it again, writes everything in one round trip, commits, and only then answers.
//! While it waits for the server the next group gathers: groups grow with load and an
//! idle store adds no delay. Three kinds: reads see one snapshot; verdicts that touch no
//! queue are written without any order among nodes; everything that touches a queue takes
//! its site's turn first.
//!
//! May import: `types`, `store`.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use crate::{store::StoreError, types::SiteId};

use super::{
    fetch::{Errand, Images},
    image::{Image, Ran, Want},
    link::{Failure, Link, Session},
    save,
    sql::Query,
};

/// Most units of one group.
const MAX_GROUP: usize = 512;
/// Most bytes of one group.
const MAX_GROUP_BYTES: usize = 8 << 20;
/// Most units that wait in all lanes together; more are refused as busy.
const MAX_WAITING: usize = 8_192;
/// How often a group that met another transaction is tried again.
const MAX_TRIES: u32 = 10;
/// Rounds of fetching after which something is wrong: a walk over the longest list
/// takes fewer.
const MAX_ROUNDS: usize = 2_000;

/// Takes the turns that nobody has: whoever has one is not waited for.
const FREE_TURNS: &str =
    "SELECT site FROM site_turns WHERE site = ANY($1::text[]) ORDER BY site FOR UPDATE SKIP LOCKED";
const TURNS: &str = "SELECT site FROM site_turns WHERE site = ANY($1::text[]) ORDER BY site FOR UPDATE";
const KNOWN_TURNS: &str = "SELECT site FROM site_turns WHERE site = ANY($1::text[])";
const NEW_TURNS: &str =
    "INSERT INTO site_turns (site) SELECT unnest($1::text[]) ON CONFLICT (site) DO NOTHING";

/// What a lane does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads only.
    Reads,
    /// Writes that need no order.
    Free,
    /// Writes in the order of their site.
    Ordered,
}

/// Something to be carried out over the image of a site, as a whole or not at all.
pub(super) trait Unit: Send {
    /// Its site.
    fn site(&self) -> &SiteId;
    /// About how many bytes it writes.
    fn bytes(&self) -> usize;
    /// What it is known to need, so that the first fetch has it.
    fn ask(&self, want: &mut Want);
    /// Does it; whether it succeeded. May be called again: the last answer counts.
    fn run(&mut self, image: &mut Image) -> bool;
    /// Answers the caller, now that the outcome is durable or refused.
    fn answer(self: Box<Self>, refused: Option<StoreError>);
}

type Group = Vec<Box<dyn Unit>>;

enum Message {
    Unit(Box<dyn Unit>),
    Close(oneshot::Sender<()>),
}

/// The way into a lane.
pub(super) struct Entry {
    sender: mpsc::Sender<Message>,
    waiting: Arc<AtomicUsize>,
}

impl Entry {
    /// Hands in a unit, or gives it back with the reason for the refusal.
    pub(super) fn send(&self, unit: Box<dyn Unit>) -> Result<(), (Box<dyn Unit>, StoreError)> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let busy = || StoreError::Busy { retry_after: Duration::from_millis(100) };
        let refused = if before >= MAX_WAITING {
            (Message::Unit(unit), busy())
        } else {
            match self.sender.try_send(Message::Unit(unit)) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(message)) => (message, busy()),
                Err(mpsc::error::TrySendError::Closed(message)) => (message, StoreError::Closed),
            }
        };
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        match refused {
            (Message::Unit(unit), error) => Err((unit, error)),
            // Only units are sent here.
            (Message::Close(_), _) => Ok(()),
        }
    }

    /// Carries out what waits and ends the lane.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.sender.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

/// One lane.
pub(super) struct Lane {
    kind: Kind,
    link: Arc<Link>,
    receiver: mpsc::Receiver<Message>,
    waiting: Arc<AtomicUsize>,
    /// Where units go that turn out to need their site's order.
    ordered: Option<Arc<Entry>>,
    /// Units of sites whose turn another node had.
    later: VecDeque<Box<dyn Unit>>,
}

/// A lane and the way into it. `waiting` is shared by all lanes of a store.
pub(super) fn lane(
    kind: Kind,
    link: Arc<Link>,
    waiting: Arc<AtomicUsize>,
    ordered: Option<Arc<Entry>>,
) -> (Arc<Entry>, Lane) {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    let entry = Arc::new(Entry { sender, waiting: Arc::clone(&waiting) });
    (entry, Lane { kind, link, receiver, waiting, ordered, later: VecDeque::new() })
}

impl Lane {
    /// Works until it is closed.
    pub(super) async fn run(mut self) {
        loop {
            let mut group = Group::new();
            let mut bytes = 0;
            let mut closing = None;
            while group.len() < MAX_GROUP && bytes < MAX_GROUP_BYTES {
                if let Some(unit) = self.later.pop_front() {
                    bytes += unit.bytes();
                    group.push(unit);
                    continue;
                }
                let next =
                    if group.is_empty() { self.receiver.recv().await } else { self.receiver.try_recv().ok() };
                match next {
                    Some(Message::Unit(unit)) => {
                        bytes += unit.bytes();
                        group.push(unit);
                    }
                    Some(Message::Close(done)) => {
                        closing = Some(done);
                        break;
                    }
                    None if group.is_empty() => return,
                    None => break,
                }
            }
            self.carry_out(group).await;
            if let Some(done) = closing {
                self.end(done).await;
                return;
            }
        }
    }

    /// Carries out what was handed in before the end and refuses the rest.
    async fn end(mut self, done: oneshot::Sender<()>) {
        self.receiver.close();
        while !self.later.is_empty() {
            let group = self.later.drain(..).collect();
            self.carry_out(group).await;
        }
        while let Ok(message) = self.receiver.try_recv() {
            match message {
                Message::Unit(unit) => self.answer(unit, Some(StoreError::Closed)),
                Message::Close(again) => drop(again.send(())),
            }
        }
        let _ = done.send(());
    }

    fn answer(&self, unit: Box<dyn Unit>, refused: Option<StoreError>) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        unit.answer(refused);
    }

    async fn carry_out(&mut self, mut group: Group) {
        let mut tries = 0;
        while !group.is_empty() {
            tries += 1;
            match self.attempt(&mut group).await {
                Ok(()) => {
                    for unit in group.drain(..) {
                        self.answer(unit, None);
                    }
                }
                Err(Failure::Again(reason)) if tries < MAX_TRIES => {
                    tracing::debug!(%reason, tries, "a transaction is tried again");
                    let most = 2_u64 << tries.min(7);
                    tokio::time::sleep(Duration::from_millis(rand::random_range(0..most))).await;
                }
                Err(failure) => {
                    self.link.note(&failure);
                    if let Failure::Other(error) = &failure {
                        tracing::error!(error = &**error as &dyn std::error::Error, "a transaction failed");
                    }
                    for unit in group.drain(..) {
                        self.answer(unit, Some(failure.error()));
                    }
                }
            }
        }
    }

    /// One transaction. Units that belong elsewhere leave the group.
    async fn attempt(&mut self, group: &mut Group) -> Result<(), Failure> {
        let mut images: Images = HashMap::new();
        for unit in group.iter() {
            let image =
                images.entry(unit.site().clone()).or_insert_with(|| Image::new(self.kind == Kind::Ordered));
            unit.ask(image.want.get_mut());
        }
        let mut session = self.link.session().await?;
        if self.kind == Kind::Ordered {
            self.take_turns(&mut session, group, &mut images).await?;
        }
        let mut through = vec![false; group.len()];
        let mut begun = self.kind == Kind::Ordered;
        for _ in 0..MAX_ROUNDS {
            let errand = Errand::of(&mut images);
            if !errand.queries.is_empty() {
                let answers = if begun {
                    session.rows(&errand.queries).await?
                } else {
                    let begin = match self.kind {
                        Kind::Reads => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                        Kind::Free | Kind::Ordered => "BEGIN",
                    };
                    begun = true;
                    session.begin(begin, &names(&images), &errand.queries).await?
                };
                errand.deliver(answers, &mut images)?;
            }
            self.pass(group, &mut through, &mut images);
            if through.iter().all(|through| *through) {
                let writes = save::Writes::of(&images)?;
                if !begun {
                    if writes.is_empty() {
                        return Ok(());
                    }
                    // Nothing had to be read before.
                    session.begin("BEGIN", &names(&images), &[]).await?;
                }
                return finish(session, writes).await;
            }
        }
        Err(Failure::Other(Arc::new(StoreError::Backend {
            doing: "fetching rows",
            source: "a change asks for ever more rows".into(),
        })))
    }

    /// Runs the units that are not through yet.
    fn pass(&self, group: &mut Group, through: &mut Vec<bool>, images: &mut Images) {
        images.values_mut().for_each(Image::next_pass);
        let mut misplaced = Vec::new();
        for (at, unit) in group.iter_mut().enumerate() {
            if through.get(at).copied().unwrap_or(true) {
                continue;
            }
            let Some(image) = images.get_mut(unit.site()) else { continue };
            match image.step(|image| unit.run(image)) {
                Ran::Through => through.iter_mut().skip(at).take(1).for_each(|through| *through = true),
                Ran::Blocked => {}
                Ran::Misplaced => misplaced.push(at),
            }
        }
        for at in misplaced.into_iter().rev() {
            through.remove(at);
            let unit = group.remove(at);
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            let sent = match &self.ordered {
                Some(ordered) => ordered.send(unit),
                None => Err((unit, StoreError::Closed)),
            };
            if let Err((unit, refused)) = sent {
                unit.answer(Some(refused));
            }
        }
    }

    /// Begins a transaction and takes the turn of each site that no other node has now.
    /// Units of the other sites wait for the next group. When all are taken, waits for one.
    async fn take_turns(
        &mut self,
        session: &mut Session,
        group: &mut Group,
        images: &mut Images,
    ) -> Result<(), Failure> {
        let mut sites: Vec<String> = images.keys().map(|site| site.as_str().to_owned()).collect();
        sites.sort();
        let ask = |sql: &'static str, sites: &[String]| Query::new(sql).with(sites.to_vec());
        let taken = session.begin("BEGIN", &sites.join(","), &[ask(FREE_TURNS, &sites)]).await?;
        let mut got = turns(taken)?;
        if got.len() < sites.len() {
            // Never seen, or taken: make those that are missing, outside of anybody's turn.
            let known = turns(session.rows(&[ask(KNOWN_TURNS, &sites)]).await?)?;
            let new: Vec<String> = sites.iter().filter(|site| !known.contains(site)).cloned().collect();
            if !new.is_empty() {
                session.counts(vec![ask(NEW_TURNS, &new)]).await?;
                got.extend(turns(session.rows(&[ask(TURNS, &new)]).await?)?);
            }
        }
        if got.is_empty() {
            let first: Vec<String> = sites.into_iter().take(1).collect();
            got = turns(session.rows(&[ask(TURNS, &first)]).await?)?;
        }
        images.retain(|site, _| got.iter().any(|got| got == site.as_str()));
        let (now, later): (Group, Group) = group.drain(..).partition(|unit| images.contains_key(unit.site()));
        *group = now;
        self.later.extend(later);
        Ok(())
    }
}

async fn finish(session: Session, writes: save::Writes) -> Result<(), Failure> {
    if writes.commit(session).await? {
        return Ok(());
    }
    Err(Failure::Again("an item was changed by somebody else".into()))
}

/// Names of sites as the second wall takes them.
fn names(images: &Images) -> String {
    let mut names: Vec<&str> = images.keys().map(SiteId::as_str).collect();
    names.sort_unstable();
    names.join(",")
}

fn turns(answers: Vec<Vec<tokio_postgres::Row>>) -> Result<Vec<String>, Failure> {
    answers.into_iter().flatten().map(|row| Ok(row.try_get(0)?)).collect()
}
