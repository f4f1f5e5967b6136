//! The protobuf codec of the service: prost, with unreadable bytes as the
//! caller's error.
//!
//! tonic-prost answers INTERNAL when a message does not decode, which tells a
//! caller who sent invalid UTF-8 that the server is broken. Here it is
//! INVALID_ARGUMENT with a reason. Generated clients share the codec, so a Rust
//! client of this crate sees the same code for a broken answer.
//!
//! May import: `api::{error, status}`.

use std::marker::PhantomData;

use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder},
};
use tonic_prost::ProstEncoder;

use super::error::ApiError;

/// Encodes `T`, decodes `U`.
#[derive(Debug)]
pub struct ProtoCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for ProtoCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for ProtoCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ProtoDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProtoDecoder(PhantomData)
    }
}

/// Decodes `U`.
#[derive(Debug)]
pub struct ProtoDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for ProtoDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::decode(buffer).map(Some).map_err(|error| ApiError::Unreadable(error).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::pb;
    use prost::bytes::Bytes;
    use tonic::{Code, codec::Streaming};
    use tonic_types::StatusExt as _;

    /// One uncompressed gRPC message.
    fn framed(payload: &[u8]) -> Bytes {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend(payload);
        bytes.into()
    }

    #[tokio::test]
    async fn unreadable_bytes_are_the_callers_error() {
        // Field 1 (`parent`), two bytes that are no UTF-8.
        let cases: [(&str, &[u8]); 2] =
            [("invalid UTF-8", &[0x0a, 2, 0xff, 0xfe]), ("a truncated field", &[0x0a, 9, b'x'])];
        for (name, payload) in cases {
            let body = tonic::body::Body::new(FullBody(Some(framed(payload))));
            let decoder = ProtoCodec::<(), pb::ScoreCommentRequest>::default().decoder();
            let mut stream = Streaming::new_request(decoder, body, None, None);
            let status = stream.message().await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{name}");
            assert!(status.message().starts_with("request is not valid protobuf"), "{name}");
            let details = status.get_error_details();
            assert_eq!(details.error_info().unwrap().reason, "REQUEST_UNREADABLE", "{name}");
        }
    }

    struct FullBody(Option<Bytes>);

    impl http_body::Body for FullBody {
        type Data = Bytes;
        type Error = Status;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
            std::task::Poll::Ready(self.0.take().map(|bytes| Ok(http_body::Frame::data(bytes))))
        }
    }
}
