//! Generated wire types of `tamis.v1`; the comments in `proto/` are their reference.
//!
//! Only `api`, those commands of `cli` that talk to a server, and tests name them. May import: nothing of ours.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::allow_attributes_without_reason,
    rustdoc::all,
    reason = "generated from proto/, where comments are checked by buf"
)]

tonic::include_proto!("tamis.v1");

/// The compiled `proto/` with all imports, as reflection serves it.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tamis.binpb"));
