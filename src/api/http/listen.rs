//! Connections of the HTTP door: accepted within limits, encrypted where configured,
//! ended gracefully.
//!
//! HTTP/1.1 only: a browser that needs many streams at once comes through a proxy, and
//! what is not spoken cannot be attacked. May import: `api::{incoming, limits}`.

use std::{net::SocketAddr, pin::pin, sync::Arc};

use axum::Router;
use futures_util::StreamExt as _;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected as _;
use tower::ServiceExt as _;

use crate::api::{
    incoming::{self, Connection},
    limits::{HTTP_HEAD_TIMEOUT, HTTP_HEADER_BYTES, HTTP_HEADERS, TLS_HANDSHAKE_TIMEOUT},
};

/// Where HTTP comes in.
pub struct HttpDoor {
    /// The socket.
    pub listener: TcpListener,
    /// Certificate and key; without them the connection is not encrypted.
    pub tls: Option<Arc<ServerConfig>>,
}

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) Option<SocketAddr>);

/// Serves until `stop` is cancelled, then closes the listener and waits for requests
/// in flight; dropping the future leaves them.
pub(in crate::api) async fn serve(
    door: HttpDoor,
    routes: Router,
    (connections, per_address): (usize, usize),
    stop: CancellationToken,
) {
    let HttpDoor { listener, tls } = door;
    let tls = tls.map(TlsAcceptor::from);
    let mut open = JoinSet::new();
    {
        let mut incoming = pin!(incoming::connections(listener, connections, per_address));
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = open.join_next(), if !open.is_empty() => {}
                Some(Ok(connection)) = incoming.next() => {
                    open.spawn(attend(connection, tls.clone(), routes.clone(), stop.clone()));
                }
                else => break,
            }
        }
    }
    while open.join_next().await.is_some() {}
}

async fn attend(connection: Connection, tls: Option<TlsAcceptor>, routes: Router, stop: CancellationToken) {
    let peer = Peer(connection.connect_info().remote_addr);
    let Some(tls) = tls else { return converse(connection, peer, routes, stop).await };
    match tokio::time::timeout(TLS_HANDSHAKE_TIMEOUT, tls.accept(connection)).await {
        Ok(Ok(stream)) => converse(stream, peer, routes, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

async fn converse<I>(io: I, peer: Peer, routes: Router, stop: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send,
{
    let service = service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        routes.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HTTP_HEAD_TIMEOUT)
        .max_buf_size(HTTP_HEADER_BYTES)
        .max_headers(HTTP_HEADERS)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "HTTP connection ended early");
    }
}
