//! Every HTTP route with what it asks of a caller: one row each, read by the guard.
//!
//! May import: `types`, `api::{limits, methods}`.

use std::time::Duration;

use crate::{
    api::{limits::CALL_DEADLINE, methods::Access},
    types::Role,
};

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Method of the request: `GET`, which answers `HEAD` too, or `POST`.
    pub method: &'static str,
    /// Path as the router has it, with `{name}` for parts that vary.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    /// Largest body it takes, in bytes.
    pub body_bytes: usize,
    /// Time it may take until the answer begins; `None` for streams.
    pub deadline: Option<Duration>,
    /// Whether it counts as work in flight. Health does not: an overloaded server is
    /// alive, and must be able to say so.
    pub counted: bool,
}

/// A route that anybody may ask, and that reads nothing from storage.
const fn public(method: &'static str, path: &'static str) -> Route {
    Route {
        method,
        path,
        access: Access::Public,
        body_bytes: 0,
        deadline: Some(CALL_DEADLINE),
        counted: false,
    }
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
        body_bytes: 0,
        deadline: Some(CALL_DEADLINE),
        counted: false,
    },
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
    fn head_asks_what_get_asks() {
        assert!(find(&http::Method::HEAD, "/healthz").is_some());
        assert!(find(&http::Method::POST, "/healthz").is_none());
        assert!(find(&http::Method::GET, "/else").is_none());
    }
}
