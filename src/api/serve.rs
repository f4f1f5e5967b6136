//! Puts the services, the gate and the limits together and serves them on a
//! listener until told to stop.
//!
//! The caller owns the socket and the signal, so that tests bind port 0 and stop
//! the server with a channel. May import: `store`, `moderation`,
//! `learning`.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    codec::CompressionEncoding,
    service::Routes,
    transport::{Server as Transport, ServerTlsConfig},
};

use super::{
    gate::GateLayer,
    grpc::{
        ArticleApi, AuditApi, BacktestApi, FeedbackApi, ModelApi, QueueApi, RuleApi, ScoringApi, SiteApi,
        Watchers,
    },
    health::{self, ServingHealth},
    http::{self, Console, Guard, HttpDoor, Rpc, Throttle},
    incoming,
    limits::{
        self, ANSWER_MESSAGE_BYTES, DECODED_MESSAGE_BYTES, DRAIN, MAX_CONNECTIONS,
        MAX_CONNECTIONS_PER_ADDRESS, MAX_IN_FLIGHT, TLS_HANDSHAKE_TIMEOUT,
    },
    pb::{
        self, article_service_server::ArticleServiceServer, audit_service_server::AuditServiceServer,
        backtest_service_server::BacktestServiceServer, feedback_service_server::FeedbackServiceServer,
        model_service_server::ModelServiceServer, queue_service_server::QueueServiceServer,
        rule_service_server::RuleServiceServer, scoring_service_server::ScoringServiceServer,
        site_service_server::SiteServiceServer,
    },
    shed::Limiter,
};
use crate::{
    learning::{
        Models, Replay, Rulebook,
        registry::{Shelf, Workshop},
    },
    moderation::{Desk, Services},
    store::blobs::MemoryBlobs,
};

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Options {
    /// Calls worked on at a time, over all connections.
    pub max_in_flight: usize,
    /// Connections at a time.
    pub max_connections: usize,
    /// Connections at a time from one address that is not loopback.
    pub max_connections_per_address: usize,
    /// How long a stopping server waits for calls in flight.
    pub drain: Duration,
    /// Certificate and key; without them the connection is not encrypted.
    pub tls: Option<ServerTlsConfig>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_in_flight: MAX_IN_FLIGHT,
            max_connections: MAX_CONNECTIONS,
            max_connections_per_address: MAX_CONNECTIONS_PER_ADDRESS,
            drain: DRAIN,
            tls: None,
        }
    }
}

/// Why the server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The certificate or its key is not usable.
    #[error("TLS certificate or key is not usable")]
    Tls(#[source] tonic::transport::Error),
    /// The descriptors built in are damaged.
    #[error("reflection cannot read the built-in descriptors")]
    Reflection(#[source] tonic_reflection::server::Error),
    /// Serving ended.
    #[error("serving failed")]
    Transport(#[source] tonic::transport::Error),
}

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every call in flight was finished.
    All,
    /// Some were still running when the time to drain was over.
    NotAll,
}

/// All services behind the gate, ready to be served.
pub struct Server {
    transport: Transport,
    routes: Routes,
    gate: GateLayer,
    health: ServingHealth,
    options: Options,
    http: (axum::Router, Option<HttpDoor>),
}

/// The use cases behind the doors.
#[derive(Clone)]
pub struct Doors {
    /// Those of moderation.
    pub services: Services,
    /// Models.
    pub models: Arc<Models>,
    /// The rules.
    pub rulebook: Arc<Rulebook>,
}

impl From<Services> for Doors {
    /// With models that are kept nowhere, for services that are tried out.
    fn from(services: Services) -> Self {
        let Desk { store, clock, .. } = services.desk.clone();
        let rulebook = Rulebook::new(store.clone(), clock.clone(), services.live.clone());
        let shelf = Shelf { store, blobs: Arc::new(MemoryBlobs::default()), clock };
        let models =
            Arc::new(Models::new(shelf, Workshop::default(), services.live.clone(), services.beside.clone()));
        Self { services, models, rulebook: Arc::new(rulebook) }
    }
}

/// Puts everything together.
///
/// # Errors
///
/// [`ServeError::Tls`] when the certificate is not usable.
pub async fn router(doors: impl Into<Doors>, options: Options) -> Result<Server, ServeError> {
    let Doors { services, models, rulebook } = doors.into();
    let mut transport = limits::server();
    if let Some(tls) = &options.tls {
        let tls = tls.clone().timeout(TLS_HANDSHAKE_TIMEOUT);
        transport = transport.tls_config(tls).map_err(ServeError::Tls)?;
    }
    let Desk { store, metrics, .. } = services.desk.clone();
    let replay = Arc::new(Replay::new(store, Arc::clone(&models), Arc::clone(&rulebook)));
    let paged = services.clone();
    let Services { intake, articles, sites, feedback, reports, appeals, queue, audit, keys, shadow, .. } =
        services;
    let (stop, limiter) = (CancellationToken::new(), Limiter::new(options.max_in_flight));
    let scoring = ScoringApi {
        intake: Arc::clone(&intake),
        replay: Arc::clone(&replay),
        limiter: limiter.clone(),
        stop: stop.clone(),
    };
    let watchers = Watchers::new((Arc::clone(&queue), Arc::clone(&audit), Arc::clone(&keys)), stop.clone());
    let feedback = FeedbackApi { feedback, reports, appeals, intake, watchers: watchers.clone() };
    let (health, health_service) = health::service().await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    // Requests may come compressed: batches of text shrink to a third. Answers go
    // out plain: they are small, and the CPU is better spent on scoring.
    macro_rules! limited {
        ($server:ident, $api:expr) => {
            $server::new($api)
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(DECODED_MESSAGE_BYTES)
                .max_encoding_message_size(ANSWER_MESSAGE_BYTES)
        };
    }
    let routes = Routes::new(limited!(ScoringServiceServer, scoring))
        .add_service(limited!(ArticleServiceServer, ArticleApi { articles }))
        .add_service(limited!(FeedbackServiceServer, feedback))
        .add_service(limited!(SiteServiceServer, SiteApi { sites }))
        .add_service(limited!(QueueServiceServer, QueueApi { queue, watchers: watchers.clone() }))
        .add_service(limited!(RuleServiceServer, RuleApi { replay: Arc::clone(&replay) }))
        .add_service(limited!(BacktestServiceServer, BacktestApi { replay }))
        .add_service(limited!(AuditServiceServer, AuditApi { audit, watchers: watchers.clone() }))
        .add_service(limited!(ModelServiceServer, ModelApi { models, shadow, stop: stop.clone() }))
        .add_service(health_service)
        .add_service(reflection().build_v1().map_err(ServeError::Reflection)?)
        .add_service(reflection().build_v1alpha().map_err(ServeError::Reflection)?)
        .prepare();
    let gate = GateLayer { keys, limiter, stop, metrics };
    let rpc = Rpc { routes: routes.clone(), gate: gate.clone() };
    let pages = pages(paged, watchers, rpc, health.clone());
    Ok(Server { transport, routes, gate, health, options, http: (pages, None) })
}

/// The HTTP door on the same use cases, gate and limits.
fn pages(services: Services, watchers: Watchers, rpc: Rpc, health: ServingHealth) -> axum::Router {
    let Services { articles, sites, queue, keys, sessions, .. } = services;
    let (limiter, metrics) = (rpc.gate.limiter.clone(), Arc::clone(&rpc.gate.metrics));
    let guard = Guard { keys: Arc::clone(&keys), sessions: Arc::clone(&sessions), limiter };
    let throttle = Arc::<Throttle>::default();
    let console = Console { queue, articles, sites, keys, sessions, watchers, rpc, throttle };
    http::router(guard, health, metrics, console)
}

impl Server {
    /// What sets the health of this server; `watch_health` wants it.
    #[must_use]
    pub fn health(&self) -> ServingHealth {
        self.health.clone()
    }

    /// Opens the HTTP door too.
    #[must_use]
    pub fn with_http(self, door: HttpDoor) -> Self {
        Self { http: (self.http.0, Some(door)), ..self }
    }

    /// Serves until `shutdown` completes. Then the listener is closed, health says
    /// NOT_SERVING, calls in flight are finished, streams are ended after the
    /// answers they owe; what is not done within [`Options::drain`] is left.
    ///
    /// # Errors
    ///
    /// [`ServeError::Transport`].
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<Drained, ServeError> {
        let Self { transport, routes, gate, health, options, http: (pages, door) } = self;
        let Options { max_connections, max_connections_per_address, drain, .. } = options;
        let connections = incoming::connections(listener, max_connections, max_connections_per_address);
        let stop = gate.stop.clone();
        let stopping = async {
            shutdown.await;
            health.stop().await;
            stop.cancel();
        };
        let serving =
            transport.layer(gate.clone()).serve_with_incoming_shutdown(routes, connections, stopping);
        let places = (max_connections, max_connections_per_address);
        let pages = async {
            if let Some(door) = door {
                http::serve(door, pages, places, gate.stop.clone()).await;
            }
        };
        let late = async {
            gate.stop.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        tokio::select! {
            (result, ()) = async { tokio::join!(serving, pages) } => {
                result.map(|()| Drained::All).map_err(ServeError::Transport)
            }
            () = late => {
                tracing::warn!(drain_ms = drain.as_millis(), "calls were still running at the end");
                Ok(Drained::NotAll)
            }
        }
    }
}
