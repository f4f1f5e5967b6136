//! One HTTP post: two seconds at most, no redirect, and no more of the answer read
//! than its status.
//!
//! May import: nothing of ours.

use std::{path::Path, time::Duration};

use http::{Request, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, builderstates::WantsSchemes};
use hyper_util::{
    client::legacy::{Client as Legacy, connect::HttpConnector},
    rt::TokioExecutor,
};
use prost::bytes::Bytes;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// Time for one post, connection included.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What sends posts.
#[derive(Clone, Debug)]
pub(super) struct Client(Legacy<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Client {
    /// A client that trusts the authorities in a file, or else those that this machine
    /// trusts.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub(super) fn new(authorities: Option<&Path>) -> Result<Self, String> {
        if let Some(file) = authorities {
            let mut roots = rustls::RootCertStore::empty();
            let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
                let certificate = certificate.map_err(|error| wrong(&error))?;
                roots.add(certificate).map_err(|error| wrong(&error))?;
            }
            if roots.is_empty() {
                return Err(wrong(&"holds no certificate"));
            }
            return Ok(Self::with(HttpsConnectorBuilder::new().with_tls_config(trusting(roots))));
        }
        let builder = match HttpsConnectorBuilder::new().with_native_roots() {
            Ok(builder) => builder,
            Err(error) => {
                tracing::warn!(%error, "no certificate authorities: webhooks reach loopback only");
                HttpsConnectorBuilder::new().with_tls_config(trusting(rustls::RootCertStore::empty()))
            }
        };
        Ok(Self::with(builder))
    }

    /// Schemes were checked when targets were read.
    fn with(builder: HttpsConnectorBuilder<WantsSchemes>) -> Self {
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

/// TLS that trusts these authorities.
fn trusting(roots: rustls::RootCertStore) -> rustls::ClientConfig {
    rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
}
