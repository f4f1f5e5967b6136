//! `tamis models evaluate`, `freeze`, `sets`, `samples` and `forget`.
//!
//! May import: `api` (wire types).

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use super::{
    jobs::started,
    words::{last, model, time},
};
use crate::{
    api::pb::{self, export_samples_response::Part as Sent, freeze_set_request::Part as Got},
    cli::{
        print,
        remote::{Refusal, Remote, json, next, told},
        terminal::Screen,
    },
};

/// Bytes of one piece of a file.
const CHUNK_BYTES: usize = 256 << 10;

/// `tamis models evaluate ...`
#[derive(Debug, Args)]
pub(super) struct EvaluateArgs {
    /// Its hash, or `active`.
    #[arg(value_name = "MODEL")]
    model: String,
    /// A frozen set; give it once per set.
    #[arg(long = "set", required = true, value_name = "NAME")]
    sets: Vec<String>,
    /// Print the job at once instead of the figures at its end.
    #[arg(long)]
    no_wait: bool,
}

/// Judges frozen sets; prints the figures as JSON.
pub(super) async fn evaluate(remote: &Remote, args: &EvaluateArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let set = |given: &String| {
        if given.contains('/') { given.clone() } else { format!("frozenSets/{given}") }
    };
    let request =
        pb::EvaluateModelRequest { name: model(&args.model), sets: args.sets.iter().map(set).collect() };
    let job = told(client.evaluate_model(request).await)?.job.context("the server sent no job")?;
    if args.no_wait {
        return started(&mut client, job, false, false).await;
    }
    let mut stream = told(client.watch_job(pb::WatchJobRequest { name: job.name.clone() }).await)?;
    while next(&mut stream).await?.is_some() {}
    let name = job.name;
    let ended = told(client.get_job(pb::GetJobRequest { name: name.clone() }).await)?.job;
    if let Some(ended) = ended.filter(|job| !job.error.is_empty()) {
        bail!("{}", ended.error);
    }
    let answer = told(client.get_evaluation(pb::GetEvaluationRequest { name }).await)?;
    print(&format!("{}\n", answer.evaluation_json));
    Ok(())
}

/// `tamis models freeze ...`
#[derive(Debug, Args)]
pub(super) struct FreezeArgs {
    /// Its name: a-z, 0-9 and -.
    #[arg(value_name = "NAME")]
    name: String,
    /// Labelled comments, JSON lines.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Articles that they name by `article_id`, JSON lines.
    #[arg(long, value_name = "FILE")]
    articles: Option<PathBuf>,
}

/// Freezes a set.
pub(super) async fn freeze(remote: &Remote, args: &FreezeArgs) -> Result<()> {
    let read = |path: &PathBuf| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let lines = read(&args.data)?;
    let articles = args.articles.as_ref().map(read).transpose()?.unwrap_or_default();
    let header = pb::FreezeSetHeader { set_id: args.name.clone(), sha256: String::new() };
    let message = |part| pb::FreezeSetRequest { part: Some(part) };
    let mut messages = vec![message(Got::Header(header))];
    messages.extend(lines.chunks(CHUNK_BYTES).map(|piece| message(Got::Chunk(piece.to_vec()))));
    messages.extend(articles.chunks(CHUNK_BYTES).map(|piece| message(Got::ArticlesChunk(piece.to_vec()))));
    let mut client = remote.models().await?;
    let answer = client.freeze_set(futures_util::stream::iter(messages)).await.map_err(Refusal::from)?;
    let set = answer.into_inner().set.context("the server sent no set")?;
    print(&format!("{} holds {} comments, {}\n", last(&set.name), set.comment_count, set.sha256));
    Ok(())
}

/// `tamis models sets ...`
#[derive(Debug, Args)]
pub(super) struct SetsArgs {
    /// As JSON lines.
    #[arg(long)]
    json: bool,
}

/// Lists frozen sets.
pub(super) async fn sets(remote: &Remote, args: &SetsArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let found = told(client.list_frozen_sets(pb::ListFrozenSetsRequest {}).await)?.sets;
    if args.json {
        for set in &found {
            print(&format!("{}\n", json("FrozenSet", set)?));
        }
        return Ok(());
    }
    let row = |set: &pb::FrozenSet| {
        vec![
            last(&set.name).to_owned(),
            set.comment_count.to_string(),
            time(set.create_time.as_ref()),
            set.sha256.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    print(&Screen::stdout().table(&["set", "comments", "frozen", "sha256"], &rows));
    Ok(())
}

/// Which rulings of a model's report.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    /// All of them.
    All,
    /// Those that the measured bundle learnt from.
    LearntFrom,
    /// Those that it was judged on.
    HeldOut,
}

/// `tamis models samples ...`
#[derive(Debug, Args)]
pub(super) struct SamplesArgs {
    /// Only those of the report of this model.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Which part of them; needs --model.
    #[arg(long, value_enum, default_value = "all")]
    part: Part,
    /// Where the comments go.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where the articles go that they name.
    #[arg(long, value_name = "FILE")]
    articles: Option<PathBuf>,
}

/// Writes stored rulings as lines.
pub(super) async fn samples(remote: &Remote, args: &SamplesArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let part = match args.part {
        Part::All => pb::SamplePart::Unspecified,
        Part::LearntFrom => pb::SamplePart::LearntFrom,
        Part::HeldOut => pb::SamplePart::HeldOut,
    };
    let model = args.model.as_deref().map(model).unwrap_or_default();
    let request = pb::ExportSamplesRequest { model, part: part.into() };
    let mut stream = told(client.export_samples(request).await)?;
    let (mut lines, mut articles) = (Vec::new(), Vec::new());
    while let Some(message) = next(&mut stream).await? {
        match message.part {
            Some(Sent::Chunk(bytes)) => lines.extend(bytes),
            Some(Sent::ArticlesChunk(bytes)) => articles.extend(bytes),
            None => {}
        }
    }
    let count = lines.iter().filter(|byte| **byte == b'\n').count();
    fs::write(&args.out, lines).with_context(|| format!("cannot write {}", args.out.display()))?;
    if let Some(path) = &args.articles {
        fs::write(path, articles).with_context(|| format!("cannot write {}", path.display()))?;
    }
    print(&format!("{count} comments -> {}\n", args.out.display()));
    Ok(())
}

/// `tamis models forget ...`
#[derive(Debug, Args)]
pub(super) struct ForgetArgs {
    /// A verdict on a comment of the author.
    #[arg(value_name = "VERDICT")]
    verdict: String,
}

/// Has nothing learnt from an author's comments any more.
pub(super) async fn forget(remote: &Remote, args: &ForgetArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let request = pb::ForgetSamplesRequest { verdict: remote.name("verdicts", &args.verdict) };
    let count = told(client.forget_samples(request).await)?.forgotten_count;
    print(&format!("{count} rulings are withdrawn; train again to have a model that never saw them\n"));
    Ok(())
}
