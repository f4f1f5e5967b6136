//! The command line: what was typed, and the one function per command that does it.
//!
//! May import: all below.

mod evaluate;
mod score;
mod train;

use clap::{Parser, Subcommand};

/// tamis: comment moderation that reads the article.
#[derive(Debug, Parser)]
#[command(name = "tamis", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Score(score::ScoreArgs),
    Train(train::TrainArgs),
    Evaluate(evaluate::EvaluateArgs),
}

/// Runs the command that was typed.
///
/// # Errors
///
/// What the command says.
pub fn run(cli: &Cli) -> anyhow::Result<()> {
    match &cli.command {
        Command::Score(args) => score::run(args),
        Command::Train(args) => train::run(args),
        Command::Evaluate(args) => evaluate::run(args),
    }
}
