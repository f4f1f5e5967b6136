//! The command line: what was typed, and the one function per command that does it.
//!
//! May import: all below.

mod audit;
mod check_config;
mod doctor;
mod evaluate;
mod import;
mod keys;
mod migrate;
mod models;
mod queue;
mod remote;
mod rules;
mod score;
mod serve;
mod settings;
mod terminal;
mod train;
mod users;
mod verify;
mod webhooks;

use std::{io::Write as _, process::ExitCode};

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
    /// Serves comments over gRPC, and the moderators' console over HTTP, until SIGTERM.
    #[command(after_help = "Example:\n  tamis serve --data-dir /var/lib/tamis --set log.format=json\n\n\
        Every key can also be set in a file (--config) or as a variable (TAMIS_GRPC_LISTEN); \
        `tamis check-config --example` prints them all.")]
    Serve(settings::Settings),
    Score(score::ScoreArgs),
    Train(train::TrainArgs),
    Evaluate(evaluate::EvaluateArgs),
    Import(import::ImportArgs),
    Rules(Box<rules::RulesArgs>),
    Models(Box<models::ModelsArgs>),
    Queue(Box<queue::QueueArgs>),
    Audit(audit::AuditArgs),
    Webhooks(webhooks::WebhooksArgs),
    Keys(keys::KeysArgs),
    Users(users::UsersArgs),
    CheckConfig(check_config::CheckConfigArgs),
    Verify(verify::VerifyArgs),
    Migrate(migrate::MigrateArgs),
    Doctor(doctor::DoctorArgs),
}

/// Runs the command that was typed; its exit code says what it found.
///
/// # Errors
///
/// What the command says.
pub fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Serve(settings) => serve::run(settings)?,
        Command::Score(args) => score::run(args)?,
        Command::Train(args) => train::run(args)?,
        Command::Evaluate(args) => evaluate::run(args)?,
        Command::Import(args) => import::run(args)?,
        Command::Rules(args) => return rules::run(args),
        Command::Models(args) => models::run(args)?,
        Command::Queue(args) => queue::run(args)?,
        Command::Audit(args) => return audit::run(args),
        Command::Webhooks(args) => webhooks::run(args)?,
        Command::Keys(args) => keys::run(args)?,
        Command::Users(args) => users::run(args)?,
        Command::Migrate(args) => migrate::run(args)?,
        Command::Verify(args) => return verify::verify(args),
        Command::Doctor(args) => return doctor::run(args),
        Command::CheckConfig(args) => check_config::run(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes to the standard output at once. A reader that went away is no error: there
/// is nobody left to tell.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Whether an error is about what was typed or configured, not about doing it.
#[must_use]
pub fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<crate::app::ConfigError>()
}
