//! Who is signed in: sessions as sealed tokens that name a key, with two limits.
//!
//! A token is `version, id, start, last use, stamp, key` under an HMAC-SHA-256 by a
//! secret of the installation: every node that has the secret knows it, and a restart
//! signs nobody out. The stamp is a digest of what the person signed in with, so a new
//! password ends all their sessions, as does revoking the key. Signing out is remembered
//! until the token would have ended anyway, by this process; after a restart a token
//! that was taken before is dead once its idle time is over.
//!
//! Knows no cookie and no protocol. May import: `types`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::{Mutex, RwLock};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::types::{ApiKey, KeyId, Timestamp};

use super::{Actor, Keys, ModerationError, PseudonymKey};

const VERSION: u8 = 1;
const MAC_BYTES: usize = 32;
/// Bytes before the key's id: version, id, start, last use, stamp.
const HEAD_BYTES: usize = 1 + 16 + 8 + 8 + 8;
/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 512;
/// Sessions whose end is remembered; beyond, the oldest ends are dropped.
const MAX_ENDED: usize = 100_000;
/// A token is issued anew when its last use is longer ago than this.
const RENEW_AFTER: Duration = Duration::from_secs(60);

/// How long people stay signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTerms {
    /// Without a request.
    pub idle: Duration,
    /// In any case.
    pub longest: Duration,
}

impl Default for SessionTerms {
    fn default() -> Self {
        Self { idle: Duration::from_secs(60 * 60), longest: Duration::from_secs(12 * 60 * 60) }
    }
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub actor: Actor,
    /// Name shown to colleagues.
    pub name: String,
    /// Which session.
    pub id: [u8; 16],
    /// When it began.
    pub started_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
    /// What a change must carry besides the token, so that another site's page cannot
    /// send one.
    pub guard: String,
}

/// Issues and reads sessions.
pub struct Sessions {
    keys: Arc<Keys>,
    secret: [u8; 32],
    terms: RwLock<SessionTerms>,
    ended: Mutex<HashMap<[u8; 16], Timestamp>>,
}

impl Sessions {
    /// Sessions of the holders of keys, sealed by a secret of its own.
    #[must_use]
    pub fn new(keys: Arc<Keys>, secret: &PseudonymKey) -> Self {
        Self { keys, secret: secret.derive("session"), terms: RwLock::default(), ended: Mutex::default() }
    }

    /// Sets how long people stay signed in; holds for sessions that run too.
    pub fn set_terms(&self, terms: SessionTerms) {
        *self.terms.write() = terms;
    }

    /// Begins a session of somebody who has just been recognised; answers its token.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Unauthenticated`] when the key is gone meanwhile.
    pub async fn begin(&self, actor: &Actor) -> Result<String, ModerationError> {
        let key = self.keys.find(&actor.key).await?.ok_or(ModerationError::Unauthenticated)?;
        let now = self.keys.desk.clock.now();
        Ok(self.seal(&Sealed { id: rand::random(), start: now, used: now, stamp: stamp(&key), key: key.id }))
    }

    /// The session of a token, and the token to use from now on when it is to be
    /// another. `counts` is whether a person did something: what a page asks by itself
    /// keeps nobody signed in.
    ///
    /// # Errors
    ///
    /// [`ModerationError::SignedOut`], whatever is wrong with it.
    pub async fn resume(
        &self,
        token: &str,
        counts: bool,
    ) -> Result<(Session, Option<String>), ModerationError> {
        let sealed = self.open(token).ok_or(ModerationError::SignedOut)?;
        let (now, terms) = (self.keys.desk.clock.now(), *self.terms.read());
        let over = now.since(sealed.start) >= terms.longest || now.since(sealed.used) >= terms.idle;
        if over || self.ended.lock().contains_key(&sealed.id) {
            return Err(ModerationError::SignedOut);
        }
        let key = self.keys.find(&sealed.key).await?.ok_or(ModerationError::SignedOut)?;
        if !key.is_live(now) || !bool::from(stamp(&key).ct_eq(&sealed.stamp)) {
            return Err(ModerationError::SignedOut);
        }
        let name = self.keys.display_name(&key.id).await?;
        let session = Session {
            name,
            id: sealed.id,
            started_at: sealed.start,
            ends_at: sealed.start.plus(terms.longest),
            guard: BASE64_URL_SAFE_NO_PAD.encode(self.mac(&[b"guard", &sealed.id])),
            actor: Actor { key: key.id, role: key.role, site: key.site },
        };
        let renew = counts && now.since(sealed.used) >= RENEW_AFTER;
        let renewed = renew.then(|| self.seal(&Sealed { used: now, ..sealed }));
        Ok((session, renewed))
    }

    /// Ends a session.
    pub fn end(&self, session: &Session) {
        let (now, mut ended) = (self.keys.desk.clock.now(), self.ended.lock());
        ended.retain(|_, until| now < *until);
        if ended.len() >= MAX_ENDED
            && let Some(oldest) = ended.iter().min_by_key(|(_, until)| **until).map(|(id, _)| *id)
        {
            ended.remove(&oldest);
        }
        ended.insert(session.id, session.ends_at);
    }

    /// A secret of another purpose of the console, for values that come back from a
    /// browser.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; MAC_BYTES] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn seal(&self, sealed: &Sealed) -> String {
        let Sealed { id, start, used, stamp, key } = sealed;
        let mut bytes = vec![VERSION];
        bytes.extend(id);
        bytes.extend(start.micros().to_be_bytes());
        bytes.extend(used.micros().to_be_bytes());
        bytes.extend(stamp);
        bytes.extend(key.as_str().as_bytes());
        bytes.extend(self.mac(&[b"token", &bytes]));
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn open(&self, token: &str) -> Option<Sealed> {
        let bytes = if token.len() > MAX_TOKEN_BYTES { return None } else { token };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(bytes).ok()?;
        let (body, mac) = bytes.split_last_chunk::<MAC_BYTES>()?;
        if !bool::from(self.mac(&[b"token", body]).ct_eq(mac)) {
            return None;
        }
        let (head, key) = body.split_first_chunk::<HEAD_BYTES>()?;
        let (&[VERSION], rest) = head.split_first_chunk()? else { return None };
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (start, rest) = rest.split_first_chunk::<8>()?;
        let (used, stamp) = rest.split_first_chunk::<8>()?;
        let moment = |bytes: &[u8; 8]| Timestamp::from_micros(i64::from_be_bytes(*bytes));
        Some(Sealed {
            id: *id,
            start: moment(start),
            used: moment(used),
            stamp: stamp.try_into().ok()?,
            key: KeyId::new(std::str::from_utf8(key).ok()?).ok()?,
        })
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sealed {
    id: [u8; 16],
    start: Timestamp,
    used: Timestamp,
    stamp: [u8; 8],
    key: KeyId,
}

/// A short digest of what somebody signs in with.
fn stamp(key: &ApiKey) -> [u8; 8] {
    let person = key
        .person
        .as_ref()
        .map_or(String::new(), |person| format!("{:?} {:?}", person.password, person.email));
    let full = Sha256::new().chain_update(key.digest).chain_update(person).finalize();
    let mut cut = [0; 8];
    cut.iter_mut().zip(full).for_each(|(slot, byte)| *slot = byte);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        moderation::{Desk, NewPerson},
        store::memory::MemoryStore,
        types::{Clock, FixedClock, Role},
    };

    struct House {
        clock: Arc<FixedClock>,
        keys: Arc<Keys>,
        sessions: Sessions,
        actor: Actor,
    }

    async fn house() -> House {
        let clock = Arc::new(FixedClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
        let told: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let desk = Desk { store: Arc::new(MemoryStore::new()), clock: told, metrics: Arc::default() };
        let keys = Arc::new(Keys::new(desk));
        let sessions = Sessions::new(Arc::clone(&keys), &PseudonymKey::new([3; 32]));
        let new = NewPerson {
            name: "ana".into(),
            display_name: "Ana".into(),
            role: Role::Lead,
            site: None,
            password: Some("correct horse".into()),
            email: None,
            expires_at: None,
        };
        keys.add_person(new).await.unwrap();
        let actor = keys.sign_in("ana", "correct horse").await.unwrap();
        House { clock, keys, sessions, actor }
    }

    impl House {
        fn pass(&self, minutes: u64) {
            self.clock.advance(Duration::from_secs(minutes * 60));
        }
    }

    #[tokio::test]
    async fn a_session_goes_on_while_it_is_used_and_ends_in_any_case() {
        let house = house().await;
        let mut token = house.sessions.begin(&house.actor).await.unwrap();
        for _ in 0..14 {
            house.pass(50);
            let (session, renewed) = house.sessions.resume(&token, true).await.unwrap();
            assert_eq!((session.name.as_str(), &session.actor), ("Ana", &house.actor));
            token = renewed.expect("used 50 minutes ago");
        }
        house.pass(50);
        assert!(house.sessions.resume(&token, true).await.is_err(), "12 hours are over");
    }

    #[tokio::test]
    async fn what_a_page_asks_by_itself_keeps_nobody_signed_in() {
        let house = house().await;
        let token = house.sessions.begin(&house.actor).await.unwrap();
        house.pass(59);
        assert_eq!(house.sessions.resume(&token, false).await.unwrap().1, None);
        house.pass(1);
        assert!(house.sessions.resume(&token, true).await.is_err());
    }

    #[tokio::test]
    async fn signing_out_a_new_password_and_revoking_end_it() {
        let house = house().await;
        let out = house.sessions.begin(&house.actor).await.unwrap();
        let (session, _) = house.sessions.resume(&out, true).await.unwrap();
        house.sessions.end(&session);
        assert!(house.sessions.resume(&out, true).await.is_err(), "signed out");
        let other = house.sessions.begin(&house.actor).await.unwrap();
        assert!(house.sessions.resume(&other, true).await.is_ok());
        house.keys.set_password(&house.actor.key, "battery staple".into()).await.unwrap();
        assert!(house.sessions.resume(&other, true).await.is_err(), "another password");
        let last = house.sessions.begin(&house.actor).await.unwrap();
        house.keys.revoke(&house.actor.key).await.unwrap();
        assert!(house.sessions.resume(&last, true).await.is_err(), "revoked");
    }

    #[tokio::test]
    async fn no_token_with_a_changed_byte_is_a_session() {
        let house = house().await;
        let token = house.sessions.begin(&house.actor).await.unwrap();
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            // The last character has bits that stand for nothing.
            let same =
                BASE64_URL_SAFE_NO_PAD.decode(&changed).ok() == BASE64_URL_SAFE_NO_PAD.decode(&token).ok();
            assert!(same || house.sessions.resume(&changed, true).await.is_err(), "{at}");
        }
        let elsewhere = Sessions::new(Arc::clone(&house.keys), &PseudonymKey::new([4; 32]));
        assert!(elsewhere.resume(&token, true).await.is_err(), "another installation");
        assert!(house.sessions.resume("", true).await.is_err());
    }
}
