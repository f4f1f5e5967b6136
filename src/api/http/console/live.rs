//! What happens in the queue, as server-sent events (HTML Living Standard, 9.2).
//!
//! The same stream as the RPC `WatchQueue`: each event once and in order, and a browser
//! that lost its connection goes on after the last it saw. May import: `api::grpc`.

use std::convert::Infallible;

use axum::{
    Extension,
    extract::{Path, State},
    response::{
        IntoResponse as _, Response,
        sse::{Event, Sse},
    },
};
use futures_util::StreamExt as _;
use http::HeaderMap;

use super::Console;
use crate::api::{
    auth::Caller,
    convert::queue::WatchCall,
    http::{answer::Refusal, rpc},
};

/// `GET /console/s/{site}/events`.
pub(super) async fn events(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Path(site): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let site = console.site(&caller, &site).await?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).unwrap_or("");
    let call = WatchCall::read("WatchQueue", &format!("sites/{site}"), last)?;
    let messages = match console.watchers.queue(caller.actor().clone(), call).await {
        Ok(messages) => messages,
        Err(status) => {
            let (code, body) = rpc::refusal(&status);
            return Ok((code, axum::Json(body)).into_response());
        }
    };
    // An error ends the stream; the browser comes back by itself.
    let told =
        messages.take_while(|message| std::future::ready(message.is_ok())).filter_map(|message| async move {
            let message = message.ok()?;
            let data = rpc::write("WatchQueueResponse", &message)?;
            Some(Ok::<_, Infallible>(Event::default().id(&message.resume_token).data(data.to_string())))
        });
    Ok(Sse::new(told).into_response())
}
