//! A view made from another by a few replacements.
//!
//! Views V2 to V5 differ from the folded view in single characters; they are
//! written as sorted edits and only materialised when there are any.
//!
//! May import: `types`.

use crate::types::Span;

use super::{spans::SpanMap, view::View};

/// Replacements in a text, in order and apart from each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Edits {
    list: Vec<(Span, char)>,
}

/// Stands for "nothing" as a replacement; never a replacement itself.
const NOTHING: char = '\0';

impl Edits {
    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    /// How many edits there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Forgets all but the first `len` edits.
    pub(super) fn truncate(&mut self, len: usize) {
        self.list.truncate(len);
    }

    /// Replaces bytes `start..end` by `c`.
    pub(super) fn replace(&mut self, start: usize, end: usize, c: char) {
        self.list.push((Span::new(start as u32, end as u32), c));
    }

    /// Leaves out bytes `start..end`.
    pub(super) fn remove(&mut self, start: usize, end: usize) {
        self.replace(start, end, NOTHING);
    }

    /// Writes the text of `from` with the edits to `out`, tokens apart; `map`
    /// is a buffer. Linear.
    pub(super) fn apply(&self, from: &View, out: &mut View, map: &mut SpanMap) {
        out.text.clear();
        map.clear();
        let mut done = 0;
        for &(span, c) in &self.list {
            let (start, end) = (span.start as usize, span.end as usize);
            copy(&from.text, done, start, &mut out.text, map);
            done = end;
            if c != NOTHING {
                map.whole(out.text.len() as u32, span);
                out.text.push(c);
            }
        }
        copy(&from.text, done, from.text.len(), &mut out.text, map);
        map.through(&from.map, out.text.len() as u32, &mut out.map);
    }
}

fn copy(text: &str, start: usize, end: usize, out: &mut String, map: &mut SpanMap) {
    if let Some(piece) = text.get(start..end).filter(|piece| !piece.is_empty()) {
        map.linear(out.len() as u32, start as u32);
        out.push_str(piece);
    }
}
