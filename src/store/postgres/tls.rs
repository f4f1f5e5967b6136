//! TLS to the server, by rustls.
//!
//! May import: `store`.

use std::path::Path;

use hyper_rustls::ConfigBuilderExt as _;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::StoreError;

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Backend { doing: "preparing TLS to PostgreSQL", source: source.into() }
}

/// A connector that trusts the certificates in a PEM file, or those of the system.
pub(super) fn connector(roots: Option<&Path>) -> Result<MakeRustlsConnect, StoreError> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let config = match roots {
        Some(path) => {
            let mut store = RootCertStore::empty();
            for certificate in
                CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?
            {
                store.add(certificate.map_err(|error| failed(error.to_string()))?).map_err(failed)?;
            }
            builder.with_root_certificates(store).with_no_client_auth()
        }
        None => builder.with_native_roots().map_err(failed)?.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}
