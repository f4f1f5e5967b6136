//! `tamis train`: labelled comments in, a bundle out.
//!
//! May import: `learning`, `rules`.

use std::{io::IsTerminal, path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use clap::Args;
use indicatif::ProgressBar;

use crate::{
    learning::{Articles, DataSet, TrainConfig, save_bundle, train},
    rules::RuleSet,
};

/// Trains a model bundle from labelled comments.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tamis train --data spam.jsonl news.jsonl --articles articles.jsonl --out models/mine"
)]
pub(super) struct TrainArgs {
    /// Labelled comments, JSON lines; several files may follow.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub(super) data: Vec<PathBuf>,
    /// Articles that comments name by `article_id`, JSON lines.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(super) articles: Vec<PathBuf>,
    /// Folder of the bundle; made when missing.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Size of the hashed space: 2^BITS slots.
    #[arg(long, default_value_t = 19, value_parser = clap::value_parser!(u32).range(8..=22))]
    pub(super) bits: u32,
    /// Cost of an error against large weights.
    #[arg(long, default_value_t = 1.0)]
    pub(super) c: f32,
    /// Passes over the samples at most.
    #[arg(long, default_value_t = 10)]
    pub(super) epochs: usize,
    /// Order of samples.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Do not teach off_topic with on-topic comments set under other articles.
    #[arg(long)]
    pub(super) no_cross: bool,
    /// Threads; 0 for all. Changes no byte of the bundle.
    #[arg(long, default_value_t = 0)]
    pub(super) threads: usize,
}

/// Runs it; progress on standard error, the bundle's name on standard output.
///
/// # Errors
///
/// Files that cannot be read or written, bad lines, nothing to learn.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run(args: &TrainArgs) -> Result<()> {
    let started = Instant::now();
    let bar = progress();
    let mut articles = Articles::default();
    for path in &args.articles {
        articles.add_file(path)?;
    }
    let mut sets = Vec::with_capacity(args.data.len());
    for path in &args.data {
        tell(&bar, &format!("reading {}", path.display()));
        sets.push(DataSet::read(path, &mut articles)?);
    }
    let config = TrainConfig {
        bits: args.bits,
        c: args.c,
        epochs: args.epochs,
        seed: args.seed,
        cross: !args.no_cross,
        threads: args.threads,
    };
    let bundle = train(&config, &sets, &RuleSet::starter(), &|stage| tell(&bar, stage))?;
    let bundle = save_bundle(bundle, &args.out).context("the bundle was trained but not saved")?;
    bar.finish_and_clear();
    let comments: usize = sets.iter().map(|s| s.samples.len()).sum();
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "model {} from {comments} comments in {seconds:.1} s ({:.0} comments/s) -> {}",
        bundle.id,
        comments as f64 / seconds,
        args.out.display()
    );
    Ok(())
}

/// A spinner on a terminal, nothing elsewhere.
pub(super) fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    bar
}

/// Says what is being done: on the bar, or as a line where there is none.
#[expect(clippy::print_stderr, reason = "progress for people who watch a log")]
pub(super) fn tell(bar: &ProgressBar, stage: &str) {
    if bar.is_hidden() {
        eprintln!("{stage}");
    } else {
        bar.set_message(stage.to_owned());
    }
}
