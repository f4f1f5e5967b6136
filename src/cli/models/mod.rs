//! `tamis models`: trains, compares and changes the models of a running server.
//!
//! Decides nothing itself: the server does. May import: `api` (wire types).

mod change;
mod files;
mod jobs;
mod list;
mod report;
mod sets;
mod words;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::remote::Remote;

/// Trains, compares, promotes and rolls back the models of a running server. Leads, ops and
/// admins only, with a key that is bound to no site.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    export TAMIS_CLIENT_KEY=tamis_…\n  \
    tamis models list\n  \
    tamis models show active\n  \
    tamis models train --watch\n  \
    tamis models report 0123456789abcdef --html report.html\n  \
    tamis models promote 0123456789abcdef --reason 'better on sport'\n  \
    tamis models rollback --reason 'holds too much'")]
pub(super) struct ModelsArgs {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Lists every bundle, the active one first.
    List(list::ListArgs),
    /// Shows one bundle: where it came from, its gates, and its card.
    Show(list::ShowArgs),
    /// Says in what two bundles differ.
    Diff(list::DiffArgs),
    /// Lists what was promoted, the newest first.
    History(list::HistoryArgs),
    /// Has a bundle score from now on.
    Promote(change::PromoteArgs),
    /// Goes back to the bundle that scored before.
    Rollback(change::RollbackArgs),
    /// Has a bundle score beside the active one, or no more.
    Shadow(change::ShadowArgs),
    /// Deletes a bundle that does not score.
    Delete(change::DeleteArgs),
    /// Trains a candidate from what people ruled.
    Train(jobs::TrainArgs),
    /// Lists trainings and evaluations, follows or stops one.
    Jobs(jobs::JobsArgs),
    /// Shows what was measured of a trained bundle.
    Report(report::ReportArgs),
    /// Judges frozen sets with a bundle.
    Evaluate(sets::EvaluateArgs),
    /// Freezes labelled comments under a name that never changes its meaning.
    Freeze(sets::FreezeArgs),
    /// Lists frozen sets.
    Sets(sets::SetsArgs),
    /// Writes stored rulings as JSON lines.
    Samples(sets::SamplesArgs),
    /// Has nothing learnt from an author's comments any more.
    Forget(sets::ForgetArgs),
    /// Writes a bundle into a folder that `tamis evaluate` and `--model` read.
    Export(files::ExportArgs),
    /// Brings the bundle of a folder to the server, as a candidate.
    Import(files::ImportArgs),
}

/// Runs `tamis models`.
///
/// # Errors
///
/// What the server or the files say.
pub(super) fn run(args: &ModelsArgs) -> Result<()> {
    let ModelsArgs { remote, command } = args;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            ModelsCommand::List(args) => list::list(remote, args).await,
            ModelsCommand::Show(args) => list::show(remote, args).await,
            ModelsCommand::Diff(args) => list::diff(remote, args).await,
            ModelsCommand::History(args) => list::history(remote, args).await,
            ModelsCommand::Promote(args) => change::promote(remote, args).await,
            ModelsCommand::Rollback(args) => change::rollback(remote, args).await,
            ModelsCommand::Shadow(args) => change::shadow(remote, args).await,
            ModelsCommand::Delete(args) => change::delete(remote, args).await,
            ModelsCommand::Train(args) => jobs::train(remote, args).await,
            ModelsCommand::Jobs(args) => jobs::jobs(remote, args).await,
            ModelsCommand::Report(args) => report::report(remote, args).await,
            ModelsCommand::Evaluate(args) => sets::evaluate(remote, args).await,
            ModelsCommand::Freeze(args) => sets::freeze(remote, args).await,
            ModelsCommand::Sets(args) => sets::sets(remote, args).await,
            ModelsCommand::Samples(args) => sets::samples(remote, args).await,
            ModelsCommand::Forget(args) => sets::forget(remote, args).await,
            ModelsCommand::Export(args) => files::export(remote, args).await,
            ModelsCommand::Import(args) => files::import(remote, args).await,
        }
    })
}
