//! What is known about a comment besides its text.
//!
//! Plain references: gathering them is `moderation`'s work. May import: `types`.

use crate::{
    text::Document,
    types::{Comment, Tally, Timestamp},
};

use super::article::ArticleProfile;

/// What is known about a comment besides its text. Everything may be absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The article, read once.
    pub article: Option<&'a ArticleProfile>,
    /// Languages the site's readers write, BCP 47; empty when not stated.
    pub languages: &'a [String],
    /// The author's record.
    pub author: Option<Tally>,
    /// The record of the client's network.
    pub network: Option<Tally>,
    /// The record of the e-mail domain.
    pub email_domain: Option<Tally>,
    /// The records of the linked domains, added up.
    pub domains: Option<Tally>,
    /// The record of exactly this text (folded).
    pub text: Option<Tally>,
    /// The present; `None` where time must not matter (training).
    pub now: Option<Timestamp>,
}

/// A comment with its context: what signals and rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The comment.
    pub comment: &'a Comment,
    /// Its body, read.
    pub document: &'a Document,
    /// What else is known.
    pub context: &'a Context<'a>,
}
