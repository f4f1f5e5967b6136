//! cli: being written.

pub mod rules;
