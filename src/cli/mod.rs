//! The command line: what was typed, and the one function per command that does it.
//!
//! May import: all below.

mod check_config;
mod evaluate;
mod import;
mod keys;
mod score;
mod serve;
mod settings;
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
    Serve(settings::Settings),
    Score(score::ScoreArgs),
    Train(train::TrainArgs),
    Evaluate(evaluate::EvaluateArgs),
    Import(import::ImportArgs),
    Keys(keys::KeysArgs),
    CheckConfig(check_config::CheckConfigArgs),
}

/// Runs the command that was typed.
///
/// # Errors
///
/// What the command says.
pub fn run(cli: &Cli) -> anyhow::Result<()> {
    match &cli.command {
        Command::Serve(settings) => serve::run(settings),
        Command::Score(args) => score::run(args),
        Command::Train(args) => train::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Import(args) => import::run(args),
        Command::Keys(args) => keys::run(args),
        Command::CheckConfig(args) => check_config::run(args),
    }
}

/// Whether an error is about what was typed or configured, not about doing it.
#[must_use]
pub fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<crate::app::ConfigError>()
}
