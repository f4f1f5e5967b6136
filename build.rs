//! Compiles `proto/` without a system `protoc`: protox parses, tonic generates.
//!
//! The descriptor set is kept too: reflection serves it, and tests walk it.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

/// One file per service; the messages come with their imports.
const SERVICES: &[&str] = &[
    "tamis/v1/scoring_service.proto",
    "tamis/v1/article_service.proto",
    "tamis/v1/feedback_service.proto",
    "tamis/v1/site_service.proto",
    "tamis/v1/queue_service.proto",
    "tamis/v1/audit_service.proto",
    "tamis/v1/model_service.proto",
    "tamis/v1/rule_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(SERVICES, ["proto"])?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("tamis.binpb"), descriptors.encode_to_vec())?;
    // A codec of our own, so that unreadable bytes are the caller's error.
    tonic_prost_build::configure().codec_path("crate::api::codec::ProtoCodec").compile_fds(descriptors)?;
    Ok(())
}
