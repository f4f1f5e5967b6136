//! `tamis check-config`: whether a node with this configuration would start.
//!
//! Opens no store and no port. May import: `app`.

use anyhow::Result;
use clap::Args;

use super::settings::Settings;

/// Checks a configuration, its model and its rules, and starts nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tamis check-config --config /etc/tamis.toml")]
pub(super) struct CheckConfigArgs {
    #[command(flatten)]
    settings: Settings,
    /// Print the configuration as it would be used.
    #[arg(long)]
    print: bool,
    /// Print every key with its meaning and default.
    #[arg(long)]
    example: bool,
}

/// Runs it.
///
/// # Errors
///
/// Every mistake of the configuration, or else everything that is wrong with model,
/// rules and certificate.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run(args: &CheckConfigArgs) -> Result<()> {
    if args.example {
        print!("{}", crate::app::config::example());
        return Ok(());
    }
    let config = args.settings.config()?;
    let obstacles = crate::app::obstacles(&config);
    if !obstacles.is_empty() {
        let all: Vec<_> = obstacles.iter().map(ToString::to_string).collect();
        anyhow::bail!("a node would not start:\n  {}", all.join("\n").replace('\n', "\n  "));
    }
    let snapshot = crate::app::load_snapshot(&config)?;
    if args.print {
        println!("{config:#?}");
    }
    println!("configuration is fine: model {}, rules {}", snapshot.model_id(), snapshot.rules.id());
    Ok(())
}
