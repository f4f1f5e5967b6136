//! The one cookie: the token of a session.
//!
//! `__Host-tamis`: Secure, so only over TLS; HttpOnly, so no script reads it; without a
//! domain and for all paths, so no sister domain can set it; SameSite=Strict, so no other
//! site's page can use it. Browsers differ in whether they take a Secure cookie from a
//! loopback address without TLS, so there it is `tamis` without Secure: nobody listens
//! between a browser and its own machine. May import: nothing of ours.

use http::{HeaderMap, HeaderValue, header};

const NAME: &str = "__Host-tamis";
const LOCAL_NAME: &str = "tamis";

/// Whether the browser asked for this very machine by a name that stands for it.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    name == "localhost"
        || name == "[::1]"
        || (name.starts_with("127.") && name.parse::<std::net::Ipv4Addr>().is_ok())
}

fn name(headers: &HeaderMap) -> &'static str {
    if is_local(headers) { LOCAL_NAME } else { NAME }
}

/// The token of a request.
pub(super) fn read(headers: &HeaderMap) -> Option<&str> {
    let name = name(headers);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value).filter(|value| !value.is_empty())
}

/// The header that gives a browser its token. It ends with the browser's own session;
/// the token has limits of its own.
pub(super) fn set(headers: &HeaderMap, token: &str) -> HeaderValue {
    let secure = if is_local(headers) { "" } else { " Secure;" };
    let text = format!("{}={token}; Path=/; HttpOnly;{secure} SameSite=Strict", name(headers));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// The header that takes it away.
pub(super) fn clear(headers: &HeaderMap) -> HeaderValue {
    let secure = if is_local(headers) { "" } else { " Secure;" };
    let text = format!("{}=; Path=/; Max-Age=0; HttpOnly;{secure} SameSite=Strict", name(headers));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        headers
    }

    #[test]
    fn only_this_machine_may_do_without_tls() {
        for host in ["localhost", "localhost:8080", "127.0.0.1:8080", "127.8.8.8", "[::1]:8080", "[::1]"] {
            assert!(is_local(&headers(host, "a=b")), "{host}");
        }
        for host in ["mod.example", "127.evil.example", "localhost.evil.example", "[2001:db8::1]:80", ""] {
            assert!(!is_local(&headers(host, "a=b")), "{host}");
            assert!(
                set(&headers(host, "a=b"), "t")
                    .to_str()
                    .unwrap()
                    .starts_with("__Host-tamis=t; Path=/; HttpOnly; Secure;")
            );
        }
    }

    #[test]
    fn the_token_is_found_under_its_own_name_only() {
        let read = |host, cookie| super::read(&headers(host, cookie)).map(str::to_owned);
        assert_eq!(read("mod.example", "a=1; __Host-tamis=t0ken; b=2").as_deref(), Some("t0ken"));
        assert_eq!(read("mod.example", "tamis=t0ken"), None);
        assert_eq!(read("localhost:1", "tamis=t0ken").as_deref(), Some("t0ken"));
        assert_eq!(read("localhost:1", "__Host-tamis=t0ken"), None);
        assert_eq!(read("localhost:1", "tamis="), None);
    }
}
