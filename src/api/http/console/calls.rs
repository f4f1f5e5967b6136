//! What scripts send: calls of RPCs, and browsers' reports of what a page was kept from.
//!
//! May import: nothing more.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};

use super::Console;
use crate::api::{auth::Caller, http::rpc};

/// `POST /console/api/{service}/{method}`.
pub(super) async fn call(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Path((service, method)): Path<(String, String)>,
    request: Bytes,
) -> Response {
    match console.rpc.call(caller, (&service, &method), &request).await {
        Ok(answer) => Json(answer).into_response(),
        Err(status) => {
            let (code, body) = rpc::refusal(&status);
            let wait = body.pointer("/error/retry_after").and_then(serde_json::Value::as_f64);
            let mut response = (code, Json(body)).into_response();
            if let Some(seconds) = wait {
                let header = HeaderValue::from(seconds.ceil().max(1.0) as u64);
                response.headers_mut().insert(header::RETRY_AFTER, header);
            }
            response
        }
    }
}

/// `POST /console/csp-report`: something on a page wanted what the policy forbids.
pub(super) async fn reported(report: Bytes) -> StatusCode {
    // The report names what was blocked; it may hold an address, never a comment.
    let read = serde_json::from_slice::<serde_json::Value>(&report).unwrap_or_default();
    let report = read.get("csp-report").or_else(|| read.pointer("/0/body")).unwrap_or(&read);
    let text = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| report.get(name)?.as_str());
        found.unwrap_or("").chars().filter(|c| !c.is_control()).take(200).collect::<String>()
    };
    tracing::warn!(
        directive = text(["effective-directive", "effectiveDirective"]),
        blocked = text(["blocked-uri", "blockedURL"]),
        "a page was kept from something"
    );
    StatusCode::NO_CONTENT
}
