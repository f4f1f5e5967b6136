//! `tamis serve`: the service.
//!
//! May import: `app`.

use anyhow::Result;

use super::settings::Settings;

/// Serves until SIGTERM.
///
/// # Errors
///
/// A bad configuration; what stood in the way of starting.
pub(super) fn run(settings: &Settings) -> Result<()> {
    Ok(crate::app::serve(&settings.config()?)?)
}
