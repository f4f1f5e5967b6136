//! Who is calling, and what they may touch.
//!
//! The key comes in metadata `authorization: Bearer <key>`. Roles are checked
//! against `methods`, sites against the key's binding. A site that a key may not
//! see answers exactly as one that does not exist, so a key of one tenant learns
//! nothing about another.
//!
//! May import: `types`, `moderation`.

use http::{HeaderMap, header::AUTHORIZATION};
use tonic::Request;

use super::{error::ApiError, methods::Access};
use crate::{
    moderation::{Actor, Keys, ModerationError},
    types::{KeyId, Role, SiteId},
};

/// Longest key that is looked at; ours have 60 bytes.
const MAX_KEY_BYTES: usize = 256;

/// The authenticated caller of a call. Having one shows that the gate let it in.
#[derive(Clone, Debug)]
pub(super) struct Caller(Actor);

impl Caller {
    /// Takes the message and its caller out of a request.
    ///
    /// # Errors
    ///
    /// [`ApiError::NoCaller`] when the call did not come through the gate.
    pub(super) fn split<T>(request: Request<T>) -> Result<(Self, T), ApiError> {
        let (_, mut extensions, message) = request.into_parts();
        let caller = extensions.remove::<Self>().ok_or(ApiError::NoCaller)?;
        Ok((caller, message))
    }

    /// The caller who signed in elsewhere as `actor`.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Forbidden`] when the role is none of these.
    pub(super) fn admitted(actor: Actor, roles: &[Role]) -> Result<Self, ModerationError> {
        if roles.contains(&actor.role) { Ok(Self(actor)) } else { Err(ModerationError::Forbidden) }
    }

    /// The caller, if they may call another method too.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Forbidden`].
    pub(super) fn again(self, access: Access) -> Result<Self, ModerationError> {
        match access {
            Access::Public => Ok(self),
            Access::Roles(roles) => Self::admitted(self.0, roles),
        }
    }

    /// Who it is: the key, its role and its site.
    pub(super) const fn actor(&self) -> &Actor {
        &self.0
    }

    /// The key, for records.
    pub(super) const fn key(&self) -> &KeyId {
        &self.0.key
    }

    /// The only site the key reaches, when it is bound to one.
    pub(super) const fn bound_to(&self) -> Option<&SiteId> {
        self.0.site.as_ref()
    }

    /// Lets the call at a site.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`] for every site but the one that the key
    /// is bound to, existing or not.
    pub(super) fn enter(&self, site: &SiteId) -> Result<(), ModerationError> {
        match &self.0.site {
            Some(own) if own != site => Err(ModerationError::UnknownSite(site.clone())),
            Some(_) | None => Ok(()),
        }
    }

    /// Lets the call at all sites.
    ///
    /// # Errors
    ///
    /// [`ModerationError::Forbidden`] when the key is bound to a site.
    pub(super) const fn enter_all(&self) -> Result<(), ModerationError> {
        match self.0.site {
            Some(_) => Err(ModerationError::Forbidden),
            None => Ok(()),
        }
    }
}

/// Finds the caller of a method or route; `None` for a public one.
///
/// # Errors
///
/// [`ModerationError::Unauthenticated`] without a live key,
/// [`ModerationError::Forbidden`] when its role may not call the method.
pub(super) async fn admit(
    keys: &Keys,
    access: Access,
    headers: &HeaderMap,
) -> Result<Option<Caller>, ModerationError> {
    let Access::Roles(roles) = access else { return Ok(None) };
    let actor = keys.authenticate(bearer(headers).ok_or(ModerationError::Unauthenticated)?).await?;
    Caller::admitted(actor, roles).map(Some)
}

/// The key in the headers, if there is exactly one of sensible length.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty() && key.len() <= MAX_KEY_BYTES).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Role;

    #[test]
    fn bearer_keys_are_read_strictly() {
        let long = format!("Bearer {}", "k".repeat(MAX_KEY_BYTES + 1));
        #[rustfmt::skip]
        let cases: &[(&str, &[&str], Option<&str>)] = &[
            ("a bearer key",             &["Bearer abc.def"],  Some("abc.def")),
            ("the scheme in any case",   &["bEARER abc.def"],  Some("abc.def")),
            ("no header",                &[],                  None),
            ("another scheme",           &["Basic abc"],       None),
            ("a key without a scheme",   &["abc.def"],         None),
            ("an empty key",             &["Bearer  "],        None),
            ("two keys",                 &["Bearer a", "Bearer b"], None),
            ("an endless key",           &[&long],             None),
        ];
        for (name, values, want) in cases {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            assert_eq!(bearer(&headers), *want, "{name}");
        }
    }

    #[test]
    fn a_bound_key_reaches_only_its_site() {
        let site = |name| SiteId::new(name).unwrap();
        let caller = |site| Caller(Actor { key: KeyId::new("k1").unwrap(), role: Role::Admin, site });
        assert!(caller(None).enter(&site("other")).is_ok());
        assert!(caller(None).enter_all().is_ok());
        let bound = caller(Some(site("own")));
        assert!(bound.enter(&site("own")).is_ok());
        assert!(matches!(bound.enter(&site("other")), Err(ModerationError::UnknownSite(_))));
        assert!(matches!(bound.enter_all(), Err(ModerationError::Forbidden)));
    }
}
