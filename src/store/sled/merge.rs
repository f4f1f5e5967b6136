//! Rows in key order from several layers, the upper ones hiding the lower ones.
//!
//! May import: `types`, `store`.

use std::{cmp::Ordering, collections::BTreeMap, iter::Peekable, ops::Bound};

use ::sled::{Db, IVec};

use super::{
    Key, StoreError,
    codec::Rows,
    gate::{View, failed},
    plan::{Image, Plan},
};

/// Rows in a range, one after the other.
pub(super) type Range<'a> = Box<dyn Iterator<Item = Result<(Key, IVec), StoreError>> + 'a>;

/// Rows that can be read in key order.
pub(super) trait Ranged: Rows {
    /// Rows with `start <= key < end`, from the end when `backwards`.
    fn rows(&self, start: &Key, end: &Key, backwards: bool) -> Range<'_>;
}

impl Ranged for View<'_> {
    fn rows(&self, start: &Key, end: &Key, backwards: bool) -> Range<'_> {
        let rows = (*self).range(start, end);
        if backwards { Box::new(rows.rev()) } else { Box::new(rows) }
    }
}

impl Ranged for Db {
    fn rows(&self, start: &Key, end: &Key, backwards: bool) -> Range<'_> {
        let rows = self.range(start.as_bytes()..end.as_bytes()).map(|row| match row {
            Ok((key, stored)) => Ok((Key::from_bytes(&key), stored)),
            Err(error) => Err(failed("listing rows", error)),
        });
        if backwards { Box::new(rows.rev()) } else { Box::new(rows) }
    }
}

impl Ranged for Plan {
    fn rows(&self, start: &Key, end: &Key, backwards: bool) -> Range<'_> {
        let [lower, upper] = self.layers();
        let below = self.db().rows(start, end, backwards);
        let middle = overlay(below, written(lower, start, end, backwards), backwards);
        overlay(middle, written(upper, start, end, backwards), backwards)
    }
}

/// What was written in a range; `None` where a row was removed.
type Written<'a> = Box<dyn Iterator<Item = (&'a Key, &'a Option<IVec>)> + 'a>;

fn written<'a>(layer: &'a Image, start: &Key, end: &Key, backwards: bool) -> Written<'a> {
    if start >= end {
        return Box::new(std::iter::empty());
    }
    let rows = BTreeMap::range(layer, (Bound::Included(start), Bound::Excluded(end)));
    if backwards { Box::new(rows.rev()) } else { Box::new(rows) }
}

/// Lays what was written over what was there.
fn overlay<'a>(below: Range<'a>, above: Written<'a>, backwards: bool) -> Range<'a> {
    Box::new(Overlay { below: below.peekable(), above: above.peekable(), backwards })
}

struct Overlay<'a> {
    below: Peekable<Range<'a>>,
    above: Peekable<Written<'a>>,
    backwards: bool,
}

impl Iterator for Overlay<'_> {
    type Item = Result<(Key, IVec), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let order = match (self.below.peek(), self.above.peek()) {
                (_, None) | (Some(Err(_)), _) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(Ok((below, _))), Some((above, _))) if self.backwards => (*above).cmp(below),
                (Some(Ok((below, _))), Some((above, _))) => below.cmp(above),
            };
            if order == Ordering::Less {
                return self.below.next();
            }
            if order == Ordering::Equal {
                self.below.next();
            }
            let (key, written) = self.above.next()?;
            if let Some(stored) = written {
                return Some(Ok((key.clone(), stored.clone())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(map: &BTreeMap<u8, u8>, backwards: bool) -> Range<'static> {
        let mut rows: Vec<_> =
            map.iter().map(|(k, v)| Ok((Key::from_bytes(&[*k]), IVec::from(&[*v])))).collect();
        if backwards {
            rows.reverse();
        }
        Box::new(rows.into_iter())
    }

    proptest! {
        /// An overlay reads like the map that the writes would have made.
        #[test]
        fn an_overlay_is_what_the_writes_make(
            below in prop::collection::btree_map(any::<u8>(), any::<u8>(), 0..40),
            above in prop::collection::btree_map(any::<u8>(), prop::option::of(any::<u8>()), 0..40),
            backwards in any::<bool>(),
        ) {
            let image: Image =
                above.iter().map(|(k, v)| (Key::from_bytes(&[*k]), v.map(|v| IVec::from(&[v])))).collect();
            let (start, end) = (Key::from_bytes(&[]), Key::from_bytes(&[255, 255]));
            let over = overlay(rows(&below, backwards), written(&image, &start, &end, backwards), backwards);
            let found: Vec<_> = over.map(|row| row.map(|(k, v)| (k, v.to_vec())).unwrap()).collect();
            let mut want = below;
            for (key, value) in above {
                match value {
                    Some(value) => drop(want.insert(key, value)),
                    None => drop(want.remove(&key)),
                }
            }
            let mut want: Vec<_> = want.into_iter().map(|(k, v)| (Key::from_bytes(&[k]), vec![v])).collect();
            if backwards {
                want.reverse();
            }
            prop_assert_eq!(found, want);
        }
    }
}
