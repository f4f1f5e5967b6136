//! Refuses a message that is too large for its method as soon as its frame says
//! so, before its bytes are collected.
//!
//! tonic's limit holds for a whole service and answers OUT_OF_RANGE; here each
//! method has its own and the caller is told both numbers. What a compressed
//! message grows to is still bounded by tonic. May import: `api::error`.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http_body::{Frame, SizeHint};
use prost::bytes::Bytes;
use tonic::{Status, body::Body};

use super::error::ApiError;

/// A gRPC message starts with a compression flag and its length, big-endian.
const PREFIX_BYTES: usize = 5;

/// Wraps a request body so that no message in it exceeds `limit` bytes.
pub(super) fn limited(body: Body, limit: usize) -> Body {
    Body::new(Limited { inner: body, frames: Frames::new(limit) })
}

/// Follows the frames of a body without keeping its bytes.
#[derive(Debug)]
struct Frames {
    limit: usize,
    prefix: [u8; PREFIX_BYTES],
    /// Bytes of the prefix read so far.
    read: usize,
    /// Bytes of the message still to come.
    left: usize,
}

impl Frames {
    const fn new(limit: usize) -> Self {
        Self { limit, prefix: [0; PREFIX_BYTES], read: 0, left: 0 }
    }

    /// Follows `data`. `O(messages)`, not `O(bytes)`.
    fn follow(&mut self, mut data: &[u8]) -> Result<(), ApiError> {
        while let Some((&first, rest)) = data.split_first() {
            if self.left > 0 {
                let skip = self.left.min(data.len());
                self.left -= skip;
                data = data.get(skip..).unwrap_or_default();
                continue;
            }
            if let Some(slot) = self.prefix.get_mut(self.read) {
                *slot = first;
                self.read += 1;
            }
            data = rest;
            if self.read == PREFIX_BYTES {
                let [_, a, b, c, d] = self.prefix;
                let bytes = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                if bytes > self.limit {
                    return Err(ApiError::TooLarge { bytes, limit: self.limit });
                }
                (self.read, self.left) = (0, bytes);
            }
        }
        Ok(())
    }
}

struct Limited {
    inner: Body,
    frames: Frames,
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Err(error) = self.frames.follow(data)
        {
            return Poll::Ready(Some(Err(error.into())));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(sizes: &[u32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for size in sizes {
            bytes.push(0);
            bytes.extend(size.to_be_bytes());
            bytes.extend(vec![0xff; *size as usize]);
        }
        bytes
    }

    proptest! {
        /// Messages are told apart wherever the chunks are cut.
        #[test]
        fn any_chunking_sees_the_same_messages(
            sizes in prop::collection::vec(0u32..40, 0..8),
            chunk in 1usize..16,
            limit in 0usize..40,
        ) {
            let mut frames = Frames::new(limit);
            let bytes = framed(&sizes);
            let result = bytes.chunks(chunk).try_for_each(|part| frames.follow(part));
            let too_large = sizes.iter().find(|size| **size as usize > limit);
            match (result, too_large) {
                (Ok(()), None) => {}
                (Err(ApiError::TooLarge { bytes, .. }), Some(size)) => {
                    prop_assert_eq!(bytes, *size as usize);
                }
                (got, want) => prop_assert!(false, "{:?} for {:?}", got, want),
            }
        }
    }
}
