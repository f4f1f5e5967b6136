//! The one guard in front of every route: row, time, caller and role, load, size.
//!
//! May import: `moderation` (keys).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, header};

use super::{
    answer::{self, Refusal},
    routes::{self, Route},
};
use crate::{
    api::{auth, error::ApiError, shed::Limiter},
    moderation::Keys,
};

/// What the guard asks.
#[derive(Clone)]
pub(in crate::api) struct Guard {
    /// Who may come in.
    pub(in crate::api) keys: Arc<Keys>,
    /// How many at a time, over both doors.
    pub(in crate::api) limiter: Limiter,
}

/// Headers of every answer: nothing is sniffed, framed, referred to or kept by others.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Lets a request through, or answers it.
pub(super) async fn pass(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let route = path.and_then(|path| routes::find(request.method(), path.as_str()));
    let mut response = match route {
        None => answer::nothing_there().await,
        Some(route) => {
            let result = match route.deadline {
                None => guard.admit(route, request, next).await,
                Some(time) => match tokio::time::timeout(time, guard.admit(route, request, next)).await {
                    Ok(result) => result,
                    Err(_) => Err(ApiError::TimedOut(time).into()),
                },
            };
            result.unwrap_or_else(|refusal| {
                tracing::debug!(route = route.path, reason = refusal.0.reason, "request refused");
                refusal.into_response()
            })
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

impl Guard {
    async fn admit(&self, route: &Route, mut request: Request, next: Next) -> Result<Response, Refusal> {
        if let Some(caller) = auth::admit(&self.keys, route.access, request.headers()).await? {
            request.extensions_mut().insert(caller);
        }
        let _permit = if route.counted { Some(self.limiter.admit().await?) } else { None };
        let request = request.map(|body| Body::new(http_body_util::Limited::new(body, route.body_bytes)));
        Ok(next.run(request).await)
    }
}
