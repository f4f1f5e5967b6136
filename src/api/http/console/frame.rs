//! What every page has around its content: who is signed in, where one can go, the
//! addresses of scripts and styles, and the headers that keep a page to itself.
//!
//! May import: `types`, `moderation`.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, header};

use super::{Console, assets, strings};
use crate::{
    api::{auth::Caller, convert::write_time, http::answer::Refusal},
    moderation::{ModerationError, Session},
    store::StoreError,
    types::{PageRequest, Role, SiteId, Timestamp},
};

/// Scripts and styles of this very server only; no markup made by scripts; no frame, no
/// form and no connection elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'; report-uri /console/csp-report; report-to csp";
/// Sites offered to choose from.
const SITES: usize = 200;

/// A place one can go to.
pub(super) struct Place {
    pub(super) view: &'static str,
    pub(super) words: &'static str,
    pub(super) here: bool,
}

/// What is around a page.
pub(super) struct Frame {
    pub(super) site: String,
    pub(super) sites: Vec<(String, String)>,
    pub(super) view: &'static str,
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) key: String,
    pub(super) guard: String,
    pub(super) started: String,
    pub(super) ends: String,
    pub(super) places: Vec<Place>,
    pub(super) lead: bool,
}

impl Frame {
    /// The words of a key.
    pub(super) fn t(&self, key: &str) -> String {
        strings::t(key).to_owned()
    }

    /// The words of a key made of two parts.
    pub(super) fn tt(&self, family: &str, name: &str) -> String {
        strings::t(&format!("{family}.{}", name.to_lowercase())).to_owned()
    }

    /// The address of an asset.
    pub(super) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// Addresses of the scripts that are fetched beside the first.
    pub(super) fn modules(&self) -> Vec<String> {
        assets::modules()
    }
}

/// Whether people with a role see a view.
fn sees(role: Role, view: &str) -> bool {
    match view {
        "health" => true,
        "rules" | "models" | "policy" => matches!(role, Role::Lead | Role::Ops | Role::Admin),
        _ => matches!(role, Role::Moderator | Role::Lead | Role::Admin),
    }
}

/// Every view, in the order of the menu.
const VIEWS: [(&str, &str); 8] = [
    ("focus", "nav.focus"),
    ("list", "nav.list"),
    ("range", "nav.range"),
    ("campaigns", "nav.campaigns"),
    ("rules", "nav.rules"),
    ("models", "nav.models"),
    ("policy", "nav.policy"),
    ("health", "nav.health"),
];

impl Console {
    /// The site of an address, if the caller may see it, and what is around its pages.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], also for a site that the key is not bound to.
    pub(super) async fn enter(
        &self,
        caller: &Caller,
        session: &Session,
        site: &str,
        view: &'static str,
    ) -> Result<(SiteId, Frame), Refusal> {
        let site = self.site(caller, site).await?;
        let sites = self.sites_of(caller).await?;
        let role = caller.actor().role;
        let places = VIEWS.iter().filter(|(name, _)| sees(role, name));
        let places =
            places.map(|(name, key)| Place { view: name, words: strings::t(key), here: *name == view });
        let frame = Frame {
            site: site.to_string(),
            sites,
            view,
            name: session.name.clone(),
            role: role.name(),
            key: caller.key().to_string(),
            guard: session.guard.clone(),
            started: moment(session.started_at),
            ends: moment(session.ends_at),
            places: places.collect(),
            lead: matches!(role, Role::Lead | Role::Admin),
        };
        Ok((site, frame))
    }

    /// The site of an address, if the caller may see it.
    pub(super) async fn site(&self, caller: &Caller, site: &str) -> Result<SiteId, Refusal> {
        let unknown = |_| ModerationError::Store(StoreError::Closed);
        let Ok(id) = SiteId::new(site) else {
            // No site has such a name: the answer is that of one that is not there.
            let none = SiteId::new("none").map_err(unknown)?;
            return Err(ModerationError::UnknownSite(none).into());
        };
        caller.enter(&id)?;
        Ok(self.sites.get(&id).await?.id)
    }

    /// Name and words of the sites that the caller may see.
    pub(super) async fn sites_of(&self, caller: &Caller) -> Result<Vec<(String, String)>, Refusal> {
        let sites = match caller.bound_to() {
            Some(own) => vec![self.sites.get(own).await?],
            None => self.sites.list(PageRequest { size: SITES, after: None }).await?.rows,
        };
        let named = |site: crate::types::Site| {
            let words = if site.display_name.is_empty() { site.id.to_string() } else { site.display_name };
            (site.id.to_string(), words)
        };
        Ok(sites.into_iter().map(named).collect())
    }
}

/// A moment as scripts read it (RFC 3339).
pub(super) fn moment(at: Timestamp) -> String {
    write_time(at).to_string()
}

/// A template as a page.
pub(super) fn show(template: &impl Template) -> Response {
    match template.render() {
        Ok(page) => {
            let headers = [
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (HeaderName::from_static("reporting-endpoints"), "csp=\"/console/csp-report\""),
                (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
            ];
            let mut response = Html(page).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            response
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            Refusal::from(ModerationError::Store(StoreError::Closed)).into_response()
        }
    }
}
