//! observe: being written.
