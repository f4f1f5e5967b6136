//! From a configuration to the parts of a node: no sockets, no tasks.
//!
//! May import: `types`, `learning`, `rules`, `scoring`, `store`, `moderation`.

use std::{fs, io, path::PathBuf, sync::Arc};

use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
};
use tonic::transport::Identity;

use crate::{
    learning::{default_bundle, load_bundle},
    moderation::{
        Appeals, Articles, AuditDesk, Desk, FeedbackDesk, Heat, Intake, Keys, PseudonymKey, QueueDesk,
        Reports, Services, Sessions, Shadow, Sites, queue::LeaseTerms,
    },
    observe::Metrics,
    rules::{RuleSet, Source},
    scoring::Snapshot,
    store::{
        SharedBlobs, SharedStore, StoreError,
        blobs::{FileBlobs, MemoryBlobs},
        memory::MemoryStore,
        portable::Portable,
        postgres::{PostgresOptions, PostgresStore},
        sled::{DIRECTORY, SledOptions, SledStore},
    },
    types::{Clock, Origin, SystemClock, Timestamp},
};

use super::{Config, StartError, StoreKind, config::TlsFiles};

/// Folder of models in the data directory.
const MODELS: &str = "models";

/// The model and rules that a configuration names.
///
/// # Errors
///
/// [`StartError::Model`], [`StartError::Rules`] with every diagnostic.
pub fn load_snapshot(config: &Config) -> Result<Snapshot, StartError> {
    let bundle =
        config.model_dir.as_deref().map_or_else(default_bundle, load_bundle).map_err(StartError::Model)?;
    Ok(Snapshot { bundle: Arc::new(bundle), rules: Arc::new(load_rules(config)?) })
}

/// Everything besides the configuration itself that would keep a node from
/// starting: model, rules and certificate, each looked at whatever the others are.
#[must_use]
pub fn obstacles(config: &Config) -> Vec<StartError> {
    let model = config.model_dir.as_deref().and_then(|dir| load_bundle(dir).err()).map(StartError::Model);
    model
        .into_iter()
        .chain(load_rules(config).err())
        .chain(tls_identity(config).err())
        .chain(http_tls(config).err())
        .collect()
}

fn load_rules(config: &Config) -> Result<RuleSet, StartError> {
    RuleSet::parse(&rule_sources(config)?).map_err(|diagnostics| {
        let all: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        StartError::Rules(all.join("\n"))
    })
}

/// The rule files that a configuration names; those that come with the program when it
/// names none.
///
/// # Errors
///
/// [`StartError::Rules`] names a file that cannot be read.
pub(super) fn rule_sources(config: &Config) -> Result<Vec<Source>, StartError> {
    if config.rule_files.is_empty() {
        return Ok(vec![Source::starter()]);
    }
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path)
            .map_err(|error| StartError::Rules(format!("{}: {error}", path.display())))?;
        Ok(Source { name: path.display().to_string(), text })
    };
    config.rule_files.iter().map(read).collect()
}

/// Certificate and key of the gRPC door, where TLS is configured.
pub(super) fn tls_identity(config: &Config) -> Result<Option<Identity>, StartError> {
    let read =
        |path: &PathBuf| fs::read(path).map_err(|source| StartError::File { path: path.clone(), source });
    match &config.grpc_tls {
        Some(TlsFiles { cert, key }) => Ok(Some(Identity::from_pem(read(cert)?, read(key)?))),
        None => Ok(None),
    }
}

/// What the HTTP door needs to speak TLS, where that is configured.
pub(super) fn http_tls(config: &Config) -> Result<Option<Arc<ServerConfig>>, StartError> {
    let Some(TlsFiles { cert, key }) = &config.http_tls else { return Ok(None) };
    let wrong = |path: &PathBuf| {
        let path = path.clone();
        move |error: pem::Error| StartError::File { path, source: io::Error::other(error) }
    };
    let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect).map_err(wrong(cert))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(wrong(key))?;
    // The provider is named: what the process chose is not known to checks of a file.
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private));
    let server =
        server.map_err(|error| StartError::File { path: cert.clone(), source: io::Error::other(error) })?;
    Ok(Some(Arc::new(server)))
}

/// Opens the store that a configuration names.
///
/// # Errors
///
/// What the store says.
pub fn open_store(config: &Config) -> Result<SharedStore, StoreError> {
    open(config, &Arc::default()).map(|(store, _)| store)
}

/// Opens the store that a configuration names, and the place for the files of models.
pub(super) fn open(
    config: &Config,
    metrics: &Arc<Metrics>,
) -> Result<(SharedStore, SharedBlobs), StoreError> {
    Ok(match config.store {
        StoreKind::Memory => (Arc::new(MemoryStore::new()), Arc::new(MemoryBlobs::default())),
        StoreKind::Sled => {
            let options = SledOptions {
                cache_bytes: config.cache_mib << 20,
                watch: Some(metrics.clone()),
                ..SledOptions::default()
            };
            let store = SledStore::open(&config.data_dir.join(DIRECTORY), options)?;
            (Arc::new(store), Arc::new(FileBlobs::new(&config.data_dir.join(MODELS))))
        }
        StoreKind::Postgres => {
            let store = Arc::new(open_postgres(config)?);
            (store.clone(), store)
        }
    })
}

/// Opens a store to be moved: `sled:` and a data folder, or the address of PostgreSQL.
///
/// # Errors
///
/// What the store says; another word before the colon.
pub fn open_portable(place: &str) -> Result<Arc<dyn Portable>, StoreError> {
    if let Some(folder) = place.strip_prefix("sled:") {
        let path = PathBuf::from(folder).join(DIRECTORY);
        return Ok(Arc::new(SledStore::open(&path, SledOptions::default())?));
    }
    if place.starts_with("postgres://") || place.starts_with("postgresql://") {
        let options = PostgresOptions::default();
        return Ok(Arc::new(PostgresStore::open(place, &options, SystemClock.now())?));
    }
    let source = "must be sled:DIR or postgres://...".into();
    Err(StoreError::Backend { doing: "choosing a store", source })
}

fn open_postgres(config: &Config) -> Result<PostgresStore, StoreError> {
    let options = PostgresOptions {
        connections: config.postgres_connections,
        root_certificate: config.postgres_root_certificate.clone(),
        ..PostgresOptions::default()
    };
    PostgresStore::open(config.postgres.as_str(), &options, SystemClock.now())
}

/// The clock of the store: on a server that many nodes share, its own, so that a lease
/// ends at the same moment for all of them.
pub(super) struct StoreClock(pub(super) SharedStore);

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        self.0.present(SystemClock.now())
    }
}

/// Where the bundle comes from that a configuration names.
#[must_use]
pub(super) const fn origin(config: &Config) -> Origin {
    if config.model_dir.is_some() { Origin::Configured } else { Origin::BuiltIn }
}

/// How long leases may be, by the configuration.
#[must_use]
pub fn lease_terms(config: &Config) -> LeaseTerms {
    let longest = LeaseTerms::default().max;
    LeaseTerms { min: config.min_lease.min(longest), max: longest }
}

/// The use cases over a store.
#[must_use]
pub fn services(
    store: SharedStore,
    snapshot: Snapshot,
    secret: PseudonymKey,
    leases: LeaseTerms,
) -> Services {
    watched_services(store, snapshot, secret, leases, Arc::default())
}

/// The use cases over a store, counted in `metrics`.
#[must_use]
pub(super) fn watched_services(
    store: SharedStore,
    snapshot: Snapshot,
    secret: PseudonymKey,
    leases: LeaseTerms,
    metrics: Arc<Metrics>,
) -> Services {
    let clock = Arc::new(StoreClock(store.clone()));
    let desk = Desk { store, clock, metrics };
    let articles = Arc::new(Articles::new(desk.clone()));
    let heat = Arc::new(Heat::default());
    let snapshot = Arc::new(ArcSwap::from_pointee(snapshot));
    let beside = Arc::new(ArcSwapOption::empty());
    let shadow = Arc::new(Shadow::new(desk.clone(), Arc::clone(&snapshot), Arc::clone(&beside)));
    let (keys, sessions) = (Arc::new(Keys::new(desk.clone())), secret.clone());
    Services {
        desk: desk.clone(),
        live: Arc::clone(&snapshot),
        beside,
        shadow: Arc::clone(&shadow),
        intake: Arc::new(Intake::new(
            desk.clone(),
            Arc::clone(&articles),
            snapshot,
            secret.clone(),
            Arc::clone(&heat),
            shadow,
        )),
        reports: Arc::new(Reports::new(desk.clone(), secret.clone(), Arc::clone(&articles), heat)),
        appeals: Arc::new(Appeals::new(desk.clone(), Arc::clone(&articles))),
        queue: Arc::new(QueueDesk::new(desk.clone(), secret, leases)),
        audit: Arc::new(AuditDesk::new(desk.clone())),
        articles,
        sites: Arc::new(Sites::new(desk.clone())),
        feedback: Arc::new(FeedbackDesk::new(desk)),
        sessions: Arc::new(Sessions::new(Arc::clone(&keys), &sessions)),
        keys,
    }
}
