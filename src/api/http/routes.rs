//! Every HTTP route with what it asks of a caller: one row each, read by the guard.
//!
//! May import: `types`, `api::{limits, methods}`.

use std::time::Duration;

use crate::{
    api::{
        limits::{CALL_DEADLINE, SMALL_MESSAGE_BYTES},
        methods::Access,
    },
    types::Role::{self, Admin, Lead, Moderator, Ops},
};

/// Who asks a route, which decides how refusals look and what a change must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A program: a key where one is needed.
    Machine,
    /// A person in a browser: whoever is not signed in is led to the sign-in.
    Page,
    /// A script of a page: changes carry the session's guard.
    Script,
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Method of the request: `GET`, which answers `HEAD` too, or `POST`.
    pub method: &'static str,
    /// Path as the router has it, with `{name}` for parts that vary.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    /// Who asks.
    pub asker: Asker,
    /// Largest body it takes, in bytes.
    pub body_bytes: usize,
    /// Time it may take until the answer begins; `None` for streams.
    pub deadline: Option<Duration>,
    /// Whether it counts as work in flight. Health does not: an overloaded server is
    /// alive, and must be able to say so.
    pub counted: bool,
}

const PEOPLE: &[Role] = &[Moderator, Lead, Ops, Admin];
const MODERATORS: &[Role] = &[Moderator, Lead, Admin];
const KEEPERS: &[Role] = &[Lead, Ops, Admin];

/// A route that anybody may ask, and that reads nothing from storage.
const fn public(method: &'static str, path: &'static str) -> Route {
    Route {
        method,
        path,
        access: Access::Public,
        asker: Asker::Machine,
        body_bytes: 0,
        deadline: Some(CALL_DEADLINE),
        counted: false,
    }
}

/// A page for people with one of these roles.
const fn page(path: &'static str, roles: &'static [Role]) -> Route {
    Route { access: Access::Roles(roles), asker: Asker::Page, counted: true, ..public("GET", path) }
}

/// What a script of a page asks.
const fn script(method: &'static str, path: &'static str, roles: &'static [Role]) -> Route {
    Route { method, asker: Asker::Script, body_bytes: SMALL_MESSAGE_BYTES, ..page(path, roles) }
}

/// The role table.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    public("GET", "/healthz"),
    public("GET", "/readyz"),
    // It names sites, so it takes a key of those who look after them.
    Route {
        method: "GET",
        path: "/metrics",
        access: Access::Roles(&[Role::Lead, Role::Ops, Role::Admin]),
        asker: Asker::Machine,
        body_bytes: 0,
        deadline: Some(CALL_DEADLINE),
        counted: false,
    },
    public("GET", "/console/assets/{hash}/{name}"),
    Route { body_bytes: 16 * 1024, ..public("POST", "/console/csp-report") },
    Route { asker: Asker::Page, ..public("GET", "/console/sign-in") },
    // Names and keys are short; it counts as work, since a password takes some.
    Route { asker: Asker::Page, body_bytes: 4 * 1024, counted: true, ..public("POST", "/console/sign-in") },
    Route { method: "POST", body_bytes: 4 * 1024, ..page("/console/sign-out", PEOPLE) },
    page("/console", PEOPLE),
    page("/console/", PEOPLE),
    page("/console/s/{site}/focus", MODERATORS),
    page("/console/s/{site}/items/{id}", MODERATORS),
    page("/console/s/{site}/list", MODERATORS),
    page("/console/s/{site}/range", MODERATORS),
    page("/console/s/{site}/campaigns", MODERATORS),
    page("/console/s/{site}/campaigns/{id}", MODERATORS),
    page("/console/s/{site}/rules", KEEPERS),
    page("/console/s/{site}/models", KEEPERS),
    page("/console/s/{site}/policy", KEEPERS),
    page("/console/s/{site}/health", PEOPLE),
    script("POST", "/console/s/{site}/next", MODERATORS),
    script("GET", "/console/s/{site}/range/sample", MODERATORS),
    Route { deadline: None, counted: false, ..script("GET", "/console/s/{site}/events", MODERATORS) },
    // The table of RPCs says who may call which.
    script("POST", "/console/api/{service}/{method}", PEOPLE),
];

/// The row of a request by the path its route was found under. `O(routes)`.
#[must_use]
pub fn find(method: &http::Method, path: &str) -> Option<&'static Route> {
    let method = if method == http::Method::HEAD { "GET" } else { method.as_str() };
    ROUTES.iter().find(|route| route.method == method && route.path == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_has_one_row() {
        let unique: BTreeSet<_> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
        assert_eq!(unique.len(), ROUTES.len());
        for route in ROUTES {
            assert!(matches!(route.method, "GET" | "POST"), "{}", route.path);
            assert!(route.path.starts_with('/'), "{}", route.path);
        }
    }

    #[test]
    fn the_console_is_for_people() {
        for route in ROUTES.iter().filter(|route| route.path.starts_with("/console/s/")) {
            let Access::Roles(roles) = route.access else { panic!("{} is public", route.path) };
            assert!(!roles.contains(&Role::Cms), "{}", route.path);
            assert_ne!(route.asker, Asker::Machine, "{}", route.path);
        }
    }

    #[test]
    fn head_asks_what_get_asks() {
        assert!(find(&http::Method::HEAD, "/healthz").is_some());
        assert!(find(&http::Method::POST, "/healthz").is_none());
        assert!(find(&http::Method::GET, "/else").is_none());
    }
}
