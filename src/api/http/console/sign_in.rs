//! Signing in and out.
//!
//! May import: `moderation`.

use askama::Template;
use axum::{
    Extension, Form,
    extract::{Query, State},
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::{Console, assets, frame::show, strings};
use crate::{
    api::http::{answer::Refusal, cookie, listen::Peer},
    moderation::{Actor, ModerationError, Session},
    types::Role,
};

#[derive(Template)]
#[template(path = "sign_in.html", config = "src/api/http/console/askama.toml")]
struct SignInPage {
    next: String,
    name: String,
    problem: &'static str,
}

impl SignInPage {
    fn t(&self, key: &str) -> String {
        strings::t(key).to_owned()
    }
    fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// Where to go after signing in.
#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// What was typed.
#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    next: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    key: String,
}

/// `GET /console/sign-in`.
pub(super) async fn ask(Query(Next { next }): Query<Next>) -> Response {
    show(&SignInPage { next: inside(&next), name: String::new(), problem: "" })
}

/// `POST /console/sign-in`.
pub(super) async fn enter(
    State(console): State<Console>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Response {
    let Typed { next, name, password, key } = typed;
    let (next, name) = (inside(&next), name.trim().to_lowercase());
    // Behind a proxy all share its address, so the name counts by itself.
    let mut subjects = vec![format!("name:{}", subject(&name, &key))];
    subjects.extend(peer.0.filter(|at| !at.ip().is_loopback()).map(|at| format!("address:{}", at.ip())));
    let refuse = |code: StatusCode, problem: &'static str| {
        let page = SignInPage { next: next.clone(), name: name.clone(), problem };
        (code, show(&page)).into_response()
    };
    if let Some(wait) = console.throttle.wait(&subjects) {
        let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, "sign.slow");
        response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
        return response;
    }
    match console.recognise(&name, &password, key.trim()).await {
        Ok(token) => {
            console.throttle.succeeded(subjects.first().map_or("", String::as_str));
            ([(header::SET_COOKIE, cookie::set(&headers, &token))], Redirect::to(&next)).into_response()
        }
        Err(ModerationError::Unauthenticated) => {
            console.throttle.failed(&subjects);
            tracing::info!("a sign-in failed");
            refuse(StatusCode::UNAUTHORIZED, "sign.wrong")
        }
        Err(ModerationError::Forbidden) => refuse(StatusCode::FORBIDDEN, "sign.role"),
        Err(error) => Refusal::from(error).into_response(),
    }
}

impl Console {
    /// The token of whoever presents these.
    async fn recognise(&self, name: &str, password: &str, key: &str) -> Result<String, ModerationError> {
        let actor = match key {
            "" => self.keys.sign_in(name, password).await?,
            key => self.keys.authenticate(key).await?,
        };
        self.welcome(&actor).await
    }

    /// Begins a session of somebody who was recognised.
    pub(super) async fn welcome(&self, actor: &Actor) -> Result<String, ModerationError> {
        match actor.role {
            Role::Cms => Err(ModerationError::Forbidden),
            Role::Moderator | Role::Lead | Role::Ops | Role::Admin => self.sessions.begin(actor).await,
        }
    }
}

/// `POST /console/sign-out`.
pub(super) async fn leave(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
) -> Response {
    console.sessions.end(&session);
    ([(header::SET_COOKIE, cookie::clear(&headers))], Redirect::to("/console/sign-in")).into_response()
}

/// What failures are counted by: the public part of a key, or a name.
fn subject(name: &str, key: &str) -> String {
    let shown = if key.trim().is_empty() { name } else { key.trim().split('.').next().unwrap_or("") };
    shown.chars().take(64).collect()
}

/// A path of the console; anything else leads to its start.
pub(super) fn inside(next: &str) -> String {
    let fine = next.starts_with("/console/")
        && !next.contains("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if fine { next.to_owned() } else { "/console/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comes_back_to_the_console_only() {
        assert_eq!(inside("/console/s/news/list?q=a"), "/console/s/news/list?q=a");
        for bad in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/console//evil.example",
            "",
            "/console/\r\nx: y",
            "/else",
        ] {
            assert_eq!(inside(bad), "/console/", "{bad}");
        }
    }

    #[test]
    fn failures_count_by_name_or_public_part() {
        assert_eq!(subject("ana", ""), "ana");
        assert_eq!(subject("", "tamis_0123.secret"), "tamis_0123");
    }
}
