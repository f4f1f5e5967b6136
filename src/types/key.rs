//! API keys at rest and the roles they carry.
//!
//! Holds no secret: only the digest of one. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{KeyId, SiteId, Timestamp};

/// What a key may do; `api::auth` has the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A content management system: scores, puts articles, reports feedback.
    Cms,
    /// A person who decides comments.
    Moderator,
    /// A moderator who also sets policy.
    Lead,
    /// Runs the service: models, rules, health.
    Ops,
    /// Everything, on every site.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Cms, Self::Moderator, Self::Lead, Self::Ops, Self::Admin];

    /// The name on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cms => "cms",
            Self::Moderator => "moderator",
            Self::Lead => "lead",
            Self::Ops => "ops",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A key as stored: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Public part; the part of the key before the dot.
    pub id: KeyId,
    /// SHA-256 of the secret. The secret has 256 random bits, so a fast hash is
    /// enough: there is nothing to guess.
    pub digest: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// The site it is bound to; `None` means every site.
    pub site: Option<SiteId>,
    /// Whose it is, in the operator's words.
    pub note: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Present when a person signs in under this id instead of presenting a secret.
    #[serde(default)]
    pub person: Option<Person>,
}

/// A person who signs in. Their id is their name at the sign-in; role, site and end are
/// those of the key they are kept as, and so is their place in the audit chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Name shown to colleagues.
    pub display_name: String,
    /// Argon2id hash of the password in PHC form; `None` for people who sign in with
    /// an identity provider only.
    pub password: Option<String>,
    /// E-mail address by which an identity provider knows them, in lower case.
    pub email: Option<String>,
}

impl ApiKey {
    /// Whether it works at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
