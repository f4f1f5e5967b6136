//! The one guard in front of every route: row, time, caller and role, load, size.
//!
//! Machines present a key, people a session. A change that comes from a browser must
//! come from a page of this very site, and carry the session's guard where a script
//! sends it. May import: `types`, `moderation` (keys, sessions).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use subtle::ConstantTimeEq as _;

use super::{
    answer::{self, Refusal},
    cookie,
    routes::{self, Asker, Route},
};
use crate::{
    api::{
        auth::{self, Caller},
        error::ApiError,
        methods::Access,
        shed::Limiter,
    },
    moderation::{Keys, ModerationError, Session, Sessions},
    types::FailureKind,
};

/// What the guard asks.
#[derive(Clone)]
pub(in crate::api) struct Guard {
    /// Who may come in by a key.
    pub(in crate::api) keys: Arc<Keys>,
    /// Who is signed in.
    pub(in crate::api) sessions: Arc<Sessions>,
    /// How many at a time, over both doors.
    pub(in crate::api) limiter: Limiter,
}

/// Headers of every answer: nothing is sniffed, framed, referred to or kept by others.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Carries the session's guard on requests of scripts.
const GUARD: &str = "x-tamis-guard";
/// On what a page asks by itself, without anybody doing anything.
const BACKGROUND: &str = "x-tamis-background";

/// Lets a request through, or answers it.
pub(super) async fn pass(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let route = path.and_then(|path| routes::find(request.method(), path.as_str()));
    let mut response = match route {
        None => answer::nothing_there().await,
        Some(route) => {
            let uri = request.uri().clone();
            let result = match route.deadline {
                None => guard.admit(route, request, next).await,
                Some(time) => match tokio::time::timeout(time, guard.admit(route, request, next)).await {
                    Ok(result) => result,
                    Err(_) => Err(ApiError::TimedOut(time).into()),
                },
            };
            result.unwrap_or_else(|refusal| refused(route, &uri, refusal))
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refused(route: &Route, uri: &Uri, refusal: Refusal) -> Response {
    tracing::debug!(route = route.path, reason = refusal.0.reason, "request refused");
    let stranger = matches!(refusal.0.kind, FailureKind::Unauthenticated);
    if route.asker == Asker::Page && stranger && route.path != "/console/sign-in" {
        let back = uri.path_and_query().map_or("/console/", |path| path.as_str());
        let mut to = String::from("/console/sign-in?next=");
        to.extend(percent(back));
        return Redirect::to(&to).into_response();
    }
    refusal.into_response()
}

/// Everything but letters, digits and `/` as `%XX`.
fn percent(text: &str) -> impl Iterator<Item = String> {
    text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    })
}

impl Guard {
    async fn admit(&self, route: &Route, mut request: Request, next: Next) -> Result<Response, Refusal> {
        if request.method() == Method::POST && route.asker != Asker::Machine {
            same_site(request.headers())?;
        }
        let mut renewed = None;
        if let Access::Roles(roles) = route.access {
            let caller = match route.asker {
                Asker::Machine => auth::admit(&self.keys, route.access, &request.headers().clone()).await?,
                Asker::Page | Asker::Script => {
                    let changes = request.method() == Method::POST;
                    let (session, token) = self.session(route, changes, &request.headers().clone()).await?;
                    renewed = token;
                    let caller = Caller::admitted(session.actor.clone(), roles)?;
                    request.extensions_mut().insert(session);
                    Some(caller)
                }
            };
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
        }
        let _permit = if route.counted { Some(self.limiter.admit().await?) } else { None };
        let cookie = renewed.map(|token| cookie::set(request.headers(), &token));
        let request = request.map(|body| Body::new(http_body_util::Limited::new(body, route.body_bytes)));
        let mut response = next.run(request).await;
        if let Some(cookie) = cookie
            && !response.headers().contains_key(header::SET_COOKIE)
        {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// The session of a request, and the token that is to be used from now on.
    async fn session(
        &self,
        route: &Route,
        changes: bool,
        headers: &HeaderMap,
    ) -> Result<(Session, Option<String>), Refusal> {
        let token = cookie::read(headers).ok_or(ModerationError::SignedOut)?;
        let counts = route.deadline.is_some() && !headers.contains_key(BACKGROUND);
        let (session, renewed) = self.sessions.resume(token, counts).await?;
        if changes && route.asker == Asker::Script {
            let shown = headers.get(GUARD).map_or(&b""[..], HeaderValue::as_bytes);
            if !bool::from(session.guard.as_bytes().ct_eq(shown)) {
                return Err(ModerationError::Forbidden.into());
            }
        }
        Ok((session, renewed))
    }
}

/// Whether a change comes from a page of this very site. A browser says so in one of
/// two headers that no page can set; who says neither is no browser of today.
fn same_site(headers: &HeaderMap) -> Result<(), ModerationError> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let fetched = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    let own = match (fetched, origin) {
        (Some(site), _) if site != "same-origin" => false,
        (_, Some((_, host))) => text(header::HOST).is_some_and(|own| own.eq_ignore_ascii_case(host)),
        (Some(_), None) => true,
        (None, None) => false,
    };
    if own { Ok(()) } else { Err(ModerationError::Forbidden) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_from_our_own_pages() {
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], bool);
        #[rustfmt::skip]
        let cases: &[Case] = &[
            ("our page",             &[("host", "mod.example"), ("origin", "https://mod.example"), ("sec-fetch-site", "same-origin")], true),
            ("our page, old browser", &[("host", "mod.example:8080"), ("origin", "http://mod.example:8080")], true),
            ("no origin but ours",   &[("host", "mod.example"), ("sec-fetch-site", "same-origin")], true),
            ("another site",         &[("host", "mod.example"), ("origin", "https://evil.example")], false),
            ("another site that lies", &[("host", "mod.example"), ("origin", "https://mod.example"), ("sec-fetch-site", "cross-site")], false),
            ("a sister domain",      &[("host", "mod.example"), ("origin", "https://www.mod.example"), ("sec-fetch-site", "same-site")], false),
            ("a hidden origin",      &[("host", "mod.example"), ("origin", "null")], false),
            ("nothing said",         &[("host", "mod.example")], false),
        ];
        for (name, pairs, want) in cases {
            let mut headers = HeaderMap::new();
            for (key, value) in *pairs {
                headers.insert(HeaderName::from_bytes(key.as_bytes()).unwrap(), value.parse().unwrap());
            }
            assert_eq!(same_site(&headers).is_ok(), *want, "{name}");
        }
    }

    #[test]
    fn what_comes_back_from_the_sign_in_is_escaped() {
        let to: String = percent("/console/s/x/list?q=a&b=\"<é").collect();
        assert_eq!(to, "/console/s/x/list%3Fq%3Da%26b%3D%22%3C%C3%A9");
    }
}
