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
    "tamis/v1/backtest_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(SERVICES, ["proto"])?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("tamis.binpb"), descriptors.encode_to_vec())?;
    // A codec of our own, so that unreadable bytes are the caller's error.
    tonic_prost_build::configure().codec_path("crate::api::codec::ProtoCodec").compile_fds(descriptors)?;
    gather("models/corpus/comments", &out.join("corpus.jsonl"))?;
    gather("models/corpus/articles", &out.join("corpus_articles.jsonl"))?;
    Ok(())
}

/// Writes the JSON lines of a folder into one file, in the order of the files' names: a
/// node learns from them without any file beside the binary.
fn gather(folder: &str, into: &std::path::Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={folder}");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut all = String::new();
    for file in files {
        let text = fs::read_to_string(file)?;
        all.push_str(text.trim_end());
        all.push('\n');
    }
    fs::write(into, all)?;
    Ok(())
}
