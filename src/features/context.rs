//! What is known about a comment besides its text.
//!
//! Plain references: gathering them is `moderation`'s work. May import: `types`.

use crate::{
    text::Document,
    types::{Comment, Lessons, Tally, Timestamp},
};

use super::article::ArticleProfile;

/// What people ruled on texts nearly the same as a comment's, each counted by how near
/// it comes, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NearRulings {
    /// Those that may stand.
    pub approved: f64,
    /// Those that were rejected.
    pub rejected: f64,
    /// How near the nearest comes.
    pub nearest: f64,
}

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
    /// What people ruled on texts that are nearly this one.
    pub near: Option<NearRulings>,
    /// What the decisions of the site teach.
    pub lessons: Option<&'a Lessons>,
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
