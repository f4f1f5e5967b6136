//! What a verdict was made from that cannot be found again later: so that it can be
//! judged again to the same bits, and by other models, rules and policies.
//!
//! Counts of authors, texts and domains move on, articles change, request facts are not
//! kept. Their effect on scoring is: as the measured signals, packed. About 100 bytes a
//! verdict. Holds no raw personal data. May import: nothing of ours.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

use super::{Action, Policy};

/// Bytes that are stored as such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed(pub Vec<u8>);

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Packed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Packed, E> {
        Ok(Packed(bytes.to_vec()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Packed, E> {
        Ok(Packed(bytes))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Packed, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Ok(Packed(bytes))
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// What a verdict was made from, besides its comment and versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The signals as measured, packed by `features`.
    pub signals: Packed,
    /// Names of the live rules that matched, in the order of evaluation.
    pub rules: Vec<String>,
    /// Approvals and rejections of exactly this text so far.
    pub text: Option<(u32, u32)>,
    /// Whether there was an article or a parent that the comment could be off.
    pub could_stray: bool,
    /// Whether the hidden field was filled in.
    pub honeypot: Option<bool>,
    /// Seconds between showing the form and posting it.
    pub form_seconds: Option<f32>,
    /// The section of the article.
    pub section: Option<String>,
    /// The thresholds that decided.
    pub policy: Policy,
    /// What scoring said, before people's word on the comment, its author or its like.
    pub scored: Action,
}
