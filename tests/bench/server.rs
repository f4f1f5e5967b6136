//! Servers to measure, each on one thread of its own whose CPU time can be read.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use sha2::{Digest as _, Sha256};
use tamis::{
    api::{Options, pb, router},
    app,
    moderation::{PseudonymKey, queue::LeaseTerms},
    scoring::Snapshot,
    store::{
        SharedStore,
        memory::MemoryStore,
        sled::{SledOptions, SledStore},
    },
    types::{ApiKey, Clock, KeyId, Policy, Role, SiteId, SystemClock},
};
use tokio::{net::TcpListener, sync::oneshot};
use tokio_stream::wrappers::TcpListenerStream;

/// The key of every call.
pub(crate) const KEY: &str = "tamis_bench.secret";

/// A server on a thread of its own.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    cpu: Box<dyn Fn() -> f64 + Send>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    fn start<F: Future<Output = ()>>(
        serve: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                tell.send((listener.local_addr().expect("an address"), super::clock::own_cpu()))
                    .expect("somebody waits");
                serve(listener, stopped).await;
            });
        });
        let (address, cpu) = told.recv().expect("the server starts");
        Self { address, cpu: Box::new(cpu), stop, thread }
    }

    /// Seconds that its thread has worked.
    pub(crate) fn cpu(&self) -> f64 {
        (self.cpu)()
    }

    /// Stops it and waits.
    pub(crate) fn stop(self) {
        let _ = self.stop.send(());
        self.thread.join().expect("the server does not panic");
    }
}

/// A server that does nothing.
pub(crate) fn echo() -> Running {
    Running::start(|listener, stopped| async {
        let service = pb::scoring_service_server::ScoringServiceServer::new(super::echo::Echo);
        let incoming = TcpListenerStream::new(listener);
        tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming_shutdown(incoming, async { drop(stopped.await) })
            .await
            .expect("serves");
    })
}

/// The service on a store in memory.
pub(crate) fn in_memory(snapshot: Snapshot) -> Running {
    tamis(snapshot, Arc::new(MemoryStore::new()))
}

/// The service on a store on disk.
pub(crate) fn on_disk(snapshot: Snapshot, folder: &Path) -> Running {
    tamis(snapshot, Arc::new(SledStore::open(folder, SledOptions::default()).expect("a store")))
}

fn tamis(snapshot: Snapshot, store: SharedStore) -> Running {
    Running::start(|listener, stopped| async move {
        let key = ApiKey {
            id: KeyId::new("bench").expect("an id"),
            digest: Sha256::digest(b"secret").into(),
            role: Role::Admin,
            site: None,
            note: String::new(),
            created_at: SystemClock.now(),
            expires_at: None,
            revoked_at: None,
            person: None,
        };
        store.put_key(key).await.expect("keeps the key");
        let services = app::services(store, snapshot, PseudonymKey::new([7; 32]), LeaseTerms::default());
        let site = SiteId::new("news").expect("an id");
        services
            .sites
            .create(site, String::new(), Vec::new(), Policy::default(), tamis::types::QueueRules::default())
            .await
            .expect("makes the site");
        let server = router(services, Options::default()).await.expect("puts it together");
        server.health().set(true).await;
        server.serve(listener, async { drop(stopped.await) }).await.expect("serves");
    })
}
