//! Nodes beside each other: claimed jobs, news, the server's clock.
//!
//! May import: `types`, `store`.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, config::SslMode};

use crate::{
    store::{News, NodeStore, StoreError},
    types::{ArticleId, Clock as _, KeyId, SiteId, SystemClock, Timestamp},
};

use super::{
    PostgresOptions, PostgresStore,
    link::{self, Failure, Link},
    schema,
    sql::{Id, Query},
};

/// How long a job is kept without asking again.
const KEPT: Duration = Duration::from_secs(6);
/// How long a node believes in a job without asking the server.
const BELIEVED: Duration = Duration::from_secs(2);
/// How often the server is asked for the time.
const CLOCK_EVERY: Duration = Duration::from_secs(10);
/// How often a broken line of news is tried again; everything counts as changed meanwhile.
const LISTEN_EVERY: Duration = Duration::from_millis(500);
/// News that wait for a slow reader; then it is told that it missed some.
const NEWS: usize = 1_024;

/// What this node knows of the others.
pub(super) struct Nodes {
    me: [u8; 16],
    held: Mutex<HashMap<String, Instant>>,
    news: broadcast::Sender<News>,
    /// Microseconds that the server's clock is ahead of this machine's.
    ahead: AtomicI64,
}

impl Nodes {
    pub(super) fn new() -> Self {
        let (news, _) = broadcast::channel(NEWS);
        Self { me: rand::random(), held: Mutex::default(), news, ahead: AtomicI64::new(0) }
    }

    /// Follows the server's clock, for ever.
    pub(super) async fn follow_clock(self: Arc<Self>, link: Arc<Link>) {
        loop {
            let _ = self.read_clock(&link).await;
            tokio::time::sleep(CLOCK_EVERY).await;
        }
    }

    /// Reads the server's clock. The answer is right to half of the round trip, and a slow
    /// one is not taken.
    pub(super) async fn read_clock(&self, link: &Link) -> Result<(), Failure> {
        let session = link.session().await?;
        let query = Query::new("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8");
        session.rows(std::slice::from_ref(&query)).await?;
        let (asked, before) = (Instant::now(), SystemClock.now());
        let rows = session.rows(&[query]).await?;
        let took = asked.elapsed();
        if let Some(row) = rows.first().and_then(|rows| rows.first())
            && took < Duration::from_millis(250)
        {
            let server: i64 = row.try_get(0)?;
            let half = i64::try_from(took.as_micros() / 2).unwrap_or(0);
            self.ahead.store(server - before.micros() - half, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Hears what others announce, for ever, and hands it to `heed` before anybody else.
    pub(super) async fn hear(
        self: Arc<Self>,
        config: Config,
        options: PostgresOptions,
        heed: impl Fn(&News) + Send + Sync,
    ) {
        loop {
            heed(&News::Missed);
            let _ = self.news.send(News::Missed);
            if let Err(error) = self.listen(&config, &options, &heed).await {
                tracing::debug!(%error, "the line of news broke");
            }
            tokio::time::sleep(LISTEN_EVERY).await;
        }
    }

    async fn listen(
        &self,
        config: &Config,
        options: &PostgresOptions,
        heed: &(impl Fn(&News) + Send + Sync),
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
            self.follow(client, connection, heed).await
        } else {
            let tls = super::tls::connector(options.root_certificate.as_deref())?;
            let (client, connection) = config.connect(tls).await?;
            self.follow(client, connection, heed).await
        }
    }

    async fn follow<S, T>(
        &self,
        client: Client,
        mut connection: Connection<S, T>,
        heed: &(impl Fn(&News) + Send + Sync),
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    {
        let listen = client.batch_execute("LISTEN tamis");
        tokio::pin!(listen);
        let mut listening = false;
        loop {
            let message = std::future::poll_fn(|cx| connection.poll_message(cx));
            tokio::select! {
                done = &mut listen, if !listening => {
                    done?;
                    listening = true;
                    // What changed while nobody listened is unknown.
                    heed(&News::Missed);
                    let _ = self.news.send(News::Missed);
                }
                message = message => match message {
                    None => return Ok(()),
                    Some(Ok(AsyncMessage::Notification(told))) => {
                        let news = read(told.payload());
                        heed(&news);
                        let _ = self.news.send(news);
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                },
            }
        }
    }
}

/// What an announcement says; one that cannot be read says that something changed.
fn read(told: &str) -> News {
    let mut words = told.split(' ');
    let site = |word: Option<&str>| word.and_then(|word| SiteId::new(word).ok());
    let news = match words.next() {
        Some("site") => site(words.next()).map(News::Site),
        Some("key") => words.next().and_then(|word| KeyId::new(word).ok()).map(News::Key),
        Some("article") => {
            let article = |word: &str| ArticleId::new(word).ok();
            site(words.next()).zip(words.next().and_then(article)).map(|(site, id)| News::Article(site, id))
        }
        _ => None,
    };
    news.unwrap_or(News::Missed)
}

impl PostgresStore {
    /// Heeds the news and follows the clock from now on.
    pub(super) fn attend(
        runtime: &tokio::runtime::Runtime,
        link: &Arc<Link>,
        nodes: &Arc<Nodes>,
        address: (&str, &PostgresOptions),
        heed: impl Fn(&News) + Send + Sync + 'static,
    ) {
        let (url, options) = address;
        drop(runtime.spawn(Arc::clone(nodes).follow_clock(Arc::clone(link))));
        if let Ok(config) = link::config(url) {
            drop(runtime.spawn(Arc::clone(nodes).hear(config, options.clone(), heed)));
        }
    }
}

#[async_trait]
impl NodeStore for PostgresStore {
    async fn holds(&self, job: &str) -> Result<bool, StoreError> {
        let asked = Instant::now();
        let held = self.nodes.held.lock().get(job).copied();
        if held.is_some_and(|since| since.elapsed() < BELIEVED) {
            return Ok(true);
        }
        let take = "INSERT INTO jobs AS j (name, holder, until) VALUES ($1, $2, now() + make_interval(secs => $3)) \
                    ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until \
                    WHERE j.holder = EXCLUDED.holder OR j.until < now()";
        let take = Query::new(take).with(job.to_owned()).with(Id(self.nodes.me)).with(KEPT.as_secs_f64());
        let taken = match self.write_any(vec![take]).await {
            Ok(counts) => counts.first() == Some(&1),
            // What was held is held until its time is over, seen from before it was asked for.
            Err(_) if held.is_some_and(|since| since.elapsed() < KEPT - BELIEVED) => return Ok(true),
            Err(error) => {
                self.nodes.held.lock().remove(job);
                return Err(error);
            }
        };
        let mut held = self.nodes.held.lock();
        if taken {
            held.insert(job.to_owned(), asked);
        } else {
            held.remove(job);
        }
        Ok(taken)
    }

    async fn agrees(&self, what: &str, value: &[u8]) -> Result<bool, StoreError> {
        let say = "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        self.write_any(vec![Query::new(say).with(what.to_owned()).with(value.to_vec())]).await?;
        let query = Query::new("SELECT value FROM facts WHERE name = $1").with(what.to_owned());
        let rows = self.select_any(query).await?;
        Ok(rows.first().and_then(|row| row.try_get::<_, &[u8]>(0).ok()) == Some(value))
    }

    fn news(&self) -> Option<broadcast::Receiver<News>> {
        Some(self.nodes.news.subscribe())
    }

    fn present(&self, machine: Timestamp) -> Timestamp {
        Timestamp::from_micros(machine.micros().saturating_add(self.nodes.ahead.load(Ordering::Relaxed)))
    }

    async fn upkeep(&self, now: Timestamp, keep: Option<Duration>) -> Result<(usize, usize), StoreError> {
        self.ensure_open()?;
        let link = Arc::clone(&self.link);
        self.on_threads(async move {
            let session = link.session().await?;
            let made = schema::make_partitions(&session, now).await?;
            let dropped = match keep {
                Some(keep) => schema::drop_partitions(&session, now, keep).await?,
                None => 0,
            };
            Ok((made, dropped))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_read_back() {
        let site = SiteId::new("daily").unwrap();
        assert_eq!(read("site daily"), News::Site(site.clone()));
        assert_eq!(read("key k1"), News::Key(KeyId::new("k1").unwrap()));
        assert_eq!(read("article daily a:1"), News::Article(site, ArticleId::new("a:1").unwrap()));
        for odd in ["", "site", "site A B", "else x", "article daily"] {
            assert_eq!(read(odd), News::Missed, "{odd:?}");
        }
    }
}
