//! One HTTP post: two seconds at most, no redirect, and no more of the answer read
//! than its status.
//!
//! May import: nothing of ours.

use std::time::Duration;

use http::{Request, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as Legacy, connect::HttpConnector},
    rt::TokioExecutor,
};
use prost::bytes::Bytes;

/// Time for one post, connection included.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What sends posts.
#[derive(Clone, Debug)]
pub(super) struct Client(Legacy<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Client {
    /// A client that trusts the authorities that this machine trusts.
    pub(super) fn new() -> Self {
        let builder = match HttpsConnectorBuilder::new().with_native_roots() {
            Ok(builder) => builder,
            Err(error) => {
                tracing::warn!(%error, "no certificate authorities: webhooks reach loopback only");
                HttpsConnectorBuilder::new().with_tls_config(
                    rustls::ClientConfig::builder()
                        .with_root_certificates(rustls::RootCertStore::empty())
                        .with_no_client_auth(),
                )
            }
        };
        // Schemes were checked when targets were read.
        let connector = builder.https_or_http().enable_http1().build();
        Self(Legacy::builder(TokioExecutor::new()).pool_max_idle_per_host(1).build(connector))
    }

    /// Posts JSON. A redirect is an answer like any other: it is not followed.
    ///
    /// # Errors
    ///
    /// In a few words: no connection, no answer in time, or a status other than 2xx.
    pub(super) async fn post(
        &self,
        uri: &Uri,
        (delivery, signature): (&str, &str),
        body: Vec<u8>,
    ) -> Result<(), String> {
        let request = Request::post(uri.clone())
            .header("content-type", "application/json")
            .header("user-agent", "tamis")
            .header("tamis-delivery", delivery)
            .header("tamis-signature", signature)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        match tokio::time::timeout(TIMEOUT, self.0.request(request)).await {
            Err(_) => Err("no answer within 2 s".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
            Ok(Ok(answer)) => Err(format!("answered {}", answer.status())),
        }
    }
}
