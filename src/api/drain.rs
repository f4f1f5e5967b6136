//! Ends streams that would never end by themselves when the server stops.
//!
//! A health watcher keeps its stream open for days; without this every stop would
//! wait for the whole drain time. May import: `api::error`.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http_body::Frame;
use prost::bytes::Bytes;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Status, body::Body};

use super::error::ApiError;

/// Wraps the body of an answer so that it ends with UNAVAILABLE when `stop` is
/// cancelled, after what is ready to be sent.
pub(super) fn ending(body: Body, stop: CancellationToken) -> Body {
    Body::new(Ending { inner: body, stop: Box::pin(stop.cancelled_owned()), ended: false })
}

struct Ending {
    inner: Body,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    ended: bool,
}

impl http_body::Body for Ending {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            return Poll::Ready(frame);
        }
        if self.stop.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.ended = true;
        let mut trailers = http::HeaderMap::new();
        let status = Status::from(ApiError::ShuttingDown);
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::poll_fn;
    use http_body::Body as _;

    use super::*;

    struct Endless;
    impl http_body::Body for Endless {
        type Data = Bytes;
        type Error = Status;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn an_endless_answer_ends_with_the_server() {
        let stop = CancellationToken::new();
        let mut body = ending(Body::new(Endless), stop.clone());
        assert!(futures_util::poll!(poll_fn(|cx| Pin::new(&mut body).poll_frame(cx))).is_pending());
        stop.cancel();
        let last = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.unwrap().unwrap();
        assert_eq!(last.trailers_ref().unwrap().get("grpc-status").unwrap(), "14");
        assert!(poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.is_none());
    }
}
