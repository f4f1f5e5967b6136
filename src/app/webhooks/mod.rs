//! Signed posts of decisions to the systems of sites: the only outgoing connections
//! of a node, and none unless the operator names targets and allows their hosts.
//!
//! Each target has a place in its site's audit chain, kept in a file and moved on
//! only when a post was taken or put aside: posts come at least once and in order.
//!
//! May import: `types`, `moderation`.

mod client;
mod ledger;
mod sender;
mod target;

pub use ledger::{Waiting, replay, waiting};
pub(in crate::app) use sender::{Terms, run};
pub use target::Target;

/// The folder of places and of what was put aside, within the data folder.
pub const DIRECTORY: &str = "webhooks";
