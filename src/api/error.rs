//! What can go wrong at the door, before or around a use case.
//!
//! Knows no code numbers: `status` maps kinds to them. May import: `types`.

use std::time::Duration;

use crate::types::FailureKind;

/// One field that is wrong, by its path in the proto: `comment.body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field.
    pub field: String,
    /// What it must be, in English.
    pub description: String,
}

/// What went wrong at the door.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Fields are wrong; all of them are listed.
    #[error("{}", summary(.0))]
    Fields(Vec<Violation>),
    /// The page token is none of ours, or belongs to another list.
    #[error("page_token {0}")]
    PageToken(&'static str),
    /// The bytes are no message of the expected type.
    #[error("request is not valid protobuf: {0}")]
    Unreadable(#[source] prost::DecodeError),
    /// The message is larger than the method takes.
    #[error("message of {bytes} bytes is too large: this method takes at most {limit}")]
    TooLarge {
        /// Size of the message, as announced by its frame.
        bytes: usize,
        /// Most bytes that the method takes.
        limit: usize,
    },
    /// As much work as allowed is in flight.
    #[error("too much work in flight: try again later")]
    Overloaded {
        /// How long to wait before trying again.
        retry_after: Duration,
    },
    /// The time for the call ran out.
    #[error("not done within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The server is about to stop.
    #[error("the server is shutting down: connect again")]
    ShuttingDown,
    /// A handler ran without the gate that admits callers.
    #[error("call reached its handler unauthenticated")]
    NoCaller,
}

impl ApiError {
    /// What the caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Fields(_) | Self::PageToken(_) | Self::Unreadable(_) | Self::TooLarge { .. } => {
                FailureKind::Invalid
            }
            Self::Overloaded { retry_after } => FailureKind::Quota(*retry_after),
            Self::TimedOut(_) => FailureKind::TimedOut,
            Self::ShuttingDown => FailureKind::Busy(Duration::from_secs(1)),
            Self::NoCaller => FailureKind::Internal,
        }
    }

    /// Stable machine-readable reason, part of the API contract.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Fields(_) => "FIELDS_INVALID",
            Self::PageToken(_) => "PAGE_TOKEN_INVALID",
            Self::Unreadable(_) => "REQUEST_UNREADABLE",
            Self::TooLarge { .. } => "MESSAGE_TOO_LARGE",
            Self::Overloaded { .. } => "OVERLOADED",
            Self::TimedOut(_) => "DEADLINE_PASSED",
            Self::ShuttingDown => "SHUTTING_DOWN",
            Self::NoCaller => "NO_CALLER",
        }
    }

    /// The fields that are wrong.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Fields(violations) => violations.clone(),
            Self::PageToken(what) => {
                vec![Violation { field: "page_token".to_owned(), description: (*what).to_owned() }]
            }
            Self::Unreadable(_)
            | Self::TooLarge { .. }
            | Self::Overloaded { .. }
            | Self::TimedOut(_)
            | Self::ShuttingDown
            | Self::NoCaller => Vec::new(),
        }
    }
}

/// The first violation in full and how many more there are: for people who see
/// only the message.
fn summary(violations: &[Violation]) -> String {
    match violations {
        [] => "the request is not valid".to_owned(),
        [one] => format!("{} {}", one.field, one.description),
        [first, rest @ ..] => {
            format!("{} {} (and {} more)", first.field, first.description, rest.len())
        }
    }
}
