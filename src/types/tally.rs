//! Counts of what was seen and decided, kept per author, address, domain and text.
//!
//! The counts are the service's memory between retrainings: a decided text
//! changes the verdict of its copies at once, an author's record weighs on
//! their next comment. Knows nothing of stores. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TallyKind {
    /// The author, by the CMS's id or else by name.
    Author,
    /// The network of the client: IPv4 /24 or IPv6 /64.
    Network,
    /// The registrable domain of a link.
    Domain,
    /// The domain of the author's e-mail address.
    EmailDomain,
    /// The folded text of the comment.
    Text,
}

impl TallyKind {
    /// One byte for keys; never changes for a kind.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Author => b'a',
            Self::Network => b'n',
            Self::Domain => b'd',
            Self::EmailDomain => b'e',
            Self::Text => b't',
        }
    }
}

/// Names one count of a site. The value counted is present only as a keyed
/// digest, so the count holds no personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TallyKey {
    /// What is counted.
    pub kind: TallyKind,
    /// First 16 bytes of HMAC-SHA-256 of the value under the site's pseudonym key.
    pub digest: [u8; 16],
}

/// One count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Comments seen.
    pub seen: u32,
    /// Of those, approved by a person.
    pub approved: u32,
    /// Of those, rejected by a person.
    pub rejected: u32,
    /// First seen.
    pub first_seen: Timestamp,
    /// Last seen.
    pub last_seen: Timestamp,
}
