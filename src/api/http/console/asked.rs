//! What pages ask of RPCs: answers as plain values, refusals as any client gets them.
//!
//! Views of services that have their own messages read those, so a page shows what the
//! API says and nothing besides. May import: nothing more.

use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tonic::Status;

use super::Console;
use crate::api::{
    auth::Caller,
    http::{answer::Refusal, rpc},
};

/// A refusal on its way to a browser.
pub(super) struct Refused(Response);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.into_response())
    }
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        let (code, body) = rpc::refusal(&status);
        Self((code, axum::Json(body)).into_response())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Console {
    /// The answer of an RPC.
    ///
    /// # Errors
    ///
    /// What the RPC refuses.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        name: (&str, &str),
        request: Value,
    ) -> Result<T, Status> {
        let answer = self.rpc.call(caller.clone(), name, request.to_string().as_bytes()).await?;
        serde_json::from_value(answer).map_err(|error| {
            tracing::error!(%error, service = name.0, method = name.1, "a page cannot read an answer");
            Status::internal("internal error")
        })
    }
}

/// The last part of a resource name.
pub(super) fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The end of an enum's constant as words: `RULE_STATE_LIVE` after `RULE_STATE_`.
pub(super) fn constant(prefix: &str, name: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).trim_start_matches('_').replace('_', " ").to_lowercase()
}
