//! Panics of sled become errors, without a word on standard error.
//!
//! sled asserts where a file is damaged. What it says belongs into the error that
//! the operator sees once, not as a stack trace beside it. Panics of our own code
//! outside [`caught`] are reported as ever.
//!
//! May import: `types`, `store`.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

use super::StoreError;

thread_local! {
    /// Whether this thread is inside [`caught`].
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Puts a hook before the present one that is silent inside [`caught`]. Once per
/// process; a hook set later replaces it and merely makes damage noisy.
fn quiet() {
    HOOK.call_once(|| {
        let report = take_hook();
        set_hook(Box::new(move |panic| {
            if !CAUGHT.get() {
                report(panic);
            }
        }));
    });
}

/// Runs `work` and turns a panic into [`StoreError::Backend`] with what it said.
pub(super) fn caught<T>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    quiet();
    let outer = CAUGHT.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(outer);
    done.unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("sled panicked")
            .to_owned();
        Err(StoreError::Backend { doing, source: said.into() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let caught_panic = caught("testing", || -> Result<(), StoreError> { panic!("page {}", 7) });
        let Err(StoreError::Backend { doing: "testing", source }) = caught_panic else { panic!("no error") };
        assert_eq!(source.to_string(), "page 7");
        assert_eq!(caught("testing", || Ok(5)).ok(), Some(5));
        assert!(!CAUGHT.get());
    }
}
