//! The one gate in front of all services: deadline, key and role, load, message
//! size, in this order and in one place.
//!
//! The key is checked before a permit is taken, so that strangers hold none. A
//! path without a row in `methods` passes through to tonic, which answers
//! UNIMPLEMENTED. May import: `moderation` (keys).

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use http::HeaderValue;
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};
use tower::{Layer, Service};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    auth::{self, Caller},
    deadline, drain,
    error::ApiError,
    message_size,
    methods::{self, Access, Method},
    shed::Limiter,
    status::Failure,
};
use crate::{moderation::Keys, observe::Metrics};

type Request = http::Request<Body>;
type Response = http::Response<Body>;

/// Puts the gate in front of a service.
#[derive(Clone)]
pub(super) struct GateLayer {
    /// Who may come in.
    pub(super) keys: Arc<Keys>,
    /// How many at a time.
    pub(super) limiter: Limiter,
    /// Cancelled when the server is about to stop.
    pub(super) stop: CancellationToken,
    /// What calls are counted in.
    pub(super) metrics: Arc<Metrics>,
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;
    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, layer: self.clone() }
    }
}

/// A service behind the gate.
#[derive(Clone)]
pub(super) struct Gate<S> {
    inner: S,
    layer: GateLayer,
}

impl<S> Service<Request> for Gate<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The service that was polled ready does the call; its clone waits for the next.
        let ready = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, ready);
        let layer = self.layer.clone();
        Box::pin(async move { Ok(layer.pass(ready, request).await) })
    }
}

impl GateLayer {
    async fn pass<S>(self, mut inner: S, request: Request) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        let Some(method) = methods::find(request.uri().path()) else {
            return done(inner.call(request).await);
        };
        self.recorded(inner, request, method, None).await
    }

    /// Does the call of somebody whom another door let in.
    pub(super) async fn pass_as<S>(
        &self,
        caller: Caller,
        inner: S,
        request: Request,
        method: &'static Method,
    ) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        self.recorded(inner, request, method, Some(caller)).await
    }

    async fn recorded<S>(
        &self,
        inner: S,
        request: Request,
        method: &'static Method,
        known: Option<Caller>,
    ) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        let (began, metrics) = (Instant::now(), Arc::clone(&self.metrics));
        // Every log line of a call carries its id; the caller gets it to quote.
        let id = Uuid::now_v7();
        let span = tracing::info_span!("call", request_id = %id, method = method.path);
        let mut response = self.run(inner, request, method, known).instrument(span).await;
        let code = response.headers().get("grpc-status").and_then(|code| code.to_str().ok()?.parse().ok());
        let code = tonic::Code::from_i32(code.unwrap_or_default());
        metrics.call(method.path, code_name(code), began.elapsed());
        if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert("x-request-id", id);
        }
        response
    }

    async fn run<S>(
        &self,
        inner: S,
        request: Request,
        method: &'static Method,
        known: Option<Caller>,
    ) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        let result = match deadline::budget(request.headers(), method.deadline) {
            None => self.admit(inner, request, method, known).await,
            Some(time) => match tokio::time::timeout(time, self.admit(inner, request, method, known)).await {
                Ok(result) => result,
                Err(_) => Err(ApiError::TimedOut(time).into()),
            },
        };
        result.unwrap_or_else(|failure| {
            tracing::debug!(reason = failure.reason, "call refused");
            if failure.reason == "OVERLOADED" {
                self.metrics.shed();
            }
            Status::from(failure).into_http()
        })
    }

    async fn admit<S>(
        &self,
        mut inner: S,
        mut request: Request,
        method: &'static Method,
        known: Option<Caller>,
    ) -> Result<Response, Failure>
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        let caller = match known {
            Some(caller) => Some(caller.again(method.access)?),
            None => auth::admit(&self.keys, method.access, request.headers()).await?,
        };
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let _permit = if method.counted { Some(self.limiter.admit().await?) } else { None };
        let request = request.map(|body| message_size::limited(body, method.message_bytes));
        let response = done(inner.call(request).await);
        // Our own stream ends itself, after the answers it owes.
        let foreign_stream = method.deadline.is_none() && method.access == Access::Public;
        Ok(if foreign_stream {
            response.map(|body| drain::ending(body, self.stop.clone()))
        } else {
            response
        })
    }
}

/// The name of a code in metrics.
const fn code_name(code: tonic::Code) -> &'static str {
    use tonic::Code as C;
    match code {
        C::Ok => "OK",
        C::Cancelled => "CANCELLED",
        C::Unknown => "UNKNOWN",
        C::InvalidArgument => "INVALID_ARGUMENT",
        C::DeadlineExceeded => "DEADLINE_EXCEEDED",
        C::NotFound => "NOT_FOUND",
        C::AlreadyExists => "ALREADY_EXISTS",
        C::PermissionDenied => "PERMISSION_DENIED",
        C::ResourceExhausted => "RESOURCE_EXHAUSTED",
        C::FailedPrecondition => "FAILED_PRECONDITION",
        C::Aborted => "ABORTED",
        C::OutOfRange => "OUT_OF_RANGE",
        C::Unimplemented => "UNIMPLEMENTED",
        C::Internal => "INTERNAL",
        C::Unavailable => "UNAVAILABLE",
        C::DataLoss => "DATA_LOSS",
        C::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The answer of a service that cannot fail.
fn done(result: Result<Response, Infallible>) -> Response {
    match result {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
