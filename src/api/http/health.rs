//! `/healthz`: the process answers. `/readyz`: the node can do its work now, the same
//! that `grpc.health.v1` says.
//!
//! May import: `api::health`.

use axum::extract::State;
use http::StatusCode;

use crate::api::health::ServingHealth;

/// Alive: whoever can read this needs no restart.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Ready: 200 while the store passes its checks and no stop was asked for, else 503.
pub(super) async fn ready(State(health): State<ServingHealth>) -> (StatusCode, &'static str) {
    if health.serves() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
