//! Which dotted words are host names, and which are sentences without a space.
//!
//! The public suffix list knows the top-level domains; many of them are also
//! words ("end.Next sentence", "well.it is"), file endings ("readme.md") or
//! both. Those need more evidence than a dot.
//!
//! May import: nothing of ours.

/// Reserved names (RFC 2606, RFC 7686) that count as top-level domains, so
/// that documentation and tests can use them.
const RESERVED: &[&str] = &["example", "test", "onion"];

/// Two-letter domains that are words of some language, or file endings.
#[rustfmt::skip]
const WORDS_OF_TWO: &[&str] = &[
    "ad", "ag", "al", "am", "an", "ar", "as", "at", "az", "ba", "be", "bi", "bo", "by", "do", "es", "et", "ga",
    "id", "ie", "il", "im", "in", "ir", "is", "it", "ki", "la", "li", "lo", "ma", "md", "me", "mo", "mu", "my",
    "na", "ne", "ni", "no", "nu", "om", "pa", "ps", "py", "re", "rs", "sa", "se", "sh", "si", "so", "st", "sv",
    "td", "tn", "to", "us", "va", "ve", "vi", "vu", "ye", "za",
];

/// Longer domains under which a bare name is taken for a host at once: the old
/// ones, and new ones that are either no words or mostly advertised.
#[rustfmt::skip]
const PLAIN: &[&str] = &[
    "agency", "app", "bet", "bid", "biz", "blog", "bond", "buzz", "casino", "cfd", "click", "club", "com", "cyou",
    "dev", "edu", "example", "gov", "guru", "host", "icu", "info", "int", "link", "loan", "loans", "lol", "mil",
    "mobi", "monster", "net", "online", "onion", "org", "poker", "porn", "pro", "sbs", "shop", "site", "store",
    "tech", "top", "vip", "website", "webcam", "xxx", "xyz", "рф", "укр", "бел", "қаз", "中国", "公司", "한국",
];

/// Products that are named like hosts.
const PRODUCTS: &[&str] = &["asp.net", "vb.net", "ado.net", "ml.net", "paint.net", "socket.io"];

/// Whether the last label of a host is a top-level domain.
pub(super) fn has_known_tld(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or("");
    if last.is_empty() || last.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    RESERVED.contains(&last) || psl::suffix(last.as_bytes()).is_some_and(|suffix| suffix.is_known())
}

/// Whether a top-level domain is free of meanings of its own.
pub(super) fn is_plain(tld: &str) -> bool {
    if tld.len() == 2 { !WORDS_OF_TWO.contains(&tld) } else { PLAIN.contains(&tld) }
}

/// Whether a dotted name that stands alone, lower case in `host` and as
/// submitted in `written`, is a host. `followed`: a port or path follows.
pub(super) fn is_bare_host(host: &str, written: &str, followed: bool) -> bool {
    let Some((rest, tld)) = host.rsplit_once('.') else { return false };
    let name = rest.rsplit('.').next().unwrap_or("");
    if name.is_empty() || host.len() > 253 || PRODUCTS.contains(&host) || !has_known_tld(host) {
        return false;
    }
    let www = host.starts_with("www.");
    if !www && starts_new_sentence(written) {
        return false;
    }
    if www || followed {
        return name.len() > 1 || followed || tld == "com";
    }
    let worded = |s: &str| s.bytes().all(|b| !b.is_ascii_digit() && b != b'-');
    let numeric = name.bytes().all(|b| b.is_ascii_digit());
    if name.chars().count() == 1 || (numeric && (tld != "com" || name.len() < 3)) {
        return tld == "com" && name == "x";
    }
    is_plain(tld) || (name.len() >= 3 && (!worded(name) || name.len() >= 12))
}

/// "end.Next": a capital after the dot where none stood before.
fn starts_new_sentence(written: &str) -> bool {
    let Some((rest, tld)) = written.rsplit_once('.') else { return false };
    let capital = |s: &str| s.starts_with(|c: char| c.is_uppercase());
    let shouted = written.chars().all(|c| !c.is_lowercase());
    let lower = tld.to_lowercase();
    capital(tld) && !shouted && !(capital(rest) && matches!(lower.as_str(), "com" | "net" | "org" | "ru"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_sentences() {
        #[rustfmt::skip]
        let cases: &[(&str, bool)] = &[
            ("example.com", true), ("EXAMPLE.COM", true), ("Example.com", true), ("cheapwatch.example", true),
            ("casino-777.is", true), ("www.example.is", true), ("news.example.co.uk", true), ("allegro.pl", true),
            ("x.com", true), ("163.com", true),
            ("end.Next", false), ("node.js", false), ("Mr.Smith", false), ("well.it", false), ("this.is", false),
            ("readme.md", false), ("e.g", false), ("p.m", false), ("u.s", false), ("3.5", false), ("1.de", false),
            ("asp.net", false), ("video.thanks", false), ("home.My", false), ("Finished.So", false),
        ];
        for (text, want) in cases {
            assert_eq!(is_bare_host(&text.to_lowercase(), text, false), *want, "{text}");
        }
        assert!(is_bare_host("bit.to", "bit.to", true), "a path makes a host");
    }
}
