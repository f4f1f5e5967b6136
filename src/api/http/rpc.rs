//! Calls RPCs in process on behalf of somebody who signed in: protobuf's JSON in,
//! protobuf's JSON out.
//!
//! A call goes through the gRPC door's own gate and handlers, so the role table, the
//! checks of every field, the use case and the refusals are the same for the console
//! as for a client of another language. May import: `api::{gate, methods, pb}`.

use std::sync::LazyLock;

use http_body_util::BodyExt as _;
use prost::{Message as _, bytes::Bytes};
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, SerializeOptions};
use serde_json::{Value, json};
use tonic::{Code, Status, body::Body, service::Routes};
use tonic_types::StatusExt as _;

use crate::api::{
    auth::Caller,
    gate::GateLayer,
    limits::ANSWER_MESSAGE_BYTES,
    methods::{self, Method},
    pb,
};

/// The descriptors of our own services.
static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(pb::FILE_DESCRIPTOR_SET).expect("the built-in descriptors"));

/// Bytes before each message: compressed or not, and its length.
const FRAME_BYTES: usize = 5;

/// The gRPC services, in process.
#[derive(Clone)]
pub(in crate::api) struct Rpc {
    pub(in crate::api) routes: Routes,
    pub(in crate::api) gate: GateLayer,
}

impl Rpc {
    /// Calls `tamis.v1.{service}/{method}` with a request in JSON.
    ///
    /// # Errors
    ///
    /// What the door, the gate or the use case refuse, as the status that any client
    /// would get.
    pub(super) async fn call(
        &self,
        caller: Caller,
        (service, method): (&str, &str),
        request: &[u8],
    ) -> Result<Value, Status> {
        let unknown = || Status::unimplemented("no such method");
        let path = format!("/tamis.v1.{service}/{method}");
        let row = methods::find(&path).filter(|row| row.deadline.is_some()).ok_or_else(unknown)?;
        let method = described(service, method).ok_or_else(unknown)?;
        let message = read(&method, request)?;
        let answer = self.exchange(caller, row, &path, message).await?;
        let answer = DynamicMessage::decode(method.output(), answer).map_err(|error| {
            tracing::error!(%error, path, "an answer is no message of its method");
            Status::internal("internal error")
        })?;
        let options = SerializeOptions::new().skip_default_fields(true);
        answer
            .serialize_with_options(serde_json::value::Serializer, &options)
            .map_err(|_| Status::internal("internal error"))
    }

    async fn exchange(
        &self,
        caller: Caller,
        row: &'static Method,
        path: &str,
        message: Vec<u8>,
    ) -> Result<Bytes, Status> {
        let mut framed = Vec::with_capacity(FRAME_BYTES + message.len());
        framed.push(0);
        framed.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
        framed.extend(message);
        let request = http::Request::post(path)
            .header(http::header::CONTENT_TYPE, "application/grpc")
            .header(http::header::TE, "trailers")
            .body(Body::new(http_body_util::Full::new(Bytes::from(framed)).map_err(|never| match never {})))
            .map_err(|_| Status::unimplemented("no such method"))?;
        let response = self.gate.pass_as(caller, self.routes.clone(), request, row).await;
        if let Some(status) = Status::from_header_map(response.headers())
            && status.code() != Code::Ok
        {
            return Err(status);
        }
        let body = http_body_util::Limited::new(response.into_body(), ANSWER_MESSAGE_BYTES + FRAME_BYTES);
        let body = body.collect().await.map_err(|_| Status::internal("internal error"))?;
        if let Some(status) = body.trailers().and_then(Status::from_header_map)
            && status.code() != Code::Ok
        {
            return Err(status);
        }
        let mut bytes = body.to_bytes();
        if bytes.len() < FRAME_BYTES {
            return Err(Status::internal("internal error"));
        }
        Ok(bytes.split_off(FRAME_BYTES))
    }
}

fn described(service: &str, method: &str) -> Option<MethodDescriptor> {
    let service = POOL.get_service_by_name(&format!("tamis.v1.{service}"))?;
    service.methods().find(|known| known.name() == method)
}

/// The bytes of a request in JSON; an empty one is the empty message.
fn read(method: &MethodDescriptor, request: &[u8]) -> Result<Vec<u8>, Status> {
    let request = if request.is_empty() { b"{}" } else { request };
    let mut json = serde_json::Deserializer::from_slice(request);
    let message = DynamicMessage::deserialize(method.input(), &mut json)
        .and_then(|message| json.end().map(|()| message))
        .map_err(|error| Status::invalid_argument(format!("the request is not valid JSON: {error}")))?;
    Ok(message.encode_to_vec())
}

/// A message as protobuf's own JSON.
pub(super) fn write(kind: &str, message: &impl prost::Message) -> Option<Value> {
    let descriptor = POOL.get_message_by_name(&format!("tamis.v1.{kind}"))?;
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).ok()?;
    serde_json::to_value(&dynamic).ok()
}

/// A refusal as JSON, with the HTTP code of its gRPC code.
pub(super) fn refusal(status: &Status) -> (http::StatusCode, Value) {
    let details = status.get_error_details();
    let info = details.error_info();
    let fields: Vec<Value> = details
        .bad_request()
        .map(|bad| bad.field_violations.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|one| json!({ "field": one.field, "description": one.description }))
        .collect();
    let retry = details.retry_info().and_then(|info| info.retry_delay).map(|delay| delay.as_secs_f64());
    let code = http_code(status.code());
    let body = json!({ "error": {
        "code": code.as_u16(),
        "status": format!("{:?}", status.code()),
        "reason": info.map(|info| info.reason.clone()).unwrap_or_default(),
        "message": status.message(),
        "fields": fields,
        "instead": info.map(|info| json!(info.metadata)).unwrap_or_default(),
        "retry_after": retry,
        "incident": details.request_info().map(|info| info.request_id.clone()),
    }});
    (code, body)
}

/// The HTTP code of a gRPC code, as `status::codes` pairs them.
const fn http_code(code: Code) -> http::StatusCode {
    use http::StatusCode as Http;
    match code {
        Code::Ok => Http::OK,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => Http::BAD_REQUEST,
        Code::Unauthenticated => Http::UNAUTHORIZED,
        Code::PermissionDenied => Http::FORBIDDEN,
        Code::NotFound => Http::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => Http::CONFLICT,
        Code::ResourceExhausted => Http::TOO_MANY_REQUESTS,
        Code::Unavailable => Http::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => Http::GATEWAY_TIMEOUT,
        Code::Unimplemented => Http::NOT_FOUND,
        Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss => Http::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_strictly() {
        let method = described("QueueService", "RenewLease").unwrap();
        let bytes = read(&method, br#"{"name":"sites/a/queueItems/b","leaseToken":"7"}"#).unwrap();
        let request = pb::RenewLeaseRequest::decode(bytes.as_slice()).unwrap();
        assert_eq!((request.name.as_str(), request.lease_token), ("sites/a/queueItems/b", 7));
        for bad in ["{", "[]", r#"{"nme":"x"}"#, r#"{"leaseToken":"x"}"#, "{} {}"] {
            assert_eq!(read(&method, bad.as_bytes()).unwrap_err().code(), Code::InvalidArgument, "{bad}");
        }
        assert!(read(&method, b"").unwrap().is_empty());
        assert!(described("QueueService", "Nothing").is_none());
    }
}
