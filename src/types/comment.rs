//! A reader's comment as a CMS sends it, checked on construction.
//!
//! Knows nothing of scoring. Personal facts (IP, e-mail) live here only on
//! their way through memory: what is stored is a [`super::Pseudonyms`].
//!
//! May import: nothing of ours.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ArticleFields, ArticleId, CommentId, Timestamp};

/// Most bytes of a comment body: a long essay; larger is an attack or a file.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Most bytes of any other text field of a comment.
pub const MAX_FIELD_BYTES: usize = 2 * 1024;

/// Why a text is not a comment body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidComment {
    /// Nothing, or white space only.
    #[error("must not be empty")]
    EmptyBody,
    /// More than [`MAX_BODY_BYTES`].
    #[error("must be at most {MAX_BODY_BYTES} bytes, got {0}")]
    BodyTooLong(usize),
}

/// A comment body: 1 to [`MAX_BODY_BYTES`] bytes with something besides white space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Body(String);

impl Body {
    /// Checks and wraps a text.
    ///
    /// # Errors
    ///
    /// [`InvalidComment`] when the text is blank or too long.
    pub fn new(text: String) -> Result<Self, InvalidComment> {
        if text.len() > MAX_BODY_BYTES {
            return Err(InvalidComment::BodyTooLong(text.len()));
        }
        if text.trim().is_empty() {
            return Err(InvalidComment::EmptyBody);
        }
        Ok(Self(text))
    }

    /// The text as submitted.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Body {
    type Error = InvalidComment;
    fn try_from(text: String) -> Result<Self, InvalidComment> {
        Self::new(text)
    }
}

impl From<Body> for String {
    fn from(body: Body) -> Self {
        body.0
    }
}

/// How the body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Markup {
    /// As it reads. Foreign markup inside is still noticed.
    #[default]
    Plain,
    /// HTML.
    Html,
    /// CommonMark.
    Markdown,
    /// BBCode.
    Bbcode,
}

/// First 16 bytes of SHA-256 of a body and how it is written: whether two
/// submissions of a comment are the same text.
#[must_use]
pub fn text_digest(body: &Body, markup: Markup) -> [u8; 16] {
    let full: [u8; 32] = Sha256::new().chain_update([markup as u8]).chain_update(&body.0).finalize().into();
    let mut cut = [0; 16];
    cut.iter_mut().zip(full).for_each(|(slot, byte)| *slot = byte);
    cut
}

/// Who wrote it, as far as the CMS says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Author {
    /// Stable id in the CMS.
    pub id: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// The link the author gave for themselves.
    pub url: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

/// Where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The article it stands under, when it was put before.
    pub article: Option<ArticleId>,
    /// The article itself, when the CMS sends it along instead of putting it.
    pub inline_article: Option<Box<ArticleFields>>,
    /// The comment it answers.
    pub parent: Option<CommentId>,
    /// Text of the comment it answers.
    pub parent_text: Option<String>,
}

/// Facts of the posting request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestFacts {
    /// Address of the client.
    pub ip: Option<IpAddr>,
    /// User agent of the client.
    pub user_agent: Option<String>,
    /// Referring page.
    pub referrer: Option<String>,
    /// Whether the field that people do not see was filled in.
    pub honeypot_filled: Option<bool>,
    /// Seconds between showing the form and posting it; finite, not negative.
    pub form_seconds: Option<f32>,
}

/// One comment to score.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// The id in the CMS.
    pub id: Option<CommentId>,
    /// What was written.
    pub body: Body,
    /// How it is written.
    pub markup: Markup,
    /// Who wrote it.
    pub author: Author,
    /// Where it stands.
    pub place: Place,
    /// How it was posted.
    pub request: RequestFacts,
    /// When it was posted.
    pub posted_at: Option<Timestamp>,
}

impl Comment {
    /// A comment of which only the body is known.
    #[must_use]
    pub fn of(body: Body) -> Self {
        Self {
            id: None,
            body,
            markup: Markup::default(),
            author: Author::default(),
            place: Place::default(),
            request: RequestFacts::default(),
            posted_at: None,
        }
    }
}
