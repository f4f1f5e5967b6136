//! `tamis verify`: reads the whole store and says what is wrong with it.
//!
//! Knows nothing of rows: `store::verify` does the reading. May import: `store`.

use std::{
    io::{self, IsTerminal as _, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use crate::store::{self, Report};

/// Reads every stored row and checks it: checksums, look-ups, tallies counted
/// again. Stop the server first. Nothing is changed; a copy is read, so as much
/// free space as the store takes is needed beside it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tamis verify --data-dir /var/lib/tamis\n  tamis verify --data-dir data --json\n\n\
                        Exit status: 0 nothing wrong, 1 problems found or the store cannot be read."
)]
pub(super) struct VerifyArgs {
    /// The data directory of the server.
    #[arg(long, value_name = "DIR", env = "TAMIS_DATA_DIR")]
    pub(super) data_dir: PathBuf,
    /// Print the report as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Runs `tamis verify`: 0 when nothing is wrong, 1 otherwise.
///
/// # Errors
///
/// When the store is in use, is none, or cannot be read at all.
pub(super) fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let bar = progress();
    let path = args.data_dir.join(store::sled::DIRECTORY);
    let report = store::verify_with(&path, &mut |rows| bar.set_position(rows));
    bar.finish_and_clear();
    let report = report?;
    let mut out = io::stdout().lock();
    if args.json { print_json(&mut out, &report) } else { print_words(&mut out, &report) }
        .context("writing the report")?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A bar on a terminal, nothing elsewhere.
fn progress() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {human_pos} rows read, {per_sec}");
    let bar =
        ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn print_json(out: &mut impl Write, report: &Report) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}

fn print_words(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for (site, kinds) in &report.sites {
        let counts: Vec<_> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let name = if site.is_empty() { "(installation)" } else { site };
        writeln!(out, "{name}: {}", counts.join(", "))?;
    }
    for problem in &report.problems {
        let site = if problem.site.is_empty() { String::new() } else { format!("{}: ", problem.site) };
        let key = if problem.key.is_empty() { String::new() } else { format!(" {}", problem.key) };
        writeln!(out, "problem: {site}{}{key} {}", problem.kind, problem.message)?;
    }
    let problems = report.problems.len() as u64 + report.more_problems;
    writeln!(out, "{} rows, {} commits, {problems} problems", report.rows, report.commits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Problem;

    #[test]
    fn a_report_reads_as_sentences() {
        let problem = |site: &str, key: &str| Problem {
            site: site.into(),
            kind: "tally".into(),
            key: key.into(),
            message: "is missing".into(),
        };
        let report = Report {
            rows: 4,
            commits: 2,
            sites: [
                (String::new(), [("schema", 1)].into()),
                ("daily".into(), [("tally", 2), ("verdict", 1)].into()),
            ]
            .into(),
            problems: vec![problem("daily", "6400"), problem("", "")],
            ..Report::default()
        };
        let mut out = Vec::new();
        print_words(&mut out, &report).unwrap();
        let want = "(installation): schema 1\ndaily: tally 2, verdict 1\nproblem: daily: tally 6400 is missing\n\
                    problem: tally is missing\n4 rows, 2 commits, 2 problems\n";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }

    #[test]
    fn verify_tells_sound_from_missing() {
        let home = tempfile::tempdir().unwrap();
        let args = VerifyArgs { data_dir: home.path().to_owned(), json: true };
        assert!(verify(&args).unwrap_err().to_string().contains("cannot be read"));
        let path = home.path().join(store::sled::DIRECTORY);
        drop(store::sled::SledStore::open(&path, store::sled::SledOptions::default()).unwrap());
        assert_eq!(format!("{:?}", verify(&args).unwrap()), format!("{:?}", ExitCode::SUCCESS));
    }
}
