//! A stretch of a text, in bytes.
//!
//! Knows nothing of where the text came from. May import: nothing of ours.

use serde::{Deserialize, Serialize};

/// Half-open byte range `start..end` into a UTF-8 text; both ends lie on
/// character boundaries of that text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte; never below `start`.
    pub end: u32,
}

impl Span {
    /// Makes a span; an end before its start collapses to the start.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end: if end < start { start } else { end } }
    }

    /// Length in bytes.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether nothing lies inside.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.end == self.start
    }

    /// The part of `text` it covers, or nothing when it does not fit `text`.
    #[must_use]
    pub fn of(self, text: &str) -> Option<&str> {
        text.get(self.start as usize..self.end as usize)
    }
}
