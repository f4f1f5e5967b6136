//! `tamis train`: labelled comments in, a bundle out.
//!
//! May import: `learning`, `rules`.

use std::{io::IsTerminal, path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use clap::Args;
use indicatif::ProgressBar;

use crate::{
    learning::{Articles, DataSet, TrainConfig, save_bundle, train_reporting},
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
    /// Size of the table of text weights: 2^BITS slots.
    #[arg(long, default_value_t = 19, value_parser = clap::value_parser!(u32).range(8..=22))]
    pub(super) bits: u32,
    /// Comments that a feature must occur in to be learnt.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) least: u32,
    /// Parts held out in turn for the margins that the combiner learns from.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(2..=10))]
    pub(super) folds: u64,
    /// Pull of the signals' weights towards 0, against that of the text.
    #[arg(long, default_value_t = 10.0)]
    pub(super) pull: f64,
    /// List texts that carry conflicting labels here, JSON lines.
    #[arg(long, value_name = "FILE")]
    pub(super) conflicts: Option<PathBuf>,
    /// Cost of an error against large weights.
    #[arg(long, default_value_t = 1.0)]
    pub(super) c: f32,
    /// Passes over the samples at most.
    #[arg(long, default_value_t = 5)]
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
        least: args.least,
        folds: args.folds,
        pull: args.pull,
        c: args.c,
        epochs: args.epochs,
        seed: args.seed,
        cross: !args.no_cross,
        threads: args.threads,
    };
    let (bundle, conflicts) =
        train_reporting(&config, &sets, &RuleSet::starter(), &|stage| tell(&bar, stage))?;
    if let Some(path) = &args.conflicts {
        let lines = conflicts.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        std::fs::write(path, lines.join("\n") + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
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
