//! The body of a comment, read once for everything that looks at it: the counts it
//! belongs to before the store is asked, the pipeline after.
//!
//! Buffers are kept per thread, so a comment in the usual run of them allocates
//! nothing to be read. May import: `types`, `text`.

use std::{cell::RefCell, mem};

use crate::{text::Document, types::Comment};

/// Documents kept per thread: a batch under way reads this many without allocating.
const KEPT: usize = 64;
/// Bytes of buffers above which a document is not kept: one huge comment must not hold
/// on to memory.
const MAX_KEPT_BYTES: usize = 64 * 1024;

thread_local! {
    static FREE: RefCell<Vec<Document>> = const { RefCell::new(Vec::new()) };
}

/// A body that was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    document: Document,
}

impl Reading {
    /// Reads the body of a comment. `O(n)` in its bytes.
    pub(super) fn of(comment: &Comment) -> Self {
        let mut document = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
        document.read(comment.body.as_str(), comment.markup);
        Self { document }
    }

    pub(super) const fn document(&self) -> &Document {
        &self.document
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if self.document.buffer_bytes() > MAX_KEPT_BYTES {
            return;
        }
        let document = mem::take(&mut self.document);
        // While a thread ends there may be nowhere to keep it.
        let _ = FREE.try_with(|free| {
            if let Ok(mut free) = free.try_borrow_mut()
                && free.len() < KEPT
            {
                free.push(document);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Body;

    #[test]
    fn buffers_are_kept_unless_huge() {
        let kept = || FREE.with_borrow(Vec::len);
        let read = |text: String| drop(Reading::of(&Comment::of(Body::new(text).expect("body"))));
        read("a remark".to_owned());
        assert_eq!(kept(), 1);
        read("another".to_owned());
        assert_eq!(kept(), 1, "the same buffers");
        read("x ".repeat(20_000));
        assert_eq!(kept(), 0, "grown too large to keep");
    }
}
