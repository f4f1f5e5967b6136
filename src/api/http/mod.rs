//! The HTTP door: health for balancers and, behind sign-in, the moderators' console.
//!
//! It stands beside gRPC in the same process, with a listener and limits of its own and
//! the same use cases behind it. Every request passes one guard that asks the role
//! table in `routes`; a path without a row is not served, whatever the router holds.
//!
//! May import: `moderation`.

mod answer;
mod console;
mod cookie;
mod guard;
mod health;
mod listen;
mod metrics;
pub mod routes;
mod rpc;

use std::sync::Arc;

use axum::{Router, middleware, routing::get};

use super::health::ServingHealth;
use crate::observe::Metrics;

pub(super) use console::{Console, Throttle};
pub(super) use guard::Guard;
pub use listen::HttpDoor;
pub(super) use listen::serve;
pub(super) use rpc::Rpc;

/// Everything the door answers, behind its guard.
pub(super) fn router(guard: Guard, health: ServingHealth, metrics: Arc<Metrics>, console: Console) -> Router {
    let health = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .with_state(health);
    let metrics = Router::new().route("/metrics", get(metrics::page)).with_state(metrics);
    Router::new()
        .merge(health)
        .merge(metrics)
        .merge(console::routes(console))
        .fallback(answer::nothing_there)
        .layer(middleware::from_fn_with_state(guard, guard::pass))
}
