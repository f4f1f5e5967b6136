//! The running node: configuration, wiring, serving, background tasks.
//!
//! The only place that names concrete types together: a backend, the system clock,
//! the door. May import: all below `cli`.

pub mod config;
mod first_run;
mod gauges;
mod learning;
mod logging;
mod serve;
mod tasks;
mod wiring;

pub mod webhooks;

pub use config::{Config, ConfigError, LogFormat, StoreKind};
pub use first_run::secret_key;
pub use serve::{StartError, serve};
pub use wiring::{lease_terms, load_snapshot, obstacles, open_portable, open_store, services};
