//! A node's life: check, bind, open, serve, drain, close.
//!
//! May import: `types`, `store`, `api`, `learning`.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tonic::transport::ServerTlsConfig;

use crate::{
    api::{self, Doors, HttpDoor, Options, ServeError, watch_health},
    learning::{
        LearningError, Models, ModelsError, Rulebook, RulesError, as_files,
        registry::{Shelf, Workshop, first_bundle},
    },
    moderation::{Desk, ModerationError, PseudonymKey, QueueDesk, Services},
    observe::Metrics,
    scoring::Snapshot,
    store::{SharedBlobs, SharedStore, StoreError},
};

use super::{
    Config, StoreKind,
    first_run::{SECRET_FILE, WEBHOOK_FILE, first_keys, secret_key, webhook_secret, welcome},
    gauges::{gauges, measurements},
    learning::start_learning,
    logging,
    tasks::{Tasks, expire_leases, forget_requests, hear_news, refresh_rules, upkeep},
    webhooks,
    wiring::{
        StoreClock, http_tls, lease_terms, load_snapshot, open, origin, rule_sources, tls_identity,
        watched_services,
    },
};

/// Stack of each thread: rule expressions are evaluated on it, and the largest that
/// is allowed needs more than the usual 2 MiB in a debug build.
const STACK_BYTES: usize = 16 << 20;

/// Why a node could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The model bundle is bad.
    #[error(transparent)]
    Model(LearningError),
    /// The rules are bad.
    #[error("the rules cannot be used:\n{0}")]
    Rules(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}{}", help_to_bind(source))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A file of the data folder or of TLS cannot be used.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The store cannot be opened.
    #[error("cannot open the store in {path}: {source}")]
    Store {
        /// The data folder.
        path: PathBuf,
        /// What the store said.
        source: StoreError,
    },
    /// The models cannot be used.
    #[error("cannot use the models")]
    Models(#[source] ModelsError),
    /// The other nodes have another secret: authors would not be recognised.
    #[error("{path} is not that of the other nodes: copy theirs here, and start again")]
    OtherSecret {
        /// The file.
        path: PathBuf,
    },
    /// The first keys could not be made.
    #[error("cannot prepare the first start")]
    FirstRun(#[from] ModerationError),
    /// The published rules could not be read.
    #[error("cannot read the published rules")]
    Published(#[from] RulesError),
    /// Serving failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Threads cannot be made, or signals not heard.
    #[error("cannot start threads or hear signals: {0}")]
    Runtime(io::Error),
}

/// What to do about an address that cannot be listened on.
fn help_to_bind(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::AddrInUse {
        "; another program listens there: stop it, or choose another with --listen or --http-listen"
    } else {
        ""
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
///
/// [`StartError`] says what stood in the way.
pub fn serve(config: &Config) -> Result<(), StartError> {
    logging::start(&config.log_level, config.log_format);
    // One provider for the process: with none set rustls refuses to choose.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(run(config))
}

async fn run(config: &Config) -> Result<(), StartError> {
    let stopped = stop_signal()?;
    let address = config.grpc_listen;
    let configured = load_snapshot(config)?;
    let listener = bind(address).await?;
    let door = http_door(config).await?;
    let secret = secret_key(&config.data_dir)
        .map_err(|source| StartError::File { path: config.data_dir.clone(), source })?;
    let metrics = Arc::new(Metrics::new());
    let (store, blobs) = open_kept(config, &secret, &metrics).await?;
    let shelf = Shelf { store: store.clone(), blobs, clock: Arc::new(StoreClock(store.clone())) };
    let bundle = first_bundle(&shelf, Arc::clone(&configured.bundle), origin(config)).await;
    let snapshot = Snapshot { bundle: bundle.map_err(StartError::Models)?, ..configured };
    let model = snapshot.model_id().to_owned();
    let services =
        watched_services(store.clone(), snapshot, secret, lease_terms(config), Arc::clone(&metrics));
    let (live, beside) = (services.live.clone(), services.beside.clone());
    let models = Arc::new(Models::new(shelf, workshop(config), live, beside));
    services.sessions.set_terms(config.sessions);
    let address = listener.local_addr().unwrap_or(address);
    // Of nodes that start together one makes the first keys.
    if store.holds("first start").await.unwrap_or(false)
        && let Some(keys) = first_keys(&services).await?
    {
        print(&welcome(&keys, &address.to_string(), config.grpc_tls.is_some()));
    }
    let (queue, shadow) = (services.queue.clone(), services.shadow.clone());
    let rulebook = rulebook(config, &services).await?;
    let rules = services.live.load().rules.id().to_owned();
    let (articles, keys) = (services.articles.clone(), services.keys.clone());
    let (desk, live) = (services.desk.clone(), Arc::clone(&services.live));
    let doors = Doors { services, models: models.clone(), rulebook: rulebook.clone() };
    let server = api::router(doors, options(config)?).await?;
    let mut tasks = Tasks::default();
    start_learning(&mut tasks, &models, config);
    tasks.start(|stop| shadow.run(stop));
    start_webhooks(&mut tasks, config, &queue)?;
    tasks.start(|stop| refresh_rules(rulebook, stop));
    tend_store(&mut tasks, config, &store, queue);
    if let Some(news) = store.news() {
        tasks.start(|stop| hear_news(news, articles, keys, stop));
    }
    let measured = desk.clone();
    tasks.start(|stop| gauges(desk, live, stop));
    tasks.start(|stop| measurements(measured, stop));
    let (health, watched) = (server.health(), store.clone());
    tasks.start(|stop| watch_health(health, watched, stop));
    let kept = kept_in(config);
    let pages = pages(config, door.as_ref());
    print(&format!("tamis serves gRPC on {address}{pages} (model {model}, rules {rules}, data in {kept})\n"));
    let server = match door {
        Some(door) => server.with_http(door),
        None => server,
    };
    let served = server.serve(listener, stopped).await;
    tasks.end().await;
    store.close().await;
    tracing::info!("stopped");
    served.map(drop).map_err(StartError::from)
}

/// Starts to tell others of decisions.
fn start_webhooks(tasks: &mut Tasks, config: &Config, queue: &Arc<QueueDesk>) -> Result<(), StartError> {
    for target in config.webhooks.clone() {
        let secret = webhook_secret(&config.data_dir)
            .map_err(|source| StartError::File { path: config.data_dir.join(WEBHOOK_FILE), source })?;
        let (queue, folder) = (Arc::clone(queue), config.data_dir.clone());
        let terms = webhooks::Terms { authorities: config.webhook_ca.clone(), tries: config.webhook_tries };
        tasks.start(|stop| webhooks::run(target, secret, queue, folder, terms, stop));
    }
    Ok(())
}

/// Where the console is, for the line that tells what is served.
fn pages(config: &Config, door: Option<&HttpDoor>) -> String {
    match door.and_then(|door| door.listener.local_addr().ok()) {
        Some(at) if config.http_tls.is_some() => format!(", console on https://{at}/console/"),
        Some(at) => format!(", console on http://{at}/console/"),
        None => String::new(),
    }
}

/// Starts what a store needs done in the background; on many nodes by one of them.
fn tend_store(tasks: &mut Tasks, config: &Config, store: &SharedStore, queue: Arc<QueueDesk>) {
    let (expiring, upkept, forgetting) = (store.clone(), store.clone(), store.clone());
    let keep = config.keep_verdicts;
    tasks.start(|stop| expire_leases(expiring, queue, stop));
    tasks.start(|stop| upkeep(upkept, keep, stop));
    tasks.start(|stop| forget_requests(forgetting, stop));
}

/// Where everything is kept, for people.
fn kept_in(config: &Config) -> String {
    match config.store {
        StoreKind::Sled => config.data_dir.display().to_string(),
        StoreKind::Memory => "memory only".to_owned(),
        StoreKind::Postgres => "PostgreSQL".to_owned(),
    }
}

/// Opens the store, and makes sure that all nodes on it count authors by the same secret.
async fn open_kept(
    config: &Config,
    secret: &PseudonymKey,
    metrics: &Arc<Metrics>,
) -> Result<(SharedStore, SharedBlobs), StartError> {
    let failed = |source| StartError::Store { path: config.data_dir.clone(), source };
    let (store, blobs) = open(config, metrics).map_err(failed)?;
    if store.agrees("pseudonym key", &secret.fingerprint()).await.map_err(failed)? {
        return Ok((store, blobs));
    }
    Err(StartError::OtherSecret { path: config.data_dir.join(SECRET_FILE) })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Bind { address, source })
}

/// The HTTP door, where the configuration opens one.
async fn http_door(config: &Config) -> Result<Option<HttpDoor>, StartError> {
    let Some(address) = config.http_listen else { return Ok(None) };
    Ok(Some(HttpDoor { listener: bind(address).await?, tls: http_tls(config)? }))
}

/// The rulebook, with what was published before in force.
async fn rulebook(config: &Config, services: &Services) -> Result<Arc<Rulebook>, StartError> {
    let Desk { store, clock, .. } = services.desk.clone();
    let mut rulebook = Rulebook::new(store, clock, Arc::clone(&services.live));
    rulebook.adopt(as_files(rule_sources(config)?)).await?;
    rulebook.refresh().await?;
    Ok(Arc::new(rulebook))
}

/// What the configuration says of learning.
fn workshop(config: &Config) -> Workshop {
    let Config { learning_threads: threads, learning_base: base_files, learning_keep: keep, .. } = config;
    Workshop { threads: *threads, base_files: base_files.clone(), keep: *keep }
}

/// What the configuration says of the gRPC door.
fn options(config: &Config) -> Result<Options, StartError> {
    let tls = tls_identity(config)?.map(|identity| ServerTlsConfig::new().identity(identity));
    Ok(Options {
        max_in_flight: config.in_flight,
        max_connections: config.connections,
        drain: config.grace,
        tls,
        ..Options::default()
    })
}

/// Hears SIGTERM and SIGINT from now on; the result completes at the first of them.
/// Asked for before anything else, so that a signal during the start is not the end
/// of a process that has half of its work done.
fn stop_signal() -> Result<impl Future<Output = ()>, StartError> {
    let hear = |kind| signal(kind).map_err(StartError::Runtime);
    let (mut term, mut int) = (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => tracing::info!("SIGTERM: finishing calls in flight"),
            _ = int.recv() => tracing::info!("SIGINT: finishing calls in flight"),
        }
    })
}

#[expect(clippy::print_stdout, reason = "what the person at the terminal must read, once")]
fn print(text: &str) {
    use io::Write;
    print!("{text}");
    let _ = io::stdout().flush();
}
