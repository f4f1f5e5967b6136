//! What a caller can do about a failure: the closed set that every layer's
//! errors map to.
//!
//! Knows no protocol; `api` gives each kind its codes. May import: nothing of ours.

use std::time::Duration;

/// What the caller can do. Each layer's error enum answers `kind()` with one of
/// these and `reason()` with a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Correct the request.
    Invalid,
    /// Present a valid key.
    Unauthenticated,
    /// Ask for a role that may do this.
    Forbidden,
    /// Name something that exists.
    NotFound,
    /// It is there already.
    Exists,
    /// Read the newest state and try again.
    Stale,
    /// The state of the thing does not allow it now.
    NotNow,
    /// Slow down.
    Quota(Duration),
    /// Try again after this long.
    Busy(Duration),
    /// The deadline passed.
    TimedOut,
    /// Nothing; the operator has to look.
    Internal,
}
