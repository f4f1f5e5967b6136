//! scoring: being written.
