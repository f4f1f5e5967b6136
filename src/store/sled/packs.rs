//! Many small rows in one row of the tree.
//!
//! sled keeps some hundred bytes in memory for each page for as long as it is open,
//! and fifty more for each change of it since the page was last written whole, up
//! to ten. A page holds nine to sixteen rows whatever their size, so what a small
//! row costs in memory is not its own size but its share of a page and its change:
//! a million items in the queue are ten million such rows. Rows of the kinds that
//! [`Kind::is_packed`] names are therefore kept sixteen together: a pack stands
//! under a key that is not greater than any of its rows and holds every row up to
//! the next pack. A row alone is its own pack, in the form it has everywhere else:
//! so stores written before packs are read as they are.
//!
//! May import: `types`, `store`.
//!
//! [`Kind::is_packed`]: super::keys::Kind::is_packed

use ::sled::IVec;

use super::{
    Key, StoreError,
    codec::{self, Rows},
    merge::Ranged,
    plan::Plan,
};

/// Most rows of a pack.
const MAX_ROWS: usize = 16;
/// Most bytes of a pack's rows; beyond it the pack is cut. With one more row of
/// [`MAX_PACKED`] bytes it still fits into a row of the tree.
const MAX_BYTES: usize = 4_000;
/// Most bytes of key and value of a row that is packed; a larger one stays alone.
const MAX_PACKED: usize = 1_500;
/// A pack that has so few rows left joins the one before.
const FEW: usize = 3;

/// A row: its key and its value.
pub(super) type Entry = (Key, Vec<u8>);

/// The value of one packed row.
pub(super) fn get(rows: &impl Ranged, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
    let Some((at, stored)) = floor(rows, key)? else { return Ok(None) };
    match codec::pack(&at, &stored)? {
        None if at == *key => codec::payload(rows, &at, &stored).map(|value| Some(value.into_owned())),
        None => Ok(None),
        Some(packed) => find(&at, packed, key).map(|value| value.map(<[u8]>::to_vec)),
    }
}

/// Packed rows with `start <= key < end`, ascending or descending; all of one kind.
pub(super) fn scan<'a, R: Ranged>(
    rows: &'a R,
    start: &Key,
    end: &Key,
    backwards: bool,
) -> Result<impl Iterator<Item = Result<Entry, StoreError>> + use<'a, R>, StoreError> {
    let (start, end) = (start.clone(), end.clone());
    let first = match floor(rows, &start)? {
        Some((at, _)) => at,
        None => start.clone(),
    };
    let mut packs = rows.rows(&first, &end, backwards);
    let mut ready = Vec::new().into_iter();
    Ok(std::iter::from_fn(move || {
        loop {
            if let Some(entry) = ready.next() {
                return Some(Ok(entry));
            }
            let entries = packs.next()?.and_then(|(at, stored)| entries(rows, &at, &stored));
            let mut entries = match entries {
                Ok(entries) => entries,
                Err(error) => return Some(Err(error)),
            };
            entries.retain(|(key, _)| start <= *key && *key < end);
            if backwards {
                entries.reverse();
            }
            ready = entries.into_iter();
        }
    }))
}

/// Writes a packed row in place of the one before, if any. `O(MAX_ROWS)`.
pub(super) fn put(plan: &mut Plan, key: &Key, value: Vec<u8>) -> Result<(), StoreError> {
    let Some((at, stored)) = floor(plan, key)? else {
        plan.insert_rows(codec::encode_bytes(key, &value)?);
        return Ok(());
    };
    let mut held = entries(plan, &at, &stored)?;
    let place = held.partition_point(|(known, _)| known < key);
    let at_end = place == held.len();
    match held.get_mut(place) {
        Some((known, old)) if known == key => *old = value,
        _ => held.insert(place, (key.clone(), value)),
    }
    write(plan, &at, held, at_end)
}

/// Removes a packed row; whether it was there.
pub(super) fn remove(plan: &mut Plan, key: &Key) -> Result<bool, StoreError> {
    let Some((at, stored)) = floor(plan, key)? else { return Ok(false) };
    let mut held = entries(plan, &at, &stored)?;
    let before = held.len();
    held.retain(|(known, _)| known != key);
    if held.len() == before {
        return Ok(false);
    }
    if held.is_empty() {
        return plan.remove(&at);
    }
    let lower = if held.len() <= FEW { last_below(plan, &at)? } else { None };
    if let Some((lower, stored)) = lower {
        let mut joined = entries(plan, &lower, &stored)?;
        joined.extend_from_slice(&held);
        // Room is left, or the next row would cut it again.
        if joined.len() <= MAX_ROWS - FEW && bytes(&joined) <= MAX_BYTES && joined.iter().all(is_packable) {
            plan.remove(&at)?;
            return write(plan, &lower, joined, false).map(|()| true);
        }
    }
    write(plan, &at, held, false).map(|()| true)
}

/// The rows in a row of the tree.
///
/// # Errors
///
/// [`StoreError::Damaged`].
pub(super) fn entries(rows: &impl Rows, at: &Key, stored: &[u8]) -> Result<Vec<Entry>, StoreError> {
    let Some(packed) = codec::pack(at, stored)? else {
        return Ok(vec![(at.clone(), codec::payload(rows, at, stored)?.into_owned())]);
    };
    let mut reader = Reader::new(at, packed);
    let mut entries = Vec::with_capacity(MAX_ROWS);
    while let Some(value) = reader.next().map_err(|()| codec::damaged(at))? {
        entries.push((Key::from_bytes(&reader.key), value.to_vec()));
    }
    Ok(entries)
}

/// The pack that holds a row if any does.
fn floor(rows: &impl Ranged, key: &Key) -> Result<Option<(Key, IVec)>, StoreError> {
    last_below(rows, &key.next())
}

/// The last pack of a key's kind under a key less than it.
fn last_below(rows: &impl Ranged, key: &Key) -> Result<Option<(Key, IVec)>, StoreError> {
    rows.rows(&key.family(), key, true).next().transpose()
}

fn find<'a>(at: &Key, packed: &'a [u8], key: &Key) -> Result<Option<&'a [u8]>, StoreError> {
    let mut reader = Reader::new(at, packed);
    while let Some(value) = reader.next().map_err(|()| codec::damaged(at))? {
        if reader.key == key.as_bytes() {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn is_packable((key, value): &Entry) -> bool {
    key.as_bytes().len() + value.len() <= MAX_PACKED
}

fn bytes(entries: &[Entry]) -> usize {
    entries.iter().map(|(key, value)| key.as_bytes().len() + value.len()).sum()
}

/// Writes rows in place of the pack at `at`, cut where they are too many. A pack
/// that grew at its end is cut there: what comes in order leaves full packs behind.
fn write(plan: &mut Plan, at: &Key, held: Vec<Entry>, at_end: bool) -> Result<(), StoreError> {
    plan.remove(at)?;
    let mut rest = held.as_slice();
    let mut is_first = true;
    while let Some(first) = rest.first() {
        let (group, more) = rest.split_at(cut(rest, at_end));
        let under = if is_first && is_packable(first) { at } else { &first.0 };
        match group {
            [(key, value)] if key == under => plan.insert_rows(codec::encode_bytes(key, value)?),
            group => plan.insert_rows(vec![codec::encode_pack(under, &encode(under, group))?]),
        }
        (rest, is_first) = (more, false);
    }
    Ok(())
}

/// How many of these rows the next pack takes; at least 1.
fn cut(rest: &[Entry], at_end: bool) -> usize {
    let run = rest.iter().take_while(|entry| is_packable(entry)).count();
    let Some(run) = rest.get(..run).filter(|run| !run.is_empty()) else { return 1 };
    match run.len() {
        len if len <= MAX_ROWS && bytes(run) <= MAX_BYTES => len,
        len if at_end => len - 1,
        len => len.div_ceil(2),
    }
}

/// Rows as bytes: how much of the key before is shared (the pack's own key for the
/// first), the lengths of the rest of the key and of the value, and those two.
fn encode(at: &Key, entries: &[Entry]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(bytes(entries));
    let mut before = at.as_bytes();
    for (key, value) in entries {
        let key = key.as_bytes();
        let shared = before.iter().zip(key).take_while(|(a, b)| a == b).count();
        let rest = key.get(shared..).unwrap_or_default();
        [shared, rest.len(), value.len()].into_iter().for_each(|number| push(&mut packed, number));
        packed.extend_from_slice(rest);
        packed.extend_from_slice(value);
        before = key;
    }
    packed
}

/// Appends a number of less than 16,384: one byte below 128, else two.
fn push(bytes: &mut Vec<u8>, number: usize) {
    let low = (number & 0x7f) as u8;
    if number < 0x80 {
        bytes.push(low);
    } else {
        bytes.extend_from_slice(&[low | 0x80, (number >> 7) as u8]);
    }
}

/// Reads the rows of a pack one by one.
struct Reader<'a> {
    key: Vec<u8>,
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    fn new(at: &Key, packed: &'a [u8]) -> Self {
        Self { key: at.as_bytes().to_vec(), left: packed }
    }

    /// The value of the next row, whose key is then in `key`.
    fn next(&mut self) -> Result<Option<&'a [u8]>, ()> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let [shared, rest, value] = [self.number()?, self.number()?, self.number()?];
        if shared > self.key.len() {
            return Err(());
        }
        self.key.truncate(shared);
        let rest = self.take(rest)?;
        self.key.extend_from_slice(rest);
        self.take(value).map(Some)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], ()> {
        let (taken, left) = self.left.split_at_checked(len).ok_or(())?;
        self.left = left;
        Ok(taken)
    }

    fn number(&mut self) -> Result<usize, ()> {
        match *self.left {
            [low, ref left @ ..] if low < 0x80 => {
                self.left = left;
                Ok(usize::from(low))
            }
            [low, high, ref left @ ..] => {
                self.left = left;
                Ok(usize::from(low & 0x7f) | usize::from(high) << 7)
            }
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        store::sled::{gate::failed, keys::Kind, plan::Totals},
        types::{SiteId, TallyKey, TallyKind},
    };

    fn key(n: u16) -> Key {
        let mut digest = [0; 16];
        digest[..2].copy_from_slice(&n.to_be_bytes());
        Key::tally(&SiteId::new("daily").unwrap(), &TallyKey { kind: TallyKind::Text, digest })
    }

    fn database() -> (::sled::Db, tempfile::TempDir) {
        let home = tempfile::tempdir().unwrap();
        (::sled::open(home.path()).unwrap(), home)
    }

    /// Carries out changes as one commit.
    fn commit(db: &::sled::Db, changes: impl IntoIterator<Item = (Key, Option<Vec<u8>>)>) {
        let mut plan = Plan::new(db.clone(), Totals::default());
        for (key, value) in changes {
            let changed = plan.step(|plan| match value {
                Some(value) => put(plan, &key, value),
                None => remove(plan, &key).map(drop),
            });
            changed.unwrap();
        }
        db.apply_batch(plan.finish().unwrap().batch).map_err(|error| failed("testing", error)).unwrap();
    }

    fn all(db: &::sled::Db, from: u16, to: u16, backwards: bool) -> Vec<Entry> {
        scan(db, &key(from), &key(to), backwards).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// Rows of the tree that hold packed rows.
    fn packs(db: &::sled::Db) -> Vec<(Key, usize)> {
        let family = key(0).family();
        let rows = db.rows(&family, &family.end(), false).map(Result::unwrap);
        rows.map(|(at, stored)| (at.clone(), entries(db, &at, &stored).unwrap().len())).collect()
    }

    type Change = (u16, Option<(u8, usize)>);

    fn changes() -> impl Strategy<Value = Vec<Vec<Change>>> {
        let size = prop_oneof![8 => 0usize..60, 2 => 300usize..900, 1 => 1_400usize..9_000];
        let one = (0u16..300, prop::option::weighted(0.7, (any::<u8>(), size)));
        prop::collection::vec(prop::collection::vec(one, 1..40), 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Packed rows read like an ordered map, within a commit and after it, in
        /// both directions and in parts; and every pack stays small.
        #[test]
        fn packs_are_an_ordered_map(commits in changes(), from in 0u16..300, to in 0u16..300) {
            let (db, _home) = database();
            let mut want = BTreeMap::new();
            for changes in commits {
                let value = |of: Option<(u8, usize)>| of.map(|(byte, size)| vec![byte; size]);
                let changes: Vec<_> = changes.into_iter().map(|(n, of)| (key(n), value(of))).collect();
                for (key, value) in changes.clone() {
                    match value {
                        Some(value) => drop(want.insert(key, value)),
                        None => drop(want.remove(&key)),
                    }
                }
                commit(&db, changes);
            }
            let part: Vec<_> = want.range(key(from.min(to))..key(to)).map(|(k, v)| (k.clone(), v.clone())).collect();
            prop_assert_eq!(all(&db, from, to, false), part.clone());
            prop_assert_eq!(all(&db, from, to, true), part.into_iter().rev().collect::<Vec<_>>());
            for n in 0..300 {
                prop_assert_eq!(get(&db, &key(n)).unwrap(), want.get(&key(n)).cloned());
            }
            prop_assert!(packs(&db).iter().all(|(_, rows)| (1..=MAX_ROWS).contains(rows)));
            for row in db.iter() {
                let (key, stored) = row.unwrap();
                prop_assert!(stored.len() <= codec::MAX_INLINE + 5, "{} bytes under {key:?}", stored.len());
            }
        }

        /// Any bytes are read without a panic, and a pack reads back.
        #[test]
        fn packs_read_back(bytes in prop::collection::vec(any::<u8>(), 0..80), ns in prop::collection::btree_set(any::<u16>(), 1..16)) {
            let mut reader = Reader::new(&key(0), &bytes);
            while let Ok(Some(_)) = reader.next() {}
            let held: Vec<Entry> = ns.into_iter().map(|n| (key(n), vec![1; usize::from(n) % 300])).collect();
            let (db, _home) = database();
            let (at, stored) = codec::encode_pack(&key(0), &encode(&key(0), &held)).unwrap();
            prop_assert_eq!(entries(&db, &at, &stored).unwrap(), held);
        }
    }

    #[test]
    fn rows_in_order_fill_their_packs() {
        let (db, _home) = database();
        commit(&db, (0..160).map(|n| (key(n), Some(vec![7; 20]))));
        assert_eq!(packs(&db).iter().map(|(_, rows)| *rows).collect::<Vec<_>>(), [MAX_ROWS; 10]);
        commit(&db, (0..160).filter(|n| n % 8 > 0).map(|n| (key(n), None)));
        assert!(packs(&db).len() <= 4, "few rows share a pack: {:?}", packs(&db));
        commit(&db, (0..160).map(|n| (key(n), None)));
        assert_eq!(packs(&db), []);
    }

    #[test]
    fn a_row_from_before_packs_is_one() {
        let (db, _home) = database();
        for n in [3, 5, 9] {
            let (key, stored) = codec::encode_bytes(&key(n), b"old").unwrap().pop().unwrap();
            db.insert(key.as_bytes(), stored).unwrap();
        }
        commit(&db, [(key(4), Some(b"new".to_vec())), (key(5), None)]);
        assert_eq!(all(&db, 0, 99, false).iter().map(|(_, value)| value.len()).collect::<Vec<_>>(), [3; 3]);
        assert_eq!(packs(&db), [(key(3), 2), (key(9), 1)]);
        assert_eq!(key(3).parts().map(|(_, kind, _)| kind), Some(Kind::Tally));
    }
}
