//! How long a call may take: the caller's `grpc-timeout`, at most the method's own.
//!
//! tonic ends late calls too, but with CANCELLED, which means that the *caller*
//! gave up. The gate ends them a little earlier with DEADLINE_EXCEEDED.
//! May import: nothing of ours.

use std::time::Duration;

use http::HeaderMap;

/// Taken off the caller's time-out: the answer has to travel back before it, and
/// tonic's own timer must not fire first.
const MARGIN: Duration = Duration::from_millis(5);

/// The time for a call: `None` for a stream.
pub(super) fn budget(headers: &HeaderMap, method: Option<Duration>) -> Option<Duration> {
    let method = method?;
    let asked = headers.get("grpc-timeout").and_then(|value| parse(value.to_str().ok()?));
    Some(asked.map_or(method, |asked| {
        let margin = MARGIN.min(asked / 10);
        method.min(asked.saturating_sub(margin))
    }))
}

/// Reads `TimeoutValue TimeoutUnit` of the gRPC protocol: up to 8 digits and a
/// unit. Anything else is ignored, as the protocol's reference servers do.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_time_counts() {
        let ms = Duration::from_millis;
        #[rustfmt::skip]
        let cases = [
            ("a stream has none",                 Some("10m"),       None,           None),
            ("nothing asked: the method's",       None,              Some(ms(2000)), Some(ms(2000))),
            ("more asked: the method's",          Some("1H"),        Some(ms(2000)), Some(ms(2000))),
            ("less asked: that and a margin",     Some("500m"),      Some(ms(2000)), Some(ms(495))),
            ("very little: a tenth off",          Some("20m"),       Some(ms(2000)), Some(ms(18))),
            ("nonsense is ignored",               Some("soon"),      Some(ms(2000)), Some(ms(2000))),
            ("too many digits are ignored",       Some("123456789m"), Some(ms(2000)), Some(ms(2000))),
            ("a sign is ignored",                 Some("+5m"),       Some(ms(2000)), Some(ms(2000))),
            ("a unit alone is ignored",           Some("m"),         Some(ms(2000)), Some(ms(2000))),
            ("a wide last character is ignored",  Some("5é"),        Some(ms(2000)), Some(ms(2000))),
        ];
        for (name, asked, method, want) in cases {
            let mut headers = HeaderMap::new();
            if let Some(asked) = asked {
                headers.insert("grpc-timeout", http::HeaderValue::from_bytes(asked.as_bytes()).unwrap());
            }
            assert_eq!(budget(&headers, method), want, "{name}");
        }
    }
}
