//! What a host name says: registrable domain, numbers, look-alikes.
//!
//! May import: nothing of ours.

use super::{
    super::{confusables::mixes_scripts, markup::decode_percent},
    punycode,
};

/// A host, read.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    /// Lower case, without `www.`, punycode decoded where it round-trips.
    pub name: String,
    pub domain: String,
    pub numeric: bool,
    pub lookalike: bool,
    /// Percent escapes decoded.
    pub escapes: u32,
}

/// Longest host of the DNS, in bytes; escapes may treble it.
const MAX_HOST: usize = 253;

impl Host {
    /// Reads a host as written; nothing if it cannot be one.
    pub(super) fn read(written: &str) -> Option<Self> {
        if written.len() > 3 * MAX_HOST {
            return None;
        }
        let (decoded, escapes) = decode_percent(written);
        let lower = decoded.to_lowercase().replace('。', ".");
        let lower = lower.trim_end_matches('.');
        let bare = lower.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(lower);
        if bare.is_empty() || bare.len() > MAX_HOST {
            return None;
        }
        if is_numeric(bare) {
            let name = bare.to_owned();
            return Some(Self { domain: name.clone(), name, numeric: true, lookalike: false, escapes });
        }
        let label_fits = |label: &str| !label.is_empty() && label.chars().all(is_label_char);
        if !bare.split('.').all(label_fits) {
            return None;
        }
        let (name, punycode) = decode_labels(bare);
        let lookalike = punycode || name.split('.').any(mixes_scripts);
        let domain = psl::domain_str(&name).unwrap_or(&name).to_owned();
        Some(Self { name, domain, numeric: false, lookalike, escapes })
    }
}

fn is_label_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_') || (!c.is_ascii() && !c.is_whitespace() && !c.is_control())
}

/// Decodes punycode labels; whether there were any.
fn decode_labels(host: &str) -> (String, bool) {
    if !host.split('.').any(|label| label.starts_with("xn--")) {
        return (host.to_owned(), false);
    }
    let decode = |label: &str| {
        let rest = label.strip_prefix("xn--");
        rest.and_then(punycode::decode_label).filter(|l| !l.is_empty()).unwrap_or_else(|| label.to_owned())
    };
    (host.split('.').map(decode).collect::<Vec<_>>().join("."), true)
}

/// An IP address in any notation that browsers take: dotted, with fewer parts,
/// octal, hexadecimal, one number, or IPv6 in brackets.
pub(super) fn is_numeric(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.ends_with(']')
            && inner.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b']' | b'.'));
    }
    let part = |part: &str| -> Option<u64> {
        match part.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?,
        }
    };
    let mut parts = 0;
    let fits = host.split('.').all(|p| {
        parts += 1;
        part(p).is_some_and(|n| n <= u64::from(u32::MAX))
    });
    fits && parts <= 4 && (parts == 4 || parts == 1 || host.starts_with("0x"))
}

/// A dotted quad whose parts are bytes.
pub(super) fn is_dotted_quad(host: &str) -> bool {
    host.split('.').count() == 4 && host.split('.').all(|p| p.len() <= 3 && p.parse::<u8>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read() {
        #[rustfmt::skip]
        let cases: &[(&str, &str, &str, bool, bool)] = &[
            ("WWW.Example.COM.",     "example.com",       "example.com",   false, false),
            ("news.example.co.uk",   "news.example.co.uk", "example.co.uk", false, false),
            ("ex%61mple.com",        "example.com",       "example.com",   false, false),
            ("xn--exmple-cua.test",  "exämple.test",      "exämple.test",  false, true),
            ("203.0.113.7",          "203.0.113.7",       "203.0.113.7",   true,  false),
            ("3405803783",           "3405803783",        "3405803783",    true,  false),
            ("0xcb007107",           "0xcb007107",        "0xcb007107",    true,  false),
            ("[2001:db8::1]",        "[2001:db8::1]",     "[2001:db8::1]", true,  false),
            ("pаypal.com",           "pаypal.com",        "pаypal.com",    false, true),
            ("localhost",            "localhost",         "localhost",     false, false),
        ];
        for (written, name, domain, numeric, lookalike) in cases {
            let host = Host::read(written).unwrap();
            assert_eq!((host.name.as_str(), host.domain.as_str()), (*name, *domain), "{written}");
            assert_eq!((host.numeric, host.lookalike), (*numeric, *lookalike), "{written}");
        }
        for written in ["", ".", "a..b", "a b", &"a".repeat(1000)] {
            assert!(Host::read(written).is_none(), "{written}");
        }
    }
}
