//! Log lines: to standard error, as text or JSON, with ids and outcomes only.
//!
//! May import: nothing of ours.

use tracing_subscriber::{EnvFilter, fmt};

use super::LogFormat;

/// Sets up logging for the process; a second call changes nothing.
pub(super) fn start(level: &str, format: LogFormat) {
    // sled logs whole keys at debug level: they hold ids of sites and comments.
    let filter = EnvFilter::new(format!("{level},sled=warn,h2=warn,hyper=warn"));
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.try_init(),
    };
}
