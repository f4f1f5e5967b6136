//! `tamis queue`: moderation from a terminal, over the public gRPC door.
//!
//! Knows nothing that any other client could not know. May import: `api` (wire types).

mod act;
mod campaigns;
mod list;
mod show;
mod stats;
mod words;
mod work;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::remote::Remote;

/// Shows, claims and decides what waits for a person, on a running server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    export TAMIS_CLIENT_KEY=tamis_…\n  \
    tamis queue list --label spam --limit 50\n  \
    tamis queue work\n  \
    tamis queue decide 01890a5d-ac96-774b-bcce-b302099a8057 --reject spam --note 'casino again'\n  \
    tamis queue batch --author 'cheap watches' --reject spam --dry-run\n  \
    tamis queue campaigns --view waiting\n  \
    tamis queue campaign decide 01890a5d-ac96-774b-bcce-b302099a8057 --reject spam --dry-run\n  \
    tamis queue undo batches/01890a5d-ac96-774b-bcce-b302099a8057")]
pub(super) struct QueueArgs {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: QueueCommand,
}

#[derive(Debug, Subcommand)]
enum QueueCommand {
    /// Lists what waits, most worth a look first.
    List(list::ListArgs),
    /// Shows one item with article, thread, author and reasons.
    Show(show::ShowArgs),
    /// Claims items and prints their lease tokens.
    Claim(act::ClaimArgs),
    /// Gives claimed items back.
    Release(act::ReleaseArgs),
    /// Decides one item, claiming it first unless a token is given.
    Decide(act::DecideArgs),
    /// Decides many open items at once. Leads only.
    Batch(act::BatchArgs),
    /// Lists campaigns: near-duplicates that many wrote.
    Campaigns(campaigns::ListArgs),
    /// Shows or decides one campaign.
    Campaign(campaigns::CampaignArgs),
    /// Takes a decision or a whole batch back.
    Undo(act::UndoArgs),
    /// How much waits, how fast it comes and goes.
    Stats(stats::StatsArgs),
    /// Tells what happens as it happens, until interrupted.
    Watch(stats::WatchArgs),
    /// Shows one item after the other and takes decisions by single keys.
    Work(work::WorkArgs),
}

/// Runs `tamis queue`.
///
/// # Errors
///
/// What the server or the terminal says.
pub(super) fn run(args: &QueueArgs) -> Result<()> {
    let QueueArgs { remote, command } = args;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            QueueCommand::List(args) => list::run(remote, args).await,
            QueueCommand::Show(args) => show::run(remote, args).await,
            QueueCommand::Claim(args) => act::claim(remote, args).await,
            QueueCommand::Release(args) => act::release(remote, args).await,
            QueueCommand::Decide(args) => act::decide(remote, args).await,
            QueueCommand::Batch(args) => act::batch(remote, args).await,
            QueueCommand::Campaigns(args) => campaigns::list(remote, args).await,
            QueueCommand::Campaign(args) => campaigns::run(remote, args).await,
            QueueCommand::Undo(args) => act::undo(remote, args).await,
            QueueCommand::Stats(args) => stats::stats(remote, args).await,
            QueueCommand::Watch(args) => stats::watch(remote, args).await,
            QueueCommand::Work(args) => work::run(remote, args).await,
        }
    })
}
