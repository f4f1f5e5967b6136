//! Keyset pages (AIP-158).
//!
//! Knows nothing of tokens on the wire. May import: nothing of ours.

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest<C> {
    /// Most rows wanted; at least 1.
    pub size: usize,
    /// The row after which the page starts; `None` for the first page.
    pub after: Option<C>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, C> {
    /// The rows, in list order. May be fewer than asked for, even none, before
    /// the end: only an absent `next` ends the list.
    pub rows: Vec<T>,
    /// Where the next page starts; `None` at the end of the list.
    pub next: Option<C>,
}
