//! `tamis models export` and `import`: a bundle between a server and a folder.
//!
//! May import: `api` (wire types), `learning`.

use std::{io::IsTerminal as _, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use indicatif::ProgressBar;
use sha2::{Digest as _, Sha256};

use super::words::{last, model, stage};
use crate::{
    api::pb::{self, export_model_response::Part as Sent, import_model_request::Part as Got},
    cli::{
        print,
        remote::{Refusal, Remote, json, next, told},
    },
    learning::{load_bundle, registry::BundleFiles, save_bundle},
};

/// Bytes of one piece of a file.
const CHUNK_BYTES: usize = 256 << 10;

/// `tamis models export ...`
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Its hash, or `active`.
    #[arg(value_name = "MODEL", default_value = "active")]
    model: String,
    /// The folder; made when missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write the bundle that the figures of its report are of instead: the same training
    /// without what was held out.
    #[arg(long)]
    measured: bool,
}

fn bar(bytes: u64) -> ProgressBar {
    if std::io::stderr().is_terminal() { ProgressBar::new(bytes) } else { ProgressBar::hidden() }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a bundle into a folder. What arrives is checked before anything is written.
pub(super) async fn export(remote: &Remote, args: &ExportArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let request = pb::ExportModelRequest { name: model(&args.model), measured: args.measured };
    let mut stream = told(client.export_model(request).await)?;
    let first = next(&mut stream).await?.and_then(|message| message.part);
    let Some(Sent::Header(header)) = first else { bail!("the server sent no header") };
    let bar = bar(u64::try_from(header.model_bytes).unwrap_or(0));
    let mut bytes = Vec::new();
    while let Some(message) = next(&mut stream).await? {
        let Some(Sent::Chunk(chunk)) = message.part else { bail!("the server sent two headers") };
        bytes.extend_from_slice(&chunk);
        bar.set_position(bytes.len() as u64);
    }
    bar.finish_and_clear();
    if sha256(&bytes) != header.model_sha256 || sha256(header.card_json.as_bytes()) != header.card_sha256 {
        bail!("what arrived does not match its checksums");
    }
    let id = crate::types::ModelId::new(last(&header.name)).context("the server sent no name")?;
    let files = BundleFiles { id, model: bytes, card: header.card_json };
    let saved = save_bundle(files.read()?, &args.out)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    print(&format!("{} -> {}\n", saved.id, args.out.display()));
    Ok(())
}

/// `tamis models import ...`
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The folder of the bundle, as `tamis train` wrote it.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Brings a bundle to the server.
pub(super) async fn import(remote: &Remote, args: &ImportArgs) -> Result<()> {
    let files = BundleFiles::of(&load_bundle(&args.dir)?)?;
    let mut client = remote.models().await?;
    let header = pb::ModelHeader {
        name: format!("models/{}", files.id),
        model_bytes: i64::try_from(files.model.len()).unwrap_or(i64::MAX),
        model_sha256: sha256(&files.model),
        card_sha256: sha256(files.card.as_bytes()),
        card_json: files.card,
    };
    let message = |part| pb::ImportModelRequest { part: Some(part) };
    let mut messages = vec![message(Got::Header(header))];
    messages.extend(files.model.chunks(CHUNK_BYTES).map(|piece| message(Got::Chunk(piece.to_vec()))));
    let answer = client.import_model(futures_util::stream::iter(messages)).await.map_err(Refusal::from)?;
    let answer = answer.into_inner();
    if args.json {
        print(&format!("{}\n", json("ImportModelResponse", &answer)?));
        return Ok(());
    }
    let one = answer.model.context("the server sent no model")?;
    print(&format!("{} is there as {}\n", last(&one.name), stage(one.stage)));
    Ok(())
}
