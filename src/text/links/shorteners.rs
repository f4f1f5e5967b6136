//! Known link shorteners: hosts that hide where a link leads.
//!
//! May import: nothing of ours.

/// Hosts, sorted. `short.example` is for documentation and tests.
#[rustfmt::skip]
const HOSTS: &[&str] = &[
    "0rz.tw", "adf.ly", "adfoc.us", "amzn.to", "bc.vc", "bit.do", "bit.ly", "bitly.com", "bitly.kr", "bl.ink",
    "buff.ly", "clck.ru", "cli.re", "cutt.ly", "cutt.us", "dlvr.it", "dwz.cn", "fb.me", "goo.gl", "goo.su",
    "han.gl", "ht.ly", "ift.tt", "is.gd", "j.mp", "kutt.it", "lihi.cc", "lnkd.in", "mcaf.ee", "me2.do",
    "merky.de", "ouo.io", "ow.ly", "po.st", "qr.ae", "rb.gy", "rebrand.ly", "reurl.cc", "s.id", "s.shopee.com",
    "short.example", "shorte.st", "shorturl.at", "shrtco.de", "snip.ly", "snipurl.com", "soo.gd", "suo.im",
    "surl.li", "t.cn", "t.co", "t.ly", "tiny.cc", "tiny.one", "tiny.pl", "tinyurl.com", "tr.im", "trib.al",
    "u.to", "url.cn", "urlz.fr", "v.gd", "vk.cc", "vo.la", "waa.ai", "wp.me", "x.co", "x.gd", "yep.it",
    "yourls.org", "zpr.io",
];

/// Whether a host (lower case, without `www.`) is a shortener.
pub(super) fn is_shortener(host: &str) -> bool {
    HOSTS.binary_search(&host).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(HOSTS.is_sorted());
        assert!(is_shortener("bit.ly"));
        assert!(!is_shortener("example.com"));
    }
}
