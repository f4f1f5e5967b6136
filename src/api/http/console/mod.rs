//! The moderators' console: pages written here, scripts that only act on them.
//!
//! Pages come whole from the server, so what a comment says is escaped in one place,
//! by the templates. Scripts fetch the next piece of page and put it in as it is parsed,
//! which runs nothing, and change things through the RPCs. A page works within one site.
//!
//! May import: `types`, `moderation`, `store` (answers of use cases).

mod asked;
mod assets;
mod calls;
mod campaigns;
mod card;
mod filter;
mod focus;
mod frame;
mod health;
mod keepers;
mod list;
mod live;
mod names;
mod range;
mod sign_in;
mod strings;
mod text;
mod throttle;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};

use super::{answer::Refusal, rpc::Rpc};
use crate::{
    api::{auth::Caller, grpc::Watchers},
    moderation::{Articles, Keys, QueueDesk, Sessions, Sites},
    types::Role,
};

/// What the pages need.
#[derive(Clone)]
pub(in crate::api) struct Console {
    pub(in crate::api) queue: Arc<QueueDesk>,
    pub(in crate::api) articles: Arc<Articles>,
    pub(in crate::api) sites: Arc<Sites>,
    pub(in crate::api) keys: Arc<Keys>,
    pub(in crate::api) sessions: Arc<Sessions>,
    pub(in crate::api) watchers: Watchers,
    pub(in crate::api) rpc: Rpc,
    pub(in crate::api) throttle: Arc<Throttle>,
}

pub(in crate::api) use throttle::Throttle;

/// The routes of the console.
pub(super) fn routes(console: Console) -> Router {
    Router::new()
        .route("/console", get(start))
        .route("/console/", get(start))
        .route("/console/assets/{hash}/{name}", get(assets::serve))
        .route("/console/csp-report", post(calls::reported))
        .route("/console/sign-in", get(sign_in::ask).post(sign_in::enter))
        .route("/console/sign-out", post(sign_in::leave))
        .route("/console/s/{site}/focus", get(focus::page))
        .route("/console/s/{site}/next", post(focus::next))
        .route("/console/s/{site}/items/{id}", get(focus::item))
        .route("/console/s/{site}/list", get(list::page))
        .route("/console/s/{site}/range", get(range::page))
        .route("/console/s/{site}/range/sample", get(range::sample))
        .route("/console/s/{site}/campaigns", get(campaigns::list))
        .route("/console/s/{site}/campaigns/{id}", get(campaigns::page))
        .route("/console/s/{site}/rules", get(keepers::rules))
        .route("/console/s/{site}/models", get(keepers::models))
        .route("/console/s/{site}/policy", get(keepers::policy))
        .route("/console/s/{site}/health", get(health::page))
        .route("/console/s/{site}/events", get(live::events))
        .route("/console/api/{service}/{method}", post(calls::call))
        .with_state(console)
}

/// `GET /console/`: the first site's work.
async fn start(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Refusal> {
    let sites = console.sites_of(&caller).await?;
    let view = if caller.actor().role == Role::Ops { "health" } else { "focus" };
    Ok(match sites.first() {
        Some((site, _)) => Redirect::to(&format!("/console/s/{site}/{view}")).into_response(),
        None => (http::StatusCode::NOT_FOUND, "there is no site yet\n").into_response(),
    })
}
