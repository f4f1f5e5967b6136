//! `tamis webhooks`: posts of decisions that could not be sent.
//!
//! Looks at files of the data folder only, so a server may run on it. May import: `app`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use super::{
    print,
    terminal::{Screen, tame},
};
use crate::app::webhooks::{replay, waiting};

/// Shows posts of decisions that could not be sent, and has them sent again.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tamis webhooks list --data-dir /var/lib/tamis")]
pub(super) struct WebhooksArgs {
    #[command(subcommand)]
    command: WebhooksCommand,
}

#[derive(Debug, Subcommand)]
enum WebhooksCommand {
    /// Lists targets with posts that were put aside.
    List {
        /// The data directory of the server.
        #[arg(long, value_name = "DIR", env = "TAMIS_DATA_DIR")]
        data_dir: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Has everything that was put aside sent again by the node, now or when it starts.
    Replay {
        /// The data directory of the server.
        #[arg(long, value_name = "DIR", env = "TAMIS_DATA_DIR")]
        data_dir: PathBuf,
    },
}

/// Runs `tamis webhooks`.
///
/// # Errors
///
/// The folder cannot be read or changed.
pub(super) fn run(args: &WebhooksArgs) -> Result<()> {
    match &args.command {
        WebhooksCommand::List { data_dir, json } => {
            let found = waiting(data_dir).with_context(|| format!("cannot read {}", data_dir.display()))?;
            if *json {
                print(&format!("{}\n", serde_json::to_string(&found)?));
            } else if found.is_empty() {
                print("nothing was put aside\n");
            } else {
                let row = |one: &crate::app::webhooks::Waiting| {
                    vec![one.target.clone(), one.letters.to_string(), tame(&one.error)]
                };
                let rows: Vec<Vec<String>> = found.iter().map(row).collect();
                print(&Screen::stdout().table(&["target", "posts", "last error"], &rows));
            }
        }
        WebhooksCommand::Replay { data_dir } => {
            let targets =
                replay(data_dir).with_context(|| format!("cannot change {}", data_dir.display()))?;
            print(&format!("posts of {targets} target(s) are sent again\n"));
        }
    }
    Ok(())
}
