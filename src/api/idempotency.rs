//! A client's `request_id` with the hash of what it was sent with.
//!
//! The hash is taken over the request's own protobuf encoding without its id.
//! prost writes fields by number and our messages hold no maps, so the same
//! request always gives the same bytes. May import: `types`, `store`.

use prost::Message;
use sha2::{Digest as _, Sha256};

use crate::{
    store::RequestMark,
    types::{InvalidId, KeyId, RequestId},
};

/// A request id and the hash of its request, not yet bound to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Promise {
    id: RequestId,
    payload: [u8; 32],
}

impl Promise {
    /// The promise of a request, or `None` when it has no id. `request` must be
    /// the request with its id taken out; `method` keeps requests of different
    /// methods apart.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when the id is no UUID.
    pub(super) fn new(method: &str, id: &str, request: &impl Message) -> Result<Option<Self>, InvalidId> {
        if id.is_empty() {
            return Ok(None);
        }
        let id = RequestId::parse(id)?;
        let mut hash = Sha256::new();
        hash.update(method.as_bytes());
        hash.update([0]);
        hash.update(request.encode_to_vec());
        Ok(Some(Self { id, payload: hash.finalize().into() }))
    }

    /// The mark that storage keeps: ids of different keys never meet.
    pub(super) fn by(self, actor: &KeyId) -> RequestMark {
        RequestMark { actor: actor.clone(), id: self.id, payload: self.payload }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::pb;

    const ID: &str = "7b0c4f9e-3a63-4d2b-9a55-0d6d2a6f1c11";

    #[test]
    fn the_hash_covers_method_and_content() {
        let request = |body: &str| pb::ScoreCommentRequest {
            parent: "sites/news".to_owned(),
            comment: Some(pb::Comment { body: body.to_owned(), ..Default::default() }),
            request_id: String::new(),
        };
        let promise = |method, body| Promise::new(method, ID, &request(body)).unwrap().unwrap();
        assert_eq!(promise("Score", "hello"), promise("Score", "hello"));
        assert_ne!(promise("Score", "hello"), promise("Score", "hello!"));
        assert_ne!(promise("Score", "hello"), promise("Report", "hello"));
        assert_eq!(Promise::new("Score", "", &request("hello")), Ok(None));
        assert_eq!(Promise::new("Score", "again", &request("hello")), Err(InvalidId::NotUuid));
    }
}
