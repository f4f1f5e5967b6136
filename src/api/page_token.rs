//! Opaque page tokens: where the next page starts, bound to the list it belongs to.
//!
//! A token carries the cursor, a hash of everything else that was asked for, and
//! a checksum. It is no secret and needs no signature: a forged cursor shows
//! nothing that the caller could not list anyway. May import: `api::error`.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use prost::Message;
use sha2::{Digest as _, Sha256};

use super::error::ApiError;

/// First byte of every token; another layout gets another number.
const VERSION: u8 = 1;
const BINDING_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 4;
/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 512;

/// The list that tokens belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListBinding([u8; BINDING_BYTES]);

impl ListBinding {
    /// Binds to a list. `request` must be the request with its page token, page
    /// size and view taken out: those may change from page to page.
    pub(super) fn new(method: &str, request: &impl Message) -> Self {
        let mut hash = Sha256::new();
        hash.update(method.as_bytes());
        hash.update([0]);
        hash.update(request.encode_to_vec());
        let digest: [u8; 32] = hash.finalize().into();
        let mut binding = [0; BINDING_BYTES];
        binding.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(binding)
    }

    /// The token of a cursor; empty at the end of the list.
    pub(super) fn issue(self, cursor: Option<&[u8]>) -> String {
        let Some(cursor) = cursor else { return String::new() };
        let mut bytes = vec![VERSION];
        bytes.extend(self.0);
        bytes.extend(cursor);
        bytes.extend(crc32c::crc32c(&bytes).to_be_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor of a token; `None` for the first page.
    ///
    /// # Errors
    ///
    /// [`ApiError::PageToken`] when it was not issued by this server, or for
    /// another list.
    pub(super) fn read(self, token: &str) -> Result<Option<Vec<u8>>, ApiError> {
        const FOREIGN: ApiError = ApiError::PageToken("is not one that this server gave out");
        if token.is_empty() {
            return Ok(None);
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(FOREIGN);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| FOREIGN)?;
        let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(FOREIGN)?;
        if crc32c::crc32c(body).to_be_bytes() != *checksum {
            return Err(FOREIGN);
        }
        let (&[VERSION], body) = body.split_first_chunk().ok_or(FOREIGN)? else { return Err(FOREIGN) };
        let (binding, cursor) = body.split_first_chunk::<BINDING_BYTES>().ok_or(FOREIGN)?;
        if *binding != self.0 {
            return Err(ApiError::PageToken("belongs to another list: filter or parent changed"));
        }
        Ok(Some(cursor.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::pb;

    fn binding(parent: &str) -> ListBinding {
        ListBinding::new(
            "ListVerdicts",
            &pb::ListVerdictsRequest { parent: parent.to_owned(), ..Default::default() },
        )
    }

    #[test]
    fn tokens_come_back_only_for_their_list() {
        let token = binding("sites/a").issue(Some(b"cursor"));
        assert_eq!(binding("sites/a").read(&token).unwrap().as_deref(), Some(&b"cursor"[..]));
        assert!(matches!(binding("sites/b").read(&token), Err(ApiError::PageToken(_))));
        assert_eq!(binding("sites/a").issue(None), "");
        assert_eq!(binding("sites/a").read("").unwrap(), None);
        for foreign in ["x", "AAAA", "not base64!", &"A".repeat(10_000)] {
            assert!(binding("sites/a").read(foreign).is_err(), "{foreign}");
        }
    }

    proptest! {
        /// No token with a changed byte is accepted.
        #[test]
        fn any_byte_flip_is_refused(
            cursor in prop::collection::vec(any::<u8>(), 0..40),
            at in any::<prop::sample::Index>(),
            change in 1u8..=255,
        ) {
            let mut token = binding("sites/a").issue(Some(&cursor)).into_bytes();
            let at = at.index(token.len());
            token[at] ^= change;
            if let Ok(token) = String::from_utf8(token) {
                prop_assert!(binding("sites/a").read(&token).is_err());
            }
        }
    }
}
