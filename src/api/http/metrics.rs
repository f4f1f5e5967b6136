//! `/metrics`: what the service tells about itself, for Prometheus.
//!
//! May import: `observe`.

use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use http::{HeaderMap, header};

use crate::observe::{Metrics, format};

/// The page, in the format that the scraper asks for.
pub(super) async fn page(State(metrics): State<Arc<Metrics>>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let format = format(accept);
    ([(header::CONTENT_TYPE, format.content_type())], metrics.page(format))
}
