//! Values of rows: an envelope around MessagePack.
//!
//! `format byte, payload, CRC32C of key and format and payload`. The key is under
//! the checksum, so a value that turns up under another key is found. Fields are
//! written in order without their names, which would be half of a verdict: a new
//! field goes to the end of its struct with `#[serde(default)]`, and an older row
//! reads as before. A payload above [`MAX_INLINE`] is stored in pieces under chunk
//! keys, in the same batch. Small rows that are many share one: `packs`.
//!
//! May import: `types`, `store`.

use std::borrow::Cow;

use ::sled::IVec;
use serde::{Serialize, de::DeserializeOwned};

use super::{Key, StoreError};

/// Most bytes of a payload in one row. A leaf of the tree holds at most 19 rows
/// between splits, and a page above 128 KiB goes to a file of its own in `blobs/`
/// that sled never syncs: 19 full rows must stay below that.
pub(super) const MAX_INLINE: usize = 6_000;

const WHOLE: u8 = 1;
const SPLIT: u8 = 2;
const PIECE: u8 = 3;
const PACK: u8 = 4;
const CRC_BYTES: usize = 4;

/// Where rows are read from.
pub(super) trait Rows {
    /// The stored bytes of a row.
    fn raw(&self, key: &Key) -> Result<Option<IVec>, StoreError>;
}

/// The rows that store a value, the one under `key` itself first.
pub(super) fn encode<T: Serialize>(key: &Key, value: &T) -> Result<Vec<(Key, IVec)>, StoreError> {
    encode_bytes(key, &bytes(value)?)
}

/// The payload of a value.
pub(super) fn bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec(value)
        .map_err(|source| StoreError::Backend { doing: "encoding a row", source: source.into() })
}

/// As [`encode`], for a value that is bytes already.
pub(super) fn encode_bytes(key: &Key, payload: &[u8]) -> Result<Vec<(Key, IVec)>, StoreError> {
    if payload.len() <= MAX_INLINE {
        return Ok(vec![(key.clone(), seal(key, WHOLE, payload))]);
    }
    let too_large = || StoreError::Backend {
        doing: "encoding a row",
        source: format!("{} of {} bytes is too large", key.what(), payload.len()).into(),
    };
    let len = u32::try_from(payload.len()).map_err(|_| too_large())?;
    let head = [len.to_be_bytes(), crc32c::crc32c(payload).to_be_bytes()].concat();
    let mut rows = vec![(key.clone(), seal(key, SPLIT, &head))];
    for (number, piece) in payload.chunks(MAX_INLINE).enumerate() {
        let key = key.chunk(u16::try_from(number).map_err(|_| too_large())?);
        let sealed = seal(&key, PIECE, piece);
        rows.push((key, sealed));
    }
    Ok(rows)
}

/// A row that holds others.
///
/// # Errors
///
/// [`StoreError::Backend`] when they are more than [`MAX_INLINE`] bytes.
pub(super) fn encode_pack(key: &Key, packed: &[u8]) -> Result<(Key, IVec), StoreError> {
    if packed.len() > MAX_INLINE {
        let source = format!("a pack of {} bytes is too large", packed.len()).into();
        return Err(StoreError::Backend { doing: "encoding a row", source });
    }
    Ok((key.clone(), seal(key, PACK, packed)))
}

fn seal(key: &Key, format: u8, payload: &[u8]) -> IVec {
    let mut bytes = Vec::with_capacity(1 + payload.len() + CRC_BYTES);
    bytes.push(format);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&checksum(key, &bytes).to_be_bytes());
    bytes.into()
}

fn checksum(key: &Key, sealed: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key.as_bytes()), sealed)
}

/// Format and payload, if the checksum holds.
fn unseal<'a>(key: &Key, stored: &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (sealed, crc) = stored.split_last_chunk::<CRC_BYTES>()?;
    let (format, payload) = sealed.split_first()?;
    (checksum(key, sealed) == u32::from_be_bytes(*crc)).then_some((*format, payload))
}

/// The value stored under `key`.
///
/// # Errors
///
/// [`StoreError::Damaged`] when checksum, pieces or shape are wrong.
pub(super) fn load<T: DeserializeOwned>(rows: &impl Rows, key: &Key) -> Result<Option<T>, StoreError> {
    rows.raw(key)?.map(|stored| decode(rows, key, &stored)).transpose()
}

/// The value in a row that was read already; further pieces are read from `rows`.
pub(super) fn decode<T: DeserializeOwned>(
    rows: &impl Rows,
    key: &Key,
    stored: &[u8],
) -> Result<T, StoreError> {
    let payload = payload(rows, key, stored)?;
    rmp_serde::from_slice(&payload).map_err(|_| damaged(key))
}

/// The bytes of a value in a row that was read already.
pub(super) fn payload<'a>(
    rows: &impl Rows,
    key: &Key,
    stored: &'a [u8],
) -> Result<Cow<'a, [u8]>, StoreError> {
    let (format, payload) = unseal(key, stored).ok_or_else(|| damaged(key))?;
    match format {
        WHOLE => Ok(Cow::Borrowed(payload)),
        SPLIT => join(rows, key, payload).map(Cow::Owned),
        _ => Err(damaged(key)),
    }
}

/// The packed rows in a stored row; `None` when it is a row of its own.
pub(super) fn pack<'a>(key: &Key, stored: &'a [u8]) -> Result<Option<&'a [u8]>, StoreError> {
    match unseal(key, stored) {
        Some((PACK, packed)) => Ok(Some(packed)),
        Some(_) => Ok(None),
        None => Err(damaged(key)),
    }
}

fn join(rows: &impl Rows, key: &Key, head: &[u8]) -> Result<Vec<u8>, StoreError> {
    let (len, crc) = head_of(head).ok_or_else(|| damaged(key))?;
    let mut whole = Vec::new();
    for number in 0..pieces_of(len) {
        let key = key.chunk(number);
        let stored = rows.raw(&key)?.ok_or_else(|| damaged(&key))?;
        match unseal(&key, &stored) {
            Some((PIECE, piece)) => whole.extend_from_slice(piece),
            _ => return Err(damaged(&key)),
        }
    }
    let fits = whole.len() == len as usize && crc32c::crc32c(&whole) == crc;
    if fits { Ok(whole) } else { Err(damaged(key)) }
}

fn head_of(head: &[u8]) -> Option<(u32, u32)> {
    let (len, crc) = head.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*len), u32::from_be_bytes(crc.try_into().ok()?)))
}

fn pieces_of(len: u32) -> u16 {
    u16::try_from((len as usize).div_ceil(MAX_INLINE)).unwrap_or(u16::MAX)
}

/// How many pieces a stored row has besides itself; 0 when it is damaged.
pub(super) fn pieces(key: &Key, stored: &[u8]) -> u16 {
    match unseal(key, stored) {
        Some((SPLIT, head)) => head_of(head).map_or(0, |(len, _)| pieces_of(len)),
        _ => 0,
    }
}

/// Whether a stored row of any format has the right checksum.
pub(super) fn is_sound(key: &Key, stored: &[u8]) -> bool {
    unseal(key, stored).is_some_and(|(format, _)| [WHOLE, SPLIT, PIECE, PACK].contains(&format))
}

/// The error that names a row.
pub(super) fn damaged(key: &Key) -> StoreError {
    StoreError::Damaged { what: key.what(), key: key.hex() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::types::{SiteId, VerdictId};
    use proptest::prelude::*;

    impl Rows for BTreeMap<Key, IVec> {
        fn raw(&self, key: &Key) -> Result<Option<IVec>, StoreError> {
            Ok(self.get(key).cloned())
        }
    }

    fn key(id: u8) -> Key {
        Key::verdict(&SiteId::new("daily").unwrap(), VerdictId::from_bytes([id; 16]))
    }

    fn stored(value: &(u64, Vec<String>)) -> BTreeMap<Key, IVec> {
        encode(&key(1), value).unwrap().into_iter().collect()
    }

    type Value = (u64, Vec<String>);

    #[test]
    fn no_row_is_larger_than_a_leaf_can_take() {
        let rows = stored(&(1, vec!["x".repeat(300_000)]));
        assert_eq!(rows.len(), 1 + 300_007_usize.div_ceil(MAX_INLINE));
        assert!(rows.values().all(|row| 19 * (row.len() + 300) < 128 * 1024));
        assert_eq!(usize::from(pieces(&key(1), &rows[&key(1)])), rows.len() - 1);
    }

    #[test]
    fn an_older_row_lacks_what_was_added_at_the_end() {
        #[derive(Serialize)]
        struct Older {
            name: String,
            at: (u32, u32),
        }
        #[derive(serde::Deserialize, Debug, PartialEq)]
        struct Newer {
            name: String,
            at: (u32, u32),
            #[serde(default)]
            added: Vec<String>,
        }
        let rows: BTreeMap<_, _> =
            encode(&key(1), &Older { name: "n".into(), at: (1, 2) }).unwrap().into_iter().collect();
        let read = load::<Newer>(&rows, &key(1)).unwrap().unwrap();
        assert_eq!(read, Newer { name: "n".into(), at: (1, 2), added: Vec::new() });
    }

    #[test]
    fn a_value_under_another_key_is_damaged() {
        let rows = stored(&(1, vec![]));
        let moved: BTreeMap<_, _> = [(key(2), rows[&key(1)].clone())].into();
        assert!(matches!(load::<Value>(&moved, &key(2)), Err(StoreError::Damaged { what: "verdict", .. })));
        assert_eq!(load::<Value>(&moved, &key(1)).unwrap(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What is stored reads back, whole or in pieces.
        #[test]
        fn values_round_trip(n in any::<u64>(), texts in prop::collection::vec(".{0,40}", 0..6), big in 0usize..30_000) {
            let mut texts = texts;
            texts.push("b".repeat(big));
            let value = (n, texts);
            prop_assert_eq!(load::<Value>(&stored(&value), &key(1)).unwrap(), Some(value));
        }

        /// One flipped bit anywhere in any row is found; so is a missing piece.
        #[test]
        fn damage_is_found(big in 0usize..20_000, at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let rows = stored(&(7, vec!["b".repeat(big)]));
            for hit in rows.keys() {
                let mut broken = rows.clone();
                let mut bytes = broken[hit].to_vec();
                bytes[at.index(rows[hit].len())] ^= 1 << bit;
                broken.insert(hit.clone(), bytes.into());
                prop_assert!(load::<Value>(&broken, &key(1)).is_err());
                broken.remove(hit);
                prop_assert!(!matches!(load::<Value>(&broken, &key(1)), Ok(Some(_))));
            }
        }

        /// Any bytes are read without a panic.
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let rows: BTreeMap<_, _> = [(key(1), IVec::from(bytes))].into();
            prop_assert!(load::<Value>(&rows, &key(1)).is_err());
        }
    }
}
