//! learning: being written.
