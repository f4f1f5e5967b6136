//! cli: being written.
pub mod verify;
