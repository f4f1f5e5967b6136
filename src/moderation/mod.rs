//! moderation: being written.
