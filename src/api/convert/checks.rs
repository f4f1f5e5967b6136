//! Collects what is wrong with a request, all of it, with field paths.
//!
//! Knows no message. May import: `api::error`.

use std::fmt::Display;

use crate::api::error::{ApiError, Violation};

/// Most violations that are listed: a batch of garbage gets no longer an answer.
const MAX_LISTED: usize = 100;

/// The violations found so far, and the path of the message being read.
#[derive(Debug, Default)]
pub(super) struct Checks {
    path: String,
    found: Vec<Violation>,
}

impl Checks {
    /// Notes a violation of a field of the current message.
    pub(super) fn fail(&mut self, field: &str, description: impl Display) {
        if self.found.len() < MAX_LISTED {
            let field = format!("{}{field}", self.path);
            self.found.push(Violation { field, description: description.to_string() });
        }
    }

    /// The value, or `None` and a violation.
    pub(super) fn take<T, E: Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.fail(field, error)).ok()
    }

    /// Like [`Checks::take`] for a field that may be absent: the outer `None` means
    /// that it is wrong.
    #[expect(clippy::option_option, reason = "wrong, absent and present are three answers")]
    pub(super) fn maybe<T, E: Display>(
        &mut self,
        field: &str,
        value: Option<Result<T, E>>,
    ) -> Option<Option<T>> {
        match value {
            None => Some(None),
            Some(value) => self.take(field, value).map(Some),
        }
    }

    /// Notes a violation unless `holds`.
    pub(super) fn require(&mut self, field: &str, holds: bool, description: impl Display) {
        if !holds {
            self.fail(field, description);
        }
    }

    /// Reads a message inside the current one: paths get `field.` in front.
    pub(super) fn inside<T>(&mut self, field: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push_str(field);
        self.path.push('.');
        let value = read(self);
        self.path.truncate(length);
        value
    }

    /// The value if nothing was wrong.
    ///
    /// # Errors
    ///
    /// [`ApiError::Fields`] with everything that was noted.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, ApiError> {
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            Some(_) | None => Err(ApiError::Fields(self.found)),
        }
    }
}

/// The known value of an enum field; unspecified is none.
///
/// # Errors
///
/// What the field must be, when the number is unknown.
pub(super) fn known<E: TryFrom<i32> + PartialEq + Default>(number: i32) -> Result<Option<E>, &'static str> {
    let value = E::try_from(number).map_err(|_| "must be a value of the enum")?;
    Ok((value != E::default()).then_some(value))
}

/// The text unless it is empty.
pub(super) fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The text if it is short enough.
///
/// # Errors
///
/// What the field must be.
pub(super) fn at_most(text: String, bytes: usize) -> Result<String, String> {
    if text.len() <= bytes {
        return Ok(text);
    }
    Err(format!("must be at most {bytes} bytes, got {}", text.len()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Paths of the fields that a conversion refused.
    pub(in crate::api::convert) fn refused<T: std::fmt::Debug>(result: Result<T, ApiError>) -> Vec<String> {
        result.unwrap_err().violations().into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn paths_follow_nesting() {
        let mut checks = Checks::default();
        checks.fail("parent", "must be");
        checks.inside("comment", |checks| {
            checks.fail("body", "must be");
            checks.inside("author", |checks| checks.fail("url", "must be"));
        });
        checks.fail("request_id", "must be");
        let paths = refused(checks.finish(Some(())));
        assert_eq!(paths, ["parent", "comment.body", "comment.author.url", "request_id"]);
    }
}
