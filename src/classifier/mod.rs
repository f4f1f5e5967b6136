//! classifier: being written.
