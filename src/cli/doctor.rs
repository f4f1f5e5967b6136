//! `tamis doctor`: whether counts that are kept agree with what they count.
//!
//! Knows nothing of rows: `store::verify` does the reading. May import: `store`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

use super::print;
use crate::store;

/// Counts everything again that is kept as a number: tallies of authors, networks, domains and
/// texts, the depth of the queue, its hours, readers' records. Stop the server first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tamis doctor --recount --data-dir /var/lib/tamis\n\n\
                        Exit status: 0 every count is right, 1 one is wrong or the store cannot be read.")]
pub(super) struct DoctorArgs {
    /// Count again and compare.
    #[arg(long, required = true)]
    recount: bool,
    /// The data directory of the server.
    #[arg(long, value_name = "DIR", env = "TAMIS_DATA_DIR")]
    data_dir: PathBuf,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs `tamis doctor`.
///
/// # Errors
///
/// When the store is in use, is none, or cannot be read at all.
pub(super) fn run(args: &DoctorArgs) -> Result<ExitCode> {
    let report = store::verify(&args.data_dir.join(store::sled::DIRECTORY))?;
    if args.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&report)?));
    } else {
        for problem in &report.problems {
            print(&format!("wrong: {} {} {} {}\n", problem.site, problem.kind, problem.key, problem.message));
        }
        let wrong = report.problems.len() as u64 + report.more_problems;
        let sites = report.sites.keys().filter(|site| !site.is_empty()).count();
        print(&format!("{} rows of {sites} sites counted again, {wrong} wrong\n", report.rows));
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
