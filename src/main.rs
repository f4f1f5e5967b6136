//! The `tamis` binary: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;
use tamis::cli::{Cli, is_usage, run};

#[expect(clippy::print_stderr, reason = "the one place where a failed command is told")]
fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 64 } else { 0 });
        }
    };
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tamis: {}", told(&error));
            ExitCode::from(if is_usage(&error) { 64 } else { 1 })
        }
    }
}

/// An error with its causes on one line; a cause that was told with what it caused is
/// not told again.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said {
        said if said.is_empty() => cause,
        said if said.contains(&cause) => said,
        said => format!("{said}: {cause}"),
    })
}
