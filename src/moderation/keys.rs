//! API keys: made, shown once, recognised, revoked.
//!
//! A key is `tamis_<id>.<secret>`: the id finds the record, the secret (256 random
//! bits) is kept as SHA-256 only and compared in constant time.
//!
//! May import: `types`, `store`.

use std::{collections::HashMap, fmt, time::Duration};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::types::{ApiKey, KeyId, Role, SiteId, Timestamp};

use super::{Desk, ModerationError};

/// How long a key read from the store is trusted: a revocation made by another
/// process works within this time, one made by this process at once.
const FRESH: Duration = Duration::from_secs(2);
/// Keys kept in memory.
const MAX_CACHED: usize = 10_000;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The key.
    pub key: KeyId,
    /// What it may do.
    pub role: Role,
    /// The site it is bound to; `None` means every site.
    pub site: Option<SiteId>,
}

/// A whole key. Shown once; never logged: `Debug` hides it.
#[derive(Clone)]
pub struct Secret(String);

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Keys.
pub struct Keys {
    pub(super) desk: Desk,
    cache: Mutex<HashMap<KeyId, (ApiKey, Timestamp)>>,
}

impl Keys {
    /// Keys kept at a desk.
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        Self { desk, cache: Mutex::default() }
    }

    /// Makes a key.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn create(
        &self,
        role: Role,
        site: Option<SiteId>,
        note: String,
        expires_at: Option<Timestamp>,
    ) -> Result<(ApiKey, Secret), ModerationError> {
        let bytes: [u8; 40] = rand::random();
        let (id, secret) = bytes.split_at(8);
        let text = |b: &[u8]| b.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let (id, secret) = (text(id), text(secret));
        let key = ApiKey {
            id: KeyId::new(&id).expect("hexadecimal digits are an id"),
            digest: Sha256::digest(secret.as_bytes()).into(),
            role,
            site,
            note,
            created_at: self.desk.clock.now(),
            expires_at,
            revoked_at: None,
            person: None,
        };
        self.desk.store.put_key(key.clone()).await?;
        Ok((key, Secret(format!("tamis_{id}.{secret}"))))
    }

    /// Who presents this key.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Unauthenticated`], whatever is wrong with it.
    pub async fn authenticate(&self, presented: &str) -> Result<Actor, ModerationError> {
        let parts = presented.strip_prefix("tamis_").and_then(|rest| rest.split_once('.'));
        let (id, secret) = parts.ok_or(ModerationError::Unauthenticated)?;
        let id = KeyId::new(id).map_err(|_| ModerationError::Unauthenticated)?;
        let key = self.find(&id).await?;
        let digest: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        // An unknown id is compared too, so that it takes as long as a wrong secret.
        let same: bool = key.as_ref().map_or([0; 32], |k| k.digest).ct_eq(&digest).into();
        match key {
            // People sign in; what is kept of theirs is no digest of a secret.
            Some(key) if same && key.person.is_none() && key.is_live(self.desk.clock.now()) => {
                Ok(Actor { key: key.id, role: key.role, site: key.site })
            }
            _ => Err(ModerationError::Unauthenticated),
        }
    }

    /// Whether a caller's key still holds, with the role and site that it had: for calls
    /// that last. As fresh as [`Keys::authenticate`].
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn still_holds(&self, actor: &Actor) -> Result<bool, ModerationError> {
        let (key, now) = (self.find(&actor.key).await?, self.desk.clock.now());
        Ok(key.is_some_and(|key| key.is_live(now) && key.role == actor.role && key.site == actor.site))
    }

    pub(super) async fn find(&self, id: &KeyId) -> Result<Option<ApiKey>, ModerationError> {
        let now = self.desk.clock.now();
        if let Some((key, read)) = self.cache.lock().get(id)
            && now.since(*read) < FRESH
        {
            return Ok(Some(key.clone()));
        }
        let key = self.desk.store.key(id).await?;
        let mut cache = self.cache.lock();
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        if let Some(key) = &key {
            cache.insert(id.clone(), (key.clone(), now));
        }
        Ok(key)
    }

    /// Another node changed a key: what is remembered of it is void.
    pub fn forget(&self, id: &KeyId) {
        self.cache.lock().remove(id);
    }

    /// All keys, by id.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn list(&self) -> Result<Vec<ApiKey>, ModerationError> {
        Ok(self.desk.store.keys().await?)
    }

    /// Revokes a key; again is no error.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownKey`].
    pub async fn revoke(&self, id: &KeyId) -> Result<ApiKey, ModerationError> {
        let key = self.desk.store.key(id).await?;
        let mut key = key.ok_or_else(|| ModerationError::UnknownKey(id.clone()))?;
        key.revoked_at.get_or_insert(self.desk.clock.now());
        self.replace(key.clone()).await?;
        Ok(key)
    }

    /// Keeps a key that changed, and forgets what is remembered of it.
    pub(super) async fn replace(&self, key: ApiKey) -> Result<(), ModerationError> {
        let id = key.id.clone();
        self.desk.store.put_key(key).await?;
        self.cache.lock().remove(&id);
        Ok(())
    }
}
