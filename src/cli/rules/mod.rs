//! `tamis rules`: checked here, kept by a running server.
//!
//! May import: `rules`, `api` (wire types).

mod check;
mod keep;
mod measure;
mod show;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Subcommand};

use super::remote::{Remote, Rules};
use check::{CheckArgs, check};

/// Checks rules, and keeps those of a running server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tamis rules check rules/                           check files, without a server
  tamis rules push rules/ --dry-run                  what would change on the server
  tamis rules push rules/ --note 'wave of May'       make them the draft
  tamis rules diff                                   the draft against what is in force
  tamis rules backtest                               what the draft would have done
  tamis rules publish --reason 'wave of May'         put the draft in force
  tamis rules rollback --reason 'held too much'      what was in force before
  tamis rules report                                 what each rule did lately
  tamis rules mine > mined.toml                      rules from what people rejected
  tamis rules list --all-sites                       versions of the rules for all sites

Exit status: 0 done, 1 refused or the rules cannot be used.")]
pub(super) struct RulesArgs {
    #[command(flatten)]
    remote: Remote,
    /// The rules for all sites instead of those of one.
    #[arg(long, global = true)]
    all_sites: bool,
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Check rule files: syntax, names, types, limits and every rule's own examples.
    Check(CheckArgs),
    /// Send rule files to the server: they become the draft.
    Push(PushArgs),
    /// Say what one set says differently from another.
    Diff(DiffArgs),
    /// Put a set in force.
    Publish(PublishArgs),
    /// Put the set in force that was before.
    Rollback(RollbackArgs),
    /// List the versions that are kept, newest first.
    List(ListArgs),
    /// Show the rules of a set.
    Show(ShowArgs),
    /// What a set would have done to the comments of the last weeks.
    Backtest(BacktestArgs),
    /// What each rule in force did lately.
    Report(ReportArgs),
    /// Propose rules from what people rejected lately.
    Mine(MineArgs),
}

#[derive(Debug, Args)]
struct BacktestArgs {
    /// The set: a content hash, or `draft`.
    #[arg(default_value = "draft")]
    set: String,
    /// How many days back.
    #[arg(long, default_value_t = 28)]
    days: u64,
    /// Most comments, the newest first.
    #[arg(long, default_value_t = 1_000_000)]
    limit: u64,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ReportArgs {
    /// How many days back.
    #[arg(long, default_value_t = 28)]
    days: u64,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct MineArgs {
    /// How many days back.
    #[arg(long, default_value_t = 7)]
    days: u64,
    /// Least rejected comments behind a proposal.
    #[arg(long, default_value_t = 3)]
    support: u32,
    /// Least share of rejected ones among the decided comments that a proposal matches.
    #[arg(long, default_value_t = 0.95)]
    precision: f64,
    /// Print the answer as JSON instead of a rule file.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct PushArgs {
    /// Rule files, or directories with *.toml files; all together are one set.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Why.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// Refuse unless the rules are still as they were when this etag was read.
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    /// Check and compare, and keep nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct DiffArgs {
    /// The earlier set: a content hash, `live` or `draft`.
    #[arg(default_value = "live")]
    base: String,
    /// The later set: a content hash, `live` or `draft`.
    #[arg(default_value = "draft")]
    target: String,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct PublishArgs {
    /// The set: a content hash, or `draft`.
    #[arg(default_value = "draft")]
    set: String,
    /// Why; kept in the audit chain.
    #[arg(long)]
    reason: String,
    /// Publish although this gate of the back-test stops it: approved_held.
    #[arg(long, default_value = "", hide_default_value = true, requires = "override_reason")]
    override_gate: String,
    /// Why the gate is overridden; kept in the audit chain.
    #[arg(long, default_value = "", hide_default_value = true)]
    override_reason: String,
    /// Refuse unless the rules are still as they were when this etag was read.
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    /// Check everything and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RollbackArgs {
    /// Why; kept in the audit chain.
    #[arg(long)]
    reason: String,
    /// Refuse unless the rules are still as they were when this etag was read.
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Most versions.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The set: a content hash, `live` or `draft`.
    #[arg(default_value = "live")]
    set: String,
    /// Print the files instead of the list of rules.
    #[arg(long)]
    files: bool,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

/// A connected server and the site whose rules are meant.
struct At {
    client: Rules,
    parent: String,
}

impl At {
    /// The resource name of a set.
    fn set(&self, given: &str) -> String {
        if given.contains('/') { given.to_owned() } else { format!("{}/ruleSets/{given}", self.parent) }
    }
}

/// Runs `tamis rules`.
///
/// # Errors
///
/// What the server says, or why files cannot be read.
pub(super) fn run(args: &RulesArgs) -> Result<ExitCode> {
    if let RulesCommand::Check(args) = &args.command {
        let fine = check(&args.paths, args.json, &mut std::io::stdout())?;
        return Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let parent = if args.all_sites { "sites/_".to_owned() } else { args.remote.site() };
        let mut at = At { client: args.remote.rules().await?, parent };
        let backtests = args.remote.backtests();
        match &args.command {
            RulesCommand::Check(_) => Ok(ExitCode::SUCCESS),
            RulesCommand::Push(args) => keep::push(&mut at, args).await,
            RulesCommand::Diff(args) => show::diff(&mut at, args).await,
            RulesCommand::Publish(args) => keep::publish(&mut at, args).await,
            RulesCommand::Rollback(args) => keep::roll_back(&mut at, args).await,
            RulesCommand::List(args) => show::list(&mut at, args).await,
            RulesCommand::Show(args) => show::show(&mut at, args).await,
            RulesCommand::Backtest(args) => measure::backtest(&at, backtests.await?, args).await,
            RulesCommand::Report(args) => measure::report(&at, backtests.await?, args).await,
            RulesCommand::Mine(args) => measure::mine(&at, backtests.await?, args).await,
        }
    })
}
