//! What a site's own systems are told of decisions by signed posts: the words, the
//! signature, and how long to wait between tries.
//!
//! Pure: who sends, and where what could not be sent is kept, is `app`'s. The posts
//! say what `WatchVerdicts` says, for systems that cannot hold a stream.
//!
//! May import: `types`.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use crate::types::{Appeal, Decision, SiteId, Verdict};

/// Tries before a post is put aside unless the operator says otherwise: with the pauses between them up to nine minutes.
/// Later posts wait meanwhile, so longer would let one bad post hold up all.
pub const MAX_TRIES: u32 = 10;
/// Pause after the first failed try.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The secret that receivers know, at least 32 bytes. `Debug` hides it.
#[derive(Clone)]
pub struct WebhookSecret(Vec<u8>);

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl WebhookSecret {
    /// Fewest bytes of a secret.
    pub const MIN_BYTES: usize = 32;

    /// Wraps a secret, or `None` when it is too short to be one.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= Self::MIN_BYTES).then(|| Self(bytes.to_vec()))
    }

    /// The signature of a body sent at a moment, in seconds since 1970: hexadecimal
    /// HMAC-SHA-256 (RFC 2104) over `<seconds>.<body>`. The moment is part of it, so
    /// that a post that was overheard cannot be sent again later.
    #[must_use]
    pub fn sign(&self, seconds: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(seconds.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The pause after so many failed tries, 1 and more: twice as long each time, cut
/// to between half and all of it by `jitter` in `[0, 1)`, so that receivers that
/// come back are not met by everybody at once ("full jitter" halved, Brooker 2015).
#[must_use]
pub fn pause(tries: u32, jitter: f64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1_u32 << tries.saturating_sub(1).min(16));
    doubled.min(LONGEST_PAUSE).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// One post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Post<'a> {
    event: u64,
    site: &'a str,
    comment_id: Option<&'a str>,
    verdict: String,
    decision: String,
    disposition: &'static str,
    reason_code: Option<&'static str>,
    dsa_category: Option<&'static str>,
    reverses: Option<String>,
    appeal: Option<String>,
    appeal_outcome: Option<&'static str>,
    decided_at_micros: i64,
}

/// The body that tells of a decision: JSON without any text of the comment.
/// `event` is its number in the site's audit chain: receivers that saw it drop it.
#[must_use]
pub fn body(
    site: &SiteId,
    event: u64,
    decision: &Decision,
    (verdict, appeal): (Option<&Verdict>, Option<&Appeal>),
) -> Vec<u8> {
    let comment = verdict.and_then(|verdict| verdict.comment.as_ref());
    let post = Post {
        event,
        site: site.as_str(),
        comment_id: comment.map(crate::types::CommentId::as_str),
        verdict: format!("sites/{site}/verdicts/{}", decision.verdict),
        decision: format!("sites/{site}/decisions/{}", decision.id),
        disposition: decision.disposition.name(),
        reason_code: decision.reason.map(crate::types::ReasonCode::name),
        dsa_category: decision.reason.map(|reason| reason.dsa_category().name()),
        reverses: decision.reverses.map(|id| format!("sites/{site}/decisions/{id}")),
        appeal: appeal.map(|appeal| format!("sites/{site}/appeals/{}", appeal.id)),
        appeal_outcome: appeal.and_then(|appeal| appeal.outcome).map(|(_, outcome)| outcome.name()),
        decided_at_micros: decision.created_at.micros(),
    };
    // Texts and integers always become JSON.
    serde_json::to_vec(&post).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_cover_moment_and_body() {
        let secret = WebhookSecret::new(&[7; 32]).unwrap();
        let signed = secret.sign(1_700_000_000, b"{}");
        assert_eq!(signed.len(), 64);
        assert_ne!(signed, secret.sign(1_700_000_001, b"{}"));
        assert_ne!(signed, secret.sign(1_700_000_000, b"{ }"));
        assert_ne!(signed, WebhookSecret::new(&[8; 32]).unwrap().sign(1_700_000_000, b"{}"));
        assert!(WebhookSecret::new(&[7; 31]).is_none());
    }

    /// RFC 4231, test case 2, shows that the MAC is the standard one.
    #[test]
    fn the_mac_is_hmac_sha256() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        mac.update(b"what do ya want for nothing?");
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        assert_eq!(pause(1, 1.0), Duration::from_secs(1));
        assert_eq!(pause(1, 0.0), Duration::from_millis(500));
        assert_eq!(pause(5, 1.0), Duration::from_secs(16));
        assert_eq!(pause(40, 1.0), LONGEST_PAUSE);
        let all: Duration = (1..MAX_TRIES).map(|tries| pause(tries, 1.0)).sum();
        assert!(all > Duration::from_secs(300) && all < Duration::from_secs(540), "{all:?}");
    }
}
