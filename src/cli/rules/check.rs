//! `tamis rules check`: checks rule files as a compiler would.
//!
//! Decides nothing itself: `rules` does. May import: `rules`.

use std::{io::Write, path::PathBuf};

use clap::Args;
use serde::Serialize;

use crate::rules::{Diagnostic, RuleSet, Severity, Source};

/// `tamis rules check ...`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tamis rules check rules/              check every *.toml of a directory as one set
  tamis rules check --json site.toml    print the result as JSON
  tamis rules check                     check the rules that come with tamis

Exit status: 0 when the rules can be used (warnings included), 1 when they cannot.
docs/RULES.md describes rules and diagnostic codes.")]
pub(super) struct CheckArgs {
    /// Rule files, or directories with *.toml files; all together are one set.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(super) json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    ok: bool,
    /// Content hash of the set; absent when it cannot be used.
    id: Option<&'a str>,
    rules: usize,
    diagnostics: &'a [Diagnostic],
}

/// Checks the rules at `paths` as one set, those that come with the program
/// when there are none, and prints what is wrong. True when they can be used.
///
/// # Errors
///
/// When files cannot be read, all of which are named, or `out` not written.
pub(super) fn check(paths: &[PathBuf], json: bool, out: &mut dyn Write) -> anyhow::Result<bool> {
    let sources = match paths {
        [] => vec![Source::starter()],
        paths => read(paths)?,
    };
    let (set, diagnostics) = RuleSet::check(&sources);
    let rules = set.as_ref().map_or(0, |set| set.rules().len());
    let id = set.as_ref().map(RuleSet::id);
    if json {
        let report = Report { ok: set.is_some(), id, rules, diagnostics: &diagnostics };
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        for diagnostic in &diagnostics {
            writeln!(out, "{diagnostic}\n")?;
        }
        let warnings = diagnostics.iter().filter(|d| d.severity == Severity::Warning).count();
        let files = counted(sources.len(), "file");
        match id {
            Some(id) if warnings == 0 => {
                writeln!(out, "{} in {files}: no problems; rule set {id}", counted(rules, "rule"))?;
            }
            Some(id) => {
                let warnings = counted(warnings, "warning");
                writeln!(out, "{} in {files}: {warnings}; rule set {id}", counted(rules, "rule"))?;
            }
            None => {
                let errors = counted(diagnostics.len() - warnings, "error");
                writeln!(out, "{errors} and {} in {files}", counted(warnings, "warning"))?;
            }
        }
    }
    Ok(set.is_some())
}

/// The rule files at `paths`.
///
/// # Errors
///
/// When files cannot be read, all of which are named, or there are none.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let sources = Source::read_all(paths).map_err(|unreadable| {
        let lines = unreadable.iter().map(|one| format!("{one}: {}", one.source));
        anyhow::anyhow!(lines.collect::<Vec<_>>().join("\n"))
    })?;
    anyhow::ensure!(!sources.is_empty(), "no *.toml files there");
    Ok(sources)
}

pub(super) fn counted(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: Option<&str>, json: bool) -> (bool, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.toml");
        let paths = text.map(|text| std::fs::write(&path, text)).map_or(vec![], |_| vec![path]);
        let mut out = Vec::new();
        let ok = check(&paths, json, &mut out).unwrap();
        (ok, String::from_utf8(out).unwrap().replace(&dir.path().display().to_string(), "DIR"))
    }

    #[test]
    fn the_starter_set_is_checked_without_paths() {
        let (ok, out) = run(None, false);
        assert!(ok && out.contains(" rules in 1 file: no problems; rule set "), "{out}");
    }

    #[test]
    fn mistakes_are_shown_with_their_line() {
        let text =
            "[[expression]]\nname = \"a\"\nmessage = \"m\"\nwhen = \"link_count > 2\"\naction = \"HOLD\"\n";
        let (ok, out) = run(Some(text), false);
        assert!(!ok);
        let want = "error[unknown-name]: there is no signal or field `link_count`\n --> DIR/r.toml:4:9\n  |\n\
            4 | when = \"link_count > 2\"\n  |         ^^^^^^^^^^\n  = help: did you mean `links_count`?\n\n\
            1 error and 0 warnings in 1 file\n";
        assert_eq!(out, want);
    }

    #[test]
    fn json_has_every_diagnostic() {
        let (ok, out) = run(Some("nonsense = 1\n[[list]]\n"), true);
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert!(!ok && report["ok"] == false && report["id"].is_null());
        let codes: Vec<_> = report["diagnostics"].as_array().unwrap().iter().map(|d| &d["code"]).collect();
        assert_eq!(
            codes,
            ["unknown-key", "missing-key", "missing-key", "missing-effect", "missing-key"],
            "{out}"
        );
        assert_eq!(report["diagnostics"][0]["line"], 1);
    }

    #[test]
    fn unreadable_files_are_named() {
        let paths = ["/nowhere/a.toml", "/nowhere/b.toml"].map(PathBuf::from);
        let error = check(&paths, false, &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("a.toml") && error.contains("b.toml"), "{error}");
    }
}
