//! People who sign in with a name and a password: added, given a new password, recognised.
//!
//! A person is kept as a key whose secret is a password, so role, site, end, revocation
//! and the place in the audit chain are the same for both. Passwords are kept as
//! Argon2id (RFC 9106) with the library's parameters (19 MiB, two passes, one lane: the
//! second of OWASP's recommended settings), and checked on the pool for blocking work, a
//! few at a time, so that a flood of guesses cannot take all memory.
//!
//! May import: `types`, `store`.

use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::{
    store::StoreError,
    types::{ApiKey, KeyId, Person, Role, SiteId, Timestamp},
};

use super::{Actor, Keys, ModerationError};

/// Fewest characters of a password (NIST SP 800-63B asks for 8; people choose freely).
pub const MIN_PASSWORD: usize = 10;
/// Most bytes of a password.
const MAX_PASSWORD: usize = 256;
/// Passwords checked at a time: each takes 19 MiB and some hundredths of a second.
static CHECKS: Semaphore = Semaphore::const_new(2);
/// What an unknown name's password is compared with, so that it takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody has this password").unwrap_or_default());

/// Somebody to be added.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Name at the sign-in: 2 to 15 of a-z and 0-9, a letter first.
    pub name: String,
    /// Name shown to colleagues; the sign-in name when empty.
    pub display_name: String,
    /// What they may do; every role but `cms`.
    pub role: Role,
    /// The site they are bound to; `None` means every site.
    pub site: Option<SiteId>,
    /// The password; `None` for people who sign in with an identity provider only.
    pub password: Option<String>,
    /// E-mail address by which an identity provider knows them.
    pub email: Option<String>,
    /// Until when they may sign in.
    pub expires_at: Option<Timestamp>,
}

impl Keys {
    /// Adds a person.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Field`] for a name that is taken or no name, a short password,
    /// a role that does not moderate, an address that somebody has.
    pub async fn add_person(&self, new: NewPerson) -> Result<ApiKey, ModerationError> {
        let NewPerson { name, display_name, role, site, password, email, expires_at } = new;
        let id = sign_in_name(&name)?;
        let email = email.map(|email| email.trim().to_lowercase()).filter(|email| !email.is_empty());
        if role == Role::Cms {
            return Err(field("role", "must be moderator, lead, ops or admin"));
        }
        if self.find(&id).await?.is_some_and(|known| known.revoked_at.is_none()) {
            return Err(field("name", "is taken"));
        }
        if let Some(email) = &email
            && self.by_email(email).await?.is_some()
        {
            return Err(field("email", "belongs to somebody already"));
        }
        let password = match password {
            Some(password) => Some(hashed(checked(password)?).await?),
            None if email.is_none() => return Err(field("password", "must be given, or an e-mail address")),
            None => None,
        };
        let display_name = if display_name.trim().is_empty() { name } else { display_name };
        let key = ApiKey {
            id,
            digest: [0; 32],
            role,
            site,
            note: display_name.clone(),
            created_at: self.desk.clock.now(),
            expires_at,
            revoked_at: None,
            person: Some(Person { display_name, password, email }),
        };
        self.replace(key.clone()).await?;
        Ok(key)
    }

    /// Gives a person a new password; their sessions end.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownKey`], [`ModerationError::Field`].
    pub async fn set_password(&self, id: &KeyId, password: String) -> Result<(), ModerationError> {
        let unknown = || ModerationError::UnknownKey(id.clone());
        let mut key = self.desk.store.key(id).await?.ok_or_else(unknown)?;
        let person = key.person.as_mut().ok_or_else(unknown)?;
        person.password = Some(hashed(checked(password)?).await?);
        self.replace(key).await
    }

    /// Everybody who signs in, by name, also who may not any more.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn people(&self) -> Result<Vec<ApiKey>, ModerationError> {
        Ok(self.list().await?.into_iter().filter(|key| key.person.is_some()).collect())
    }

    /// Who signs in with this name and password. Takes the same time whatever is wrong.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Unauthenticated`].
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<Actor, ModerationError> {
        let found = match KeyId::new(&name.trim().to_lowercase()) {
            Ok(id) => self.find(&id).await?,
            Err(_) => None,
        };
        let kept = found.as_ref().and_then(|key| key.person.as_ref()?.password.clone());
        let known = kept.is_some();
        let same = matches(kept, password.to_owned()).await?;
        match found {
            Some(key) if known && same && key.is_live(self.desk.clock.now()) => {
                Ok(Actor { key: key.id, role: key.role, site: key.site })
            }
            _ => Err(ModerationError::Unauthenticated),
        }
    }

    /// Who has this address, as a trusted identity provider has verified it.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Unauthenticated`] when nobody has, or may not any more.
    pub async fn sign_in_as(&self, email: &str) -> Result<Actor, ModerationError> {
        let found = self.by_email(&email.trim().to_lowercase()).await?;
        let key = found.ok_or(ModerationError::Unauthenticated)?;
        Ok(Actor { key: key.id, role: key.role, site: key.site })
    }

    /// Names by which colleagues know the holders of these keys: `(id, name)`.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Store`].
    pub async fn display_name(&self, id: &KeyId) -> Result<String, ModerationError> {
        let key = self.find(id).await?;
        let name = key.map(|key| match key.person {
            Some(person) => person.display_name,
            None => key.note,
        });
        Ok(name.filter(|name| !name.is_empty()).unwrap_or_else(|| id.to_string()))
    }

    async fn by_email(&self, email: &str) -> Result<Option<ApiKey>, ModerationError> {
        let now = self.desk.clock.now();
        let has = |key: &ApiKey| {
            let theirs = key.person.as_ref().and_then(|person| person.email.as_deref());
            theirs == Some(email) && key.is_live(now)
        };
        Ok(self.list().await?.into_iter().find(has))
    }
}

fn field(field: &'static str, must: &str) -> ModerationError {
    ModerationError::Field { field, must: must.to_owned() }
}

/// Shorter than the id of any key that is made, so that the two never meet.
fn sign_in_name(name: &str) -> Result<KeyId, ModerationError> {
    let letter = name.starts_with(|c: char| c.is_ascii_lowercase());
    let id = KeyId::new(name).ok().filter(|_| letter && (2..=15).contains(&name.len()));
    id.ok_or_else(|| field("name", "must be 2 to 15 of a-z and 0-9, a letter first"))
}

fn checked(password: String) -> Result<String, ModerationError> {
    if password.chars().count() < MIN_PASSWORD || password.len() > MAX_PASSWORD {
        let must = format!("must have at least {MIN_PASSWORD} characters and at most {MAX_PASSWORD} bytes");
        return Err(ModerationError::Field { field: "password", must });
    }
    Ok(password)
}

fn hash(password: &str) -> Option<String> {
    Argon2::default().hash_password(password.as_bytes()).ok().map(|hash: PasswordHash| hash.to_string())
}

async fn hashed(password: String) -> Result<String, ModerationError> {
    let hashed = tokio::task::spawn_blocking(move || hash(&password)).await;
    Ok(hashed.ok().flatten().ok_or(StoreError::Closed)?)
}

/// Whether a password is the one kept; false, after the same time, when none is.
async fn matches(kept: Option<String>, password: String) -> Result<bool, ModerationError> {
    let _turn = CHECKS.acquire().await.map_err(|_| StoreError::Closed)?;
    let check = move || {
        let kept = kept.as_deref().unwrap_or(&NOBODY);
        let fits = password.len() <= MAX_PASSWORD;
        let password = if fits { password.as_bytes() } else { b"" };
        let parsed = PasswordHash::new(kept);
        parsed.is_ok_and(|kept| Argon2::default().verify_password(password, &kept).is_ok()) && fits
    };
    Ok(tokio::task::spawn_blocking(check).await.map_err(|_| StoreError::Closed)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        moderation::Desk,
        store::memory::MemoryStore,
        types::{Clock, FixedClock},
    };

    fn ana(password: Option<&str>) -> NewPerson {
        NewPerson {
            name: "ana".to_owned(),
            display_name: "Ana Lopes".to_owned(),
            role: Role::Moderator,
            site: None,
            password: password.map(str::to_owned),
            email: Some("Ana@Paper.example".to_owned()),
            expires_at: None,
        }
    }

    fn keys() -> Keys {
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::default());
        Keys::new(Desk { store: Arc::new(MemoryStore::new()), clock, metrics: Arc::default() })
    }

    #[tokio::test]
    async fn people_sign_in_with_their_password_only() {
        let keys = keys();
        keys.add_person(ana(Some("correct horse"))).await.unwrap();
        assert_eq!(keys.sign_in("Ana", "correct horse").await.unwrap().role, Role::Moderator);
        for (name, password) in [
            ("ana", "correct hors"),
            ("bob", "correct horse"),
            ("ana", ""),
            ("", ""),
            ("bob", "nobody has this password"),
        ] {
            let refused = keys.sign_in(name, password).await;
            assert!(matches!(refused, Err(ModerationError::Unauthenticated)), "{name} {password}");
        }
        assert!(
            keys.authenticate("tamis_ana.correct horse").await.is_err(),
            "a password is no secret of a key"
        );
        assert_eq!(keys.sign_in_as("ana@paper.example").await.unwrap().key.as_str(), "ana");
        keys.set_password(&KeyId::new("ana").unwrap(), "battery staple".to_owned()).await.unwrap();
        assert!(keys.sign_in("ana", "correct horse").await.is_err());
        assert!(keys.sign_in("ana", "battery staple").await.is_ok());
        keys.revoke(&KeyId::new("ana").unwrap()).await.unwrap();
        assert!(keys.sign_in("ana", "battery staple").await.is_err());
        assert!(keys.sign_in_as("ana@paper.example").await.is_err());
    }

    #[tokio::test]
    async fn what_is_no_person_is_refused() {
        let keys = keys();
        keys.add_person(ana(Some("correct horse"))).await.unwrap();
        let bad = |change: fn(&mut NewPerson)| {
            let mut new = NewPerson { name: "bob".into(), email: None, ..ana(Some("correct horse")) };
            change(&mut new);
            new
        };
        for (what, new) in [
            ("a name that is taken", bad(|n| n.name = "ana".into())),
            ("a name as long as a key's", bad(|n| n.name = "a".repeat(16))),
            ("a digit first", bad(|n| n.name = "1bob".into())),
            ("a short password", bad(|n| n.password = Some("short".into()))),
            ("no password and no address", bad(|n| n.password = None)),
            ("an address that is taken", bad(|n| n.email = Some("ana@paper.example".into()))),
            ("a machine's role", bad(|n| n.role = Role::Cms)),
        ] {
            assert!(matches!(keys.add_person(new).await, Err(ModerationError::Field { .. })), "{what}");
        }
    }
}
