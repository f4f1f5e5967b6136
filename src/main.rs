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
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tamis: {error:#}");
            ExitCode::from(if is_usage(&error) { 64 } else { 1 })
        }
    }
}
