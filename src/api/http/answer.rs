//! Failures as HTTP answers: the codes, reasons and words of the gRPC door, as JSON.
//!
//! May import: `api::{status, error}`.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::api::status::{Failure, codes};

/// A failure on its way out.
pub(super) struct Refusal(pub(super) Failure);

impl<E: Into<Failure>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Failure { kind, reason, message, violations, resource, incident } = &self.0;
        let (code, status) = codes(*kind);
        let fields: Vec<_> =
            violations.iter().map(|v| json!({ "field": v.field, "description": v.description })).collect();
        let instead: serde_json::Map<_, _> = resource
            .iter()
            .flat_map(|resource| &resource.instead)
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        let body = json!({ "error": {
            "code": status.as_u16(),
            "status": format!("{code:?}"),
            "reason": reason,
            "message": message,
            "fields": fields,
            "instead": instead,
            "incident": incident.map(|id| id.to_string()),
        }});
        let mut response = (status, Json(body)).into_response();
        if let Some(after) = self.0.retry_after() {
            let seconds = after.as_secs().max(1);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The answer to a path that leads nowhere.
pub(super) async fn nothing_there() -> Response {
    (StatusCode::NOT_FOUND, "nothing there\n").into_response()
}
