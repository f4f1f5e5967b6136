//! Names of things: one type per kind, checked when made.
//!
//! Ids that clients choose are short printable strings; ids that the server
//! makes are UUIDv7 (RFC 9562), so they sort by time and are never reused.
//!
//! May import: nothing of ours.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Nothing was given.
    #[error("must not be empty")]
    Empty,
    /// More bytes than allowed.
    #[error("must be at most {max} bytes, got {got}")]
    TooLong {
        /// Most bytes allowed.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// A character outside the alphabet of this id.
    #[error("may hold only {allowed}")]
    BadCharacter {
        /// The alphabet, in words.
        allowed: &'static str,
    },
    /// Not a UUID.
    #[error("must be a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")]
    NotUuid,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:literal, $allowed:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            ///
            /// [`InvalidId`] when it is empty, too long, or holds other characters.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                let ok: fn(char) -> bool = $ok;
                match text {
                    "" => Err(InvalidId::Empty),
                    _ if text.len() > $max => Err(InvalidId::TooLong { max: $max, got: text.len() }),
                    _ if !text.chars().all(ok) => Err(InvalidId::BadCharacter { allowed: $allowed }),
                    _ => Ok(Self(text.into())),
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }
    };
}

text_id!(
    /// A tenant, chosen by the operator: `[a-z0-9-]`, 1 to 63 bytes.
    SiteId, 63, "a-z, 0-9 and -", |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);
text_id!(
    /// A model bundle: the hexadecimal hash of its content.
    ModelId, 64, "a-z and 0-9", |c| c.is_ascii_lowercase() || c.is_ascii_digit()
);
text_id!(
    /// A frozen set of labelled comments, named by the operator: `[a-z0-9-]`, 1 to 63 bytes.
    FrozenSetName, 63, "a-z, 0-9 and -", |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);
text_id!(
    /// A rule set: the first 16 hexadecimal digits of its content hash.
    RuleSetId, 16, "0-9 and a-f", |c| c.is_ascii_digit() || ('a'..='f').contains(&c)
);

impl SiteId {
    /// The name under which rows of the installation are kept: models, jobs and their audit
    /// chain belong to no tenant. No caller can make it, so no site has it.
    #[must_use]
    pub fn installation() -> Self {
        Self("_".into())
    }
}
text_id!(
    /// An article, named by the CMS: 1 to 200 printable bytes without `/` and white space.
    ArticleId, 200, "printable characters without / and white space",
    |c| !c.is_control() && !c.is_whitespace() && c != '/'
);
text_id!(
    /// A comment, named by the CMS: 1 to 200 printable bytes without `/` and white space.
    CommentId, 200, "printable characters without / and white space",
    |c| !c.is_control() && !c.is_whitespace() && c != '/'
);
text_id!(
    /// A named queue of a site: `[a-z0-9-]`, 1 to 63 bytes.
    QueueName, 63, "a-z, 0-9 and -", |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);
text_id!(
    /// The public part of an API key: `[a-z0-9]`, 1 to 32 bytes. Not a secret.
    KeyId, 32, "a-z and 0-9", |c| c.is_ascii_lowercase() || c.is_ascii_digit()
);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(Uuid);

        impl $name {
            /// Reads the hyphenated form.
            ///
            /// # Errors
            ///
            /// [`InvalidId::Empty`] or [`InvalidId::NotUuid`].
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                if text.is_empty() {
                    return Err(InvalidId::Empty);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId::NotUuid)
            }

            /// Sixteen bytes, big-endian: byte order is id order.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id with these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A recorded verdict. Made by the server; sorts by time.
    VerdictId
);
uuid_id!(
    /// One report of what a comment really was. Made by the server; sorts by time.
    FeedbackId
);
uuid_id!(
    /// A queue item: the id of the first verdict that put its comment into the queue.
    QueueItemId
);
uuid_id!(
    /// A decision. Made by the server; sorts by time.
    DecisionId
);
uuid_id!(
    /// Decisions made in one go.
    BatchId
);
uuid_id!(
    /// An author's appeal. Made by the server; sorts by time.
    AppealId
);
uuid_id!(
    /// A campaign. Made by the server; sorts by time.
    CampaignId
);
uuid_id!(
    /// Whatever says what a comment really was: a decision or a report on a verdict.
    RulingId
);
uuid_id!(
    /// A training or an evaluation. Made by the server; sorts by time.
    JobId
);
uuid_id!(
    /// Chosen by a client so that a retry is recognised (AIP-155).
    RequestId
);

macro_rules! made_by_the_server {
    ($($name:ident),*) => {$(
        impl $name {
            /// A new id, later than every id made before by this process.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }
    )*};
}

made_by_the_server!(VerdictId, FeedbackId, DecisionId, BatchId, AppealId, CampaignId, JobId);

impl From<VerdictId> for QueueItemId {
    fn from(first: VerdictId) -> Self {
        Self(first.0)
    }
}

impl From<DecisionId> for RulingId {
    fn from(decision: DecisionId) -> Self {
        Self(decision.0)
    }
}

impl From<FeedbackId> for RulingId {
    fn from(feedback: FeedbackId) -> Self {
        Self(feedback.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked() {
        assert_eq!(SiteId::new(""), Err(InvalidId::Empty));
        assert!(SiteId::new("daily-news").is_ok());
        assert!(matches!(SiteId::new("Daily"), Err(InvalidId::BadCharacter { .. })));
        assert!(matches!(ArticleId::new("a/b"), Err(InvalidId::BadCharacter { .. })));
        assert!(matches!(CommentId::new(&"x".repeat(201)), Err(InvalidId::TooLong { max: 200, got: 201 })));
        assert_eq!(RequestId::parse("nope"), Err(InvalidId::NotUuid));
    }

    #[test]
    fn generated_ids_grow() {
        let ids: Vec<_> = (0..1000).map(|_| VerdictId::generate()).collect();
        assert!(ids.windows(2).all(|w| w[0] < w[1]));
    }
}
