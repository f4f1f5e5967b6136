//! Keys of rows, built and read back.
//!
//! A key is `site 0x00 kind rest`: no site holds a zero byte, so a range of one
//! site can never reach another's rows. Rows of the installation have an empty
//! site. Ids are big-endian and sort by time. Client-chosen names end in 0x00,
//! which they cannot hold, where something follows them.
//!
//! May import: `types`, `store`.

use crate::store::queue::{RowKey, RowKind};
use crate::types::{
    ArticleId, CommentId, FeedbackId, KeyId, RequestId, SiteId, TallyKey, Timestamp, VerdictId,
};

/// What a row is. The byte is part of the stored key and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Article,
    Chunk,
    Feedback,
    ArticleIndex,
    CommentIndex,
    AuthorIndex,
    Mark,
    Tally,
    Verdict,
    MarkGroup,
    Row(RowKind),
    Site,
    ApiKey,
    Schema,
    Totals,
    Health,
}

impl Kind {
    /// Kinds with their bytes; upper case outside of sites. Rows of the queue have
    /// the byte of their own kind.
    const CODES: [(Self, u8); 15] = [
        (Self::Article, b'a'),
        (Self::Chunk, b'c'),
        (Self::Feedback, b'f'),
        (Self::ArticleIndex, b'i'),
        (Self::CommentIndex, b'k'),
        (Self::AuthorIndex, b'3'),
        (Self::Mark, b'm'),
        (Self::Tally, b't'),
        (Self::Verdict, b'v'),
        (Self::MarkGroup, b'x'),
        (Self::Site, b'S'),
        (Self::ApiKey, b'K'),
        (Self::Schema, b'V'),
        (Self::Totals, b'T'),
        (Self::Health, b'H'),
    ];

    fn code(self) -> u8 {
        if let Self::Row(kind) = self {
            return kind.code();
        }
        Self::CODES.iter().find(|(kind, _)| *kind == self).map_or(0, |(_, code)| *code)
    }

    pub(super) fn of(code: u8) -> Option<Self> {
        let known = Self::CODES.iter().find(|(_, known)| *known == code).map(|(kind, _)| *kind);
        known.or_else(|| RowKind::of(code).map(Self::Row))
    }

    /// Whether rows of this kind are small and many: they are kept in packs.
    pub(super) const fn is_packed(self) -> bool {
        use RowKind::{BatchDecision, DecidedPlace, Event, Item, ItemDecision, Member, OpenPlace};
        matches!(
            self,
            Self::Row(Item | OpenPlace | DecidedPlace | ItemDecision | BatchDecision | Event | Member)
                | Self::ArticleIndex
                | Self::CommentIndex
                | Self::AuthorIndex
                | Self::Tally
        )
    }

    /// The name in errors and reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Chunk => "chunk",
            Self::Feedback => "feedback",
            Self::ArticleIndex => "article index",
            Self::CommentIndex => "comment index",
            Self::Mark => "request mark",
            Self::AuthorIndex => "author index",
            Self::Row(kind) => kind.name(),
            Self::Tally => "tally",
            Self::Verdict => "verdict",
            Self::MarkGroup => "request mark group",
            Self::Site => "site",
            Self::ApiKey => "key",
            Self::Schema => "schema",
            Self::Totals => "totals",
            Self::Health => "health check",
        }
    }
}

/// The key of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key(Vec<u8>);

impl Key {
    fn new(site: &str, kind: Kind, parts: &[&[u8]]) -> Self {
        let rest: usize = parts.iter().map(|part| part.len()).sum();
        let mut bytes = Vec::with_capacity(site.len() + 2 + rest);
        bytes.extend_from_slice(site.as_bytes());
        bytes.extend_from_slice(&[0, kind.code()]);
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        Self(bytes)
    }

    /// The key with these bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn verdict(site: &SiteId, id: VerdictId) -> Self {
        Self::new(site.as_str(), Kind::Verdict, &[id.as_bytes()])
    }

    /// The prefix of all verdicts.
    pub(super) fn verdicts(site: &SiteId) -> Self {
        Self::new(site.as_str(), Kind::Verdict, &[])
    }

    /// The prefix of the look-ups of a comment's verdicts.
    pub(super) fn of_comment(site: &SiteId, comment: &CommentId) -> Self {
        Self::new(site.as_str(), Kind::CommentIndex, &[comment.as_str().as_bytes(), &[0]])
    }

    /// The prefix of the look-ups of the verdicts under an article.
    pub(super) fn under_article(site: &SiteId, article: &ArticleId) -> Self {
        Self::new(site.as_str(), Kind::ArticleIndex, &[article.as_str().as_bytes(), &[0]])
    }

    /// This prefix followed by a verdict's id.
    pub(super) fn with_verdict(&self, id: VerdictId) -> Self {
        Self([self.as_bytes(), id.as_bytes()].concat())
    }

    pub(super) fn feedback(site: &SiteId, verdict: VerdictId, id: FeedbackId) -> Self {
        Self::new(site.as_str(), Kind::Feedback, &[verdict.as_bytes(), id.as_bytes()])
    }

    /// The prefix of all reports on a verdict.
    pub(super) fn feedback_on(site: &SiteId, verdict: VerdictId) -> Self {
        Self::new(site.as_str(), Kind::Feedback, &[verdict.as_bytes()])
    }

    /// The prefix of the look-ups of an author's verdicts.
    pub(super) fn by_author(site: &SiteId, author: [u8; 16]) -> Self {
        Self::new(site.as_str(), Kind::AuthorIndex, &[&author])
    }

    /// A key of any kind.
    pub(super) fn of_class(site: &str, kind: Kind, rest: &[u8]) -> Self {
        Self::new(site, kind, &[rest])
    }

    /// A row of the queue.
    pub(super) fn row(site: &SiteId, row: &RowKey) -> Self {
        Self::new(site.as_str(), Kind::Row(row.kind), &[&row.rest])
    }

    /// The first key that a row of the queue of this kind may have.
    pub(super) fn row_at(site: &SiteId, kind: RowKind, rest: &[u8]) -> Self {
        Self::new(site.as_str(), Kind::Row(kind), &[rest])
    }

    pub(super) fn tally(site: &SiteId, key: &TallyKey) -> Self {
        Self::new(site.as_str(), Kind::Tally, &[&[key.kind.code()], &key.digest])
    }

    pub(super) fn mark(site: &SiteId, actor: &KeyId, id: RequestId) -> Self {
        Self::new(site.as_str(), Kind::Mark, &[actor.as_str().as_bytes(), &[0], id.as_bytes()])
    }

    /// The marks of one commit; sorts by the oldest of them.
    pub(super) fn mark_group(site: &SiteId, oldest: Timestamp, commit: u64) -> Self {
        let time = ordered(oldest.micros());
        Self::new(site.as_str(), Kind::MarkGroup, &[&time, &commit.to_be_bytes()])
    }

    /// The prefix of all mark groups.
    pub(super) fn mark_groups(site: &SiteId) -> Self {
        Self::new(site.as_str(), Kind::MarkGroup, &[])
    }

    pub(super) fn article(site: &SiteId, id: &ArticleId) -> Self {
        Self::new(site.as_str(), Kind::Article, &[id.as_str().as_bytes()])
    }

    /// One piece of a value too large for a row.
    pub(super) fn chunk(&self, number: u16) -> Self {
        let split = self.0.iter().position(|byte| *byte == 0).map_or(self.0.len(), |zero| zero + 1);
        let (site, rest) = self.0.split_at(split);
        let code = [Kind::Chunk.code()];
        let end = number.to_be_bytes();
        Self([site, code.as_slice(), rest, &[0], &end].concat())
    }

    pub(super) fn site(id: &SiteId) -> Self {
        Self::new("", Kind::Site, &[id.as_str().as_bytes()])
    }

    /// The prefix of all sites.
    pub(super) fn sites() -> Self {
        Self::new("", Kind::Site, &[])
    }

    pub(super) fn api_key(id: &KeyId) -> Self {
        Self::new("", Kind::ApiKey, &[id.as_str().as_bytes()])
    }

    /// The prefix of all keys.
    pub(super) fn api_keys() -> Self {
        Self::new("", Kind::ApiKey, &[])
    }

    pub(super) fn schema() -> Self {
        Self::new("", Kind::Schema, &[])
    }

    pub(super) fn totals() -> Self {
        Self::new("", Kind::Totals, &[])
    }

    pub(super) fn health() -> Self {
        Self::new("", Kind::Health, &[])
    }

    /// The prefix of the rows of this key's site and kind.
    pub(super) fn family(&self) -> Self {
        let len = self.0.iter().position(|byte| *byte == 0).map_or(self.0.len(), |zero| zero + 2);
        Self(self.0.get(..len).unwrap_or(&self.0).to_vec())
    }

    /// The first key after every key with this prefix.
    pub(super) fn end(&self) -> Self {
        let mut bytes = self.0.clone();
        while let Some(last) = bytes.pop() {
            if last < u8::MAX {
                bytes.push(last + 1);
                break;
            }
        }
        Self(bytes)
    }

    /// The least key greater than this one.
    pub(super) fn next(&self) -> Self {
        Self([self.as_bytes(), &[0]].concat())
    }

    /// The site this key belongs to, its kind and what follows; `None` when it
    /// has another shape.
    pub(super) fn parts(&self) -> Option<(&str, Kind, &[u8])> {
        let zero = self.0.iter().position(|byte| *byte == 0)?;
        let (site, rest) = self.0.split_at(zero);
        let [_, code, rest @ ..] = rest else { return None };
        Some((std::str::from_utf8(site).ok()?, Kind::of(*code)?, rest))
    }

    /// The key of the row that a chunk is a piece of, and which piece.
    pub(super) fn whole(&self) -> Option<(Self, u16)> {
        let (site, Kind::Chunk, rest) = self.parts()? else { return None };
        let (rest, [0, high, low]) = rest.split_last_chunk::<3>()? else { return None };
        let whole = Self([site.as_bytes(), &[0], rest].concat());
        Some((whole, u16::from_be_bytes([*high, *low])))
    }

    /// The verdict's id at the end of a key.
    pub(super) fn verdict_id(&self) -> Option<VerdictId> {
        self.0.last_chunk().copied().map(VerdictId::from_bytes)
    }

    /// The key as people see it in errors.
    pub(super) fn hex(&self) -> String {
        use std::fmt::Write as _;
        self.0.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// What the row is, for errors.
    pub(super) fn what(&self) -> &'static str {
        self.parts().map_or("row", |(_, kind, _)| kind.name())
    }
}

impl From<&Key> for ::sled::IVec {
    fn from(key: &Key) -> Self {
        key.as_bytes().into()
    }
}

/// Eight bytes that sort like the number: the sign bit is turned over.
fn ordered(number: i64) -> [u8; 8] {
    (number ^ i64::MIN).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn site(name: &str) -> SiteId {
        SiteId::new(name).unwrap()
    }

    #[test]
    fn keys_read_back() {
        let (home, id) = (site("daily"), VerdictId::generate());
        let verdict = Key::verdict(&home, id);
        assert_eq!(verdict.parts(), Some(("daily", Kind::Verdict, id.as_bytes().as_slice())));
        assert_eq!(verdict.verdict_id(), Some(id));
        assert_eq!(verdict.chunk(515).whole(), Some((verdict.clone(), 515)));
        assert_eq!(Key::totals().parts(), Some(("", Kind::Totals, [].as_slice())));
        assert_eq!(Key::site(&home).chunk(0).whole(), Some((Key::site(&home), 0)));
        assert_eq!(verdict.whole(), None);
        assert_eq!(verdict.what(), "verdict");
        assert_eq!(Key::from_bytes(b"").parts(), None);
        assert_eq!(Key::from_bytes(b"daily\0?").parts(), None);
        assert_eq!(Key::schema().hex(), "0056");
        assert_eq!(verdict.family(), Key::verdicts(&home));
        assert_eq!(Key::from_bytes(b"daily").family().as_bytes(), b"daily");
    }

    #[test]
    fn kinds_have_bytes_of_their_own() {
        let codes: std::collections::BTreeSet<_> = Kind::CODES.iter().map(|(_, code)| code).collect();
        assert_eq!(codes.len(), Kind::CODES.len());
        assert!(codes.iter().all(|code| RowKind::of(**code).is_none()), "a byte of the queue is taken");
        assert!(Kind::CODES.iter().all(|(kind, code)| kind.code() == *code && *code != 0));
    }

    #[test]
    fn a_prefix_ends_before_the_next_one() {
        let cases: [(&[u8], &[u8]); 4] =
            [(b"a", b"b"), (b"a\xff", b"b"), (b"\xff\xff", b""), (b"a\0", b"a\x01")];
        for (prefix, end) in cases {
            assert_eq!(Key::from_bytes(prefix).end().as_bytes(), end);
        }
    }

    proptest! {
        /// Times before and after 1970 sort like numbers.
        #[test]
        fn group_keys_sort_by_time(a in any::<i64>(), b in any::<i64>()) {
            let key = |t| Key::mark_group(&site("s"), Timestamp::from_micros(t), 1);
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }

        /// No key of one site lies in a range of another.
        #[test]
        fn sites_are_disjoint(a in "[a-z0-9-]{1,5}", b in "[a-z0-9-]{1,5}", id in any::<[u8; 16]>()) {
            prop_assume!(a != b);
            let (prefix, key) = (Key::verdicts(&site(&a)), Key::verdict(&site(&b), VerdictId::from_bytes(id)));
            prop_assert!(key < prefix || key >= prefix.end());
        }

        /// Any bytes are taken for a key without a panic.
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let key = Key::from_bytes(&bytes);
            let _ = (key.parts(), key.whole(), key.verdict_id(), key.hex(), key.end(), key.chunk(1));
        }
    }
}
