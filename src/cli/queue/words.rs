//! The words of the command line for what the wire has numbers for.
//!
//! May import: `api` (wire types).

use prost_types::{Duration as PbDuration, Timestamp as PbTimestamp};

use crate::{
    api::pb,
    types::{Clock as _, SystemClock},
};

/// The short word for an enum value: `CLAIMED` of `QUEUE_ITEM_STATE_CLAIMED`.
fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase()
}

macro_rules! words {
    ($($name:ident, $kind:ty, $prefix:literal;)*) => {$(
        /// The word for a number; `unknown` for one from a newer server.
        pub(super) fn $name(number: i32) -> String {
            <$kind>::try_from(number).map_or_else(|_| "unknown".to_owned(), |v| word(v.as_str_name(), $prefix))
        }
    )*};
}

words! {
    state, pb::QueueItemState, "QUEUE_ITEM_STATE_";
    cause, pb::QueueCause, "QUEUE_CAUSE_";
    action, pb::Action, "ACTION_";
    label, pb::Label, "LABEL_";
    disposition, pb::Disposition, "DISPOSITION_";
    reason, pb::ReasonCode, "REASON_CODE_";
    author_action, pb::AuthorAction, "AUTHOR_ACTION_";
    event, pb::QueueEventKind, "QUEUE_EVENT_KIND_";
}

macro_rules! named {
    ($($name:ident, $kind:ty, $prefix:literal, $what:literal;)*) => {$(
        /// The number for a word.
        ///
        /// # Errors
        ///
        /// What the word may be.
        pub(super) fn $name(text: &str) -> Result<i32, String> {
            let name = format!(concat!($prefix, "{}"), text.to_uppercase().replace('-', "_"));
            let found = <$kind>::from_str_name(&name).filter(|value| *value as i32 != 0);
            found.map(|value| value as i32).ok_or_else(|| $what.to_owned())
        }
    )*};
}

named! {
    reason_of, pb::ReasonCode, "REASON_CODE_",
        "must be spam, low_content, off_topic, harassment, hate, sexual, violence, personal_data, illegal or other";
    label_of, pb::Label, "LABEL_", "must be spam, low_content, off_topic or abuse";
    cause_of, pb::QueueCause, "QUEUE_CAUSE_", "must be held, reported, sampled, appealed or campaign";
    state_of, pb::QueueItemState, "QUEUE_ITEM_STATE_", "must be open, claimed or decided";
    order_of, pb::QueueOrder, "QUEUE_ORDER_",
        "must be newest, oldest, most_likely_wrong, harm_exposure or value_of_look";
    author_action_of, pb::AuthorAction, "AUTHOR_ACTION_", "must be trust, pre_moderate or ban";
}

/// Reads a span of time: `90s`, `15m`, `2h`, `7d`.
///
/// # Errors
///
/// What it must look like.
pub(super) fn span(text: &str) -> Result<PbDuration, String> {
    const MUST: &str = "must look like 90s, 15m, 2h or 7d";
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(MUST)?;
    let number: i64 = digits.parse().map_err(|_| MUST)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(MUST.to_owned()),
    };
    let seconds = number.checked_mul(seconds).filter(|seconds| *seconds >= 0).ok_or(MUST)?;
    Ok(PbDuration { seconds, nanos: 0 })
}

/// Seconds from a moment until now; negative when it lies ahead.
pub(super) fn seconds_since(moment: Option<&PbTimestamp>) -> f64 {
    let now = SystemClock.now().micros() as f64 / 1e6;
    moment.map_or(0.0, |moment| now - moment.seconds as f64 - f64::from(moment.nanos) / 1e9)
}

/// How an author is called: the name, else the CMS's id.
pub(super) fn author_name(author: &pb::Author) -> &str {
    if author.name.is_empty() { &author.id } else { &author.name }
}

/// The last part of a resource name.
pub(super) fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// What is ruled, given a reason to reject or none to approve.
pub(super) fn ruled(reject: Option<i32>, clause: &str, note: &str, author: Option<i32>) -> pb::Ruled {
    let disposition = match reject {
        Some(_) => pb::Disposition::Reject,
        None => pb::Disposition::Approve,
    };
    pb::Ruled {
        disposition: disposition.into(),
        reason_code: reject.unwrap_or_default(),
        policy_clause: clause.to_owned(),
        note: note.to_owned(),
        author_action: author.unwrap_or_default(),
        author_action_expire_time: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_the_same_words() {
        assert_eq!(state(state_of("claimed").expect("state")), "claimed");
        assert_eq!(reason(reason_of("personal-data").expect("reason")), "personal_data");
        assert!(reason_of("unspecified").is_err() && reason_of("boring").is_err());
        assert_eq!(state(99), "unknown");
    }

    #[test]
    fn spans_are_read() {
        for (text, want) in [
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("2h", Some(7_200)),
            ("7d", Some(604_800)),
            ("", None),
            ("h", None),
            ("-1s", None),
            ("5", None),
            ("1é", None),
            ("99999999999999999d", None),
        ] {
            assert_eq!(span(text).ok().map(|span| span.seconds), want, "{text:?}");
        }
    }
}
