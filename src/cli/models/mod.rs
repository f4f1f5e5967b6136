//! `tamis models`: trains, compares and changes the models of a running server.
//!
//! Decides nothing itself: the server does. May import: `api` (wire types).

mod change;
mod files;
mod list;
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
    /// Deletes a bundle that does not score.
    Delete(change::DeleteArgs),
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
            ModelsCommand::Delete(args) => change::delete(remote, args).await,
            ModelsCommand::Export(args) => files::export(remote, args).await,
            ModelsCommand::Import(args) => files::import(remote, args).await,
        }
    })
}
