//! The way back from a view to the submitted bytes.
//!
//! A map is a rising list of pieces. In a linear piece every byte of the view
//! stands for one byte of the origin; a piece that was replaced as a whole (a
//! ligature, a look-alike letter, an entity) points at its origin as a whole,
//! so that spans always fall on character boundaries. Knows nothing of what
//! the texts mean.
//!
//! May import: `types`.

use crate::types::Span;

/// Marks a linear piece.
const LINEAR: u32 = u32::MAX;

/// From `text` on (up to the next piece) a view comes from `origin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    text: u32,
    origin: u32,
    /// Origin bytes of a piece replaced as a whole, or [`LINEAR`].
    len: u32,
}

/// Where each byte of a text came from. An empty map is the identity.
#[derive(Clone, Debug, Default)]
pub(super) struct SpanMap {
    pieces: Vec<Piece>,
}

impl SpanMap {
    /// Becomes the identity; keeps its buffer.
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
    }

    /// Becomes a copy of `other`; reuses its buffer.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.pieces.clear();
        self.pieces.extend_from_slice(&other.pieces);
    }

    /// States that the text from `text` on is the origin from `origin` on,
    /// byte by byte. Free when the last piece says so already.
    pub(super) fn linear(&mut self, text: u32, origin: u32) {
        match self.pieces.last() {
            Some(last)
                if last.len == LINEAR && origin.wrapping_sub(last.origin) == text.wrapping_sub(last.text) => {
            }
            _ => self.push(Piece { text, origin, len: LINEAR }),
        }
    }

    /// States that the text from `text` on replaces `origin` as a whole.
    pub(super) fn whole(&mut self, text: u32, origin: Span) {
        self.push(Piece { text, origin: origin.start, len: origin.len() });
    }

    /// A piece at the place of the last one takes that one's place: nothing
    /// was written in between.
    fn push(&mut self, piece: Piece) {
        match self.pieces.last_mut() {
            Some(last) if last.text == piece.text => *last = piece,
            _ => self.pieces.push(piece),
        }
    }

    /// The origin of `span`. `O(log pieces)`.
    pub(super) fn origin(&self, span: Span) -> Span {
        if self.pieces.is_empty() {
            return span;
        }
        let start = self.at(self.pieces.partition_point(|p| p.text <= span.start)).map_or(span.start, |p| {
            if p.len == LINEAR { p.origin + (span.start - p.text) } else { p.origin }
        });
        if span.is_empty() {
            return Span::new(start, start);
        }
        let end = self
            .at(self.pieces.partition_point(|p| p.text < span.end))
            .map_or(span.end, |p| p.origin + if p.len == LINEAR { span.end - p.text } else { p.len });
        Span::new(start, end)
    }

    /// The piece before place `next` of the list.
    fn at(&self, next: usize) -> Option<Piece> {
        self.pieces.get(next.checked_sub(1)?).copied()
    }

    /// Writes to `out` this map followed by `parent`: where a text made from
    /// the text of `parent` came from in the origin of `parent`. `len` is the
    /// length of this map's text. Linear in the pieces of both.
    pub(super) fn through(&self, parent: &Self, len: u32, out: &mut Self) {
        if parent.pieces.is_empty() {
            return out.copy_from(self);
        }
        if self.pieces.is_empty() {
            return out.copy_from(parent);
        }
        out.clear();
        let ends = self.pieces.iter().skip(1).map(|p| p.text).chain([len]);
        for (piece, end) in self.pieces.iter().zip(ends) {
            if piece.len == LINEAR {
                let from = Span::new(piece.origin, piece.origin + end.saturating_sub(piece.text));
                parent.splice(piece.text, from, out);
            } else {
                let span = Span::new(piece.origin, piece.origin + piece.len);
                out.whole(piece.text, parent.origin(span));
            }
        }
    }

    /// Writes to `out` the pieces that cover `from`, for a text at `text`.
    fn splice(&self, mut text: u32, from: Span, out: &mut Self) {
        let first = self.pieces.partition_point(|p| p.text <= from.start).saturating_sub(1);
        let pieces = self.pieces.get(first..).unwrap_or(&[]);
        let ends = pieces.iter().skip(1).map(|p| p.text).chain([u32::MAX]);
        let mut place = from.start;
        for (piece, end) in pieces.iter().zip(ends) {
            if place >= from.end {
                return;
            }
            if piece.len == LINEAR {
                out.linear(text, piece.origin + (place - piece.text));
            } else {
                out.whole(text, Span::new(piece.origin, piece.origin + piece.len));
            }
            let step = end.min(from.end) - place;
            text += step;
            place += step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_map_is_the_identity() {
        assert_eq!(SpanMap::default().origin(Span::new(3, 9)), Span::new(3, 9));
    }

    #[test]
    fn removed_bytes_shift_what_follows() {
        let mut map = SpanMap::default();
        map.linear(0, 0);
        map.linear(2, 5);
        assert_eq!(map.origin(Span::new(0, 2)), Span::new(0, 2));
        assert_eq!(map.origin(Span::new(1, 4)), Span::new(1, 7));
        assert_eq!(map.origin(Span::new(2, 4)), Span::new(5, 7));
    }

    #[test]
    fn replaced_pieces_are_pointed_at_as_a_whole() {
        let mut map = SpanMap::default();
        map.whole(0, Span::new(0, 3));
        map.linear(2, 3);
        assert_eq!(map.origin(Span::new(1, 2)), Span::new(0, 3));
        assert_eq!(map.origin(Span::new(1, 4)), Span::new(0, 5));
    }

    #[test]
    fn maps_chain() {
        let mut first = SpanMap::default();
        first.linear(0, 10);
        first.whole(4, Span::new(14, 20));
        first.linear(6, 20);
        let mut second = SpanMap::default();
        second.linear(0, 2);
        second.linear(3, 6);
        let mut both = SpanMap::default();
        second.through(&first, 8, &mut both);
        for (from, to) in [((0, 2), (12, 14)), ((2, 3), (14, 20)), ((3, 5), (20, 22)), ((0, 8), (12, 25))] {
            let span = Span::new(from.0, from.1);
            assert_eq!(both.origin(span), Span::new(to.0, to.1));
            assert_eq!(first.origin(second.origin(span)), both.origin(span));
        }
    }
}
