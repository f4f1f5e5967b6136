//! Keyed digests that stand for personal facts.
//!
//! An address or e-mail is never stored: only HMAC-SHA-256 (RFC 2104) of it under a
//! secret of this installation and the site's name, cut to 16 bytes. Without the
//! secret the small space of addresses cannot be searched. May import: `types`.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::types::{CommentId, SiteId, TallyKey, TallyKind, VerdictId};

/// The secret of an installation.
#[derive(Clone)]
pub struct PseudonymKey([u8; 32]);

impl PseudonymKey {
    /// Wraps 32 random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A digest by which nodes find out whether they have the same key. Says nothing of it.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        <Sha256 as sha2::Digest>::digest([b"tamis pseudonym key".as_slice(), &self.0].concat()).into()
    }

    /// The digest of a fact of a site. `kind` keeps facts of different kinds apart.
    #[must_use]
    pub fn digest(&self, site: &SiteId, kind: u8, fact: &[u8]) -> [u8; 16] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(site.as_str().as_bytes());
        mac.update(&[0, kind, 0]);
        mac.update(fact);
        let full = mac.finalize().into_bytes();
        let mut cut = [0; 16];
        cut.iter_mut().zip(full).for_each(|(slot, byte)| *slot = byte);
        cut
    }

    /// A number from `0..1_000_000`, evenly drawn, that decides whether a comment comes
    /// into the queue as a sample: the same for one comment whenever it is asked, and
    /// nobody without the secret foresees it.
    #[must_use]
    pub fn draw(&self, site: &SiteId, comment: Option<&CommentId>, verdict: VerdictId) -> u32 {
        let digest = match comment {
            Some(comment) => self.digest(site, b'D', comment.as_str().as_bytes()),
            None => self.digest(site, b'V', verdict.as_bytes()),
        };
        let first = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        ((u128::from(first) * 1_000_000) >> 64) as u32
    }

    /// A secret of its own for another purpose, from which this one cannot be found.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        // No digest of a fact begins with this byte: site names have none.
        mac.update(&[0xff]);
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The name of the count of a fact.
    #[must_use]
    pub fn tally(&self, site: &SiteId, kind: TallyKind, fact: &[u8]) -> TallyKey {
        TallyKey { kind, digest: self.digest(site, kind.code(), fact) }
    }
}

impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PseudonymKey(…)")
    }
}

/// The network of an address: IPv4 /24, IPv6 /64.
#[must_use]
pub(super) fn network(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.octets().into_iter().take(3).collect(),
        IpAddr::V6(v6) => v6.octets().into_iter().take(8).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_differ_by_key_site_and_kind() {
        let (a, b) = (PseudonymKey::new([1; 32]), PseudonymKey::new([2; 32]));
        let site = |name: &str| SiteId::new(name).expect("site");
        let base = a.digest(&site("one"), b'i', b"192.0.2.7");
        assert_eq!(base, a.digest(&site("one"), b'i', b"192.0.2.7"));
        assert_ne!(base, b.digest(&site("one"), b'i', b"192.0.2.7"));
        assert_ne!(base, a.digest(&site("two"), b'i', b"192.0.2.7"));
        assert_ne!(base, a.digest(&site("one"), b'e', b"192.0.2.7"));
    }

    #[test]
    fn draws_are_even_repeatable_and_secret() {
        let (a, b) = (PseudonymKey::new([1; 32]), PseudonymKey::new([2; 32]));
        let site = SiteId::new("one").expect("site");
        let comment = |n: u32| CommentId::new(&format!("c{n}")).expect("comment");
        let verdict = VerdictId::generate();
        let draw = |key: &PseudonymKey, n: u32| key.draw(&site, Some(&comment(n)), verdict);
        assert_eq!(draw(&a, 7), a.draw(&site, Some(&comment(7)), VerdictId::generate()));
        let one_in_ten = (0..10_000).filter(|n| draw(&a, *n) < 100_000).count();
        assert!((850..1_150).contains(&one_in_ten), "{one_in_ten}");
        let both = (0..10_000).filter(|n| draw(&a, *n) < 100_000 && draw(&b, *n) < 100_000).count();
        assert!(both < 200, "{both}: another secret draws others");
        assert!((0..10_000).all(|n| draw(&a, n) < 1_000_000));
    }

    #[test]
    fn neighbours_share_a_network() {
        let of = |ip: &str| network(ip.parse().expect("address"));
        assert_eq!(of("192.0.2.7"), of("192.0.2.200"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.9"));
        assert_ne!(of("192.0.2.7"), of("192.0.3.7"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
    }
}
