//! What is wrong with a rule file, where, and how to put it right.
//!
//! Every check reports here and goes on, so that one run shows every mistake.
//! Knows nothing of rules. May import: nothing of ours.

use std::{fmt, ops::Range};

use serde::Serialize;

/// Most diagnostics kept per run; beyond that a file is not a rule file.
const MAX_DIAGNOSTICS: usize = 200;

/// Widest source line shown, in characters; longer ones are shown around the fault.
const MAX_EXCERPT: usize = 160;

/// A rule file as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// How diagnostics call it: usually its path.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The rule set cannot be used.
    Error,
    /// The rule set works, but probably not as meant.
    Warning,
}

/// One thing that is wrong with a rule file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code, kebab-case; `docs/RULES.md` lists them.
    pub code: &'static str,
    /// Name of the source.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// How to put it right, when that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The source line, shortened when very long.
    #[serde(skip)]
    excerpt: String,
    /// Characters of the excerpt before the fault, and characters at fault.
    #[serde(skip)]
    caret: (usize, usize),
}

impl fmt::Display for Diagnostic {
    /// Several lines: the fault, its place, the source line with carets, help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let (before, width) = self.caret;
        writeln!(f, "{severity}[{}]: {}", self.code, self.message)?;
        writeln!(f, "{margin}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", self.excerpt)?;
        write!(f, "{margin} | {}{}", " ".repeat(before), "^".repeat(width.max(1)))?;
        if let Some(help) = &self.help {
            write!(f, "\n{margin} = help: {help}")?;
        }
        Ok(())
    }
}

/// A place: a source and bytes of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At {
    /// Position of the source in the list given.
    pub(super) source: usize,
    /// Bytes of its text.
    pub(super) bytes: Range<usize>,
}

/// What is wrong inside a text that a file holds, such as an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Bytes of that text.
    pub(super) bytes: Range<usize>,
    /// Stable code.
    pub(super) code: &'static str,
    /// What is wrong.
    pub(super) message: String,
    /// How to put it right.
    pub(super) help: Option<String>,
}

impl Problem {
    pub(super) fn new(bytes: Range<usize>, code: &'static str, message: impl Into<String>) -> Self {
        Self { bytes, code, message: message.into(), help: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// Collects what is wrong.
#[derive(Debug)]
pub(super) struct Reporter<'s> {
    sources: &'s [Source],
    found: Vec<(usize, usize, Diagnostic)>,
}

impl<'s> Reporter<'s> {
    pub(super) const fn new(sources: &'s [Source]) -> Self {
        Self { sources, found: Vec::new() }
    }

    /// The text of a source.
    pub(super) fn text(&self, source: usize) -> &'s str {
        self.sources.get(source).map_or("", |s| s.text.as_str())
    }

    /// The name of a source.
    pub(super) fn name(&self, source: usize) -> &'s str {
        self.sources.get(source).map_or("", |s| s.name.as_str())
    }

    /// Reports an error.
    pub(super) fn error(&mut self, at: &At, code: &'static str, message: impl Into<String>) {
        self.report(Severity::Error, at, code, message.into(), None);
    }

    /// Reports an error with a way out.
    pub(super) fn error_help(
        &mut self,
        at: &At,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(Severity::Error, at, code, message.into(), Some(help.into()));
    }

    /// Reports a problem of a text found at `at`.
    pub(super) fn problem(&mut self, at: &At, problem: Problem) {
        self.report(Severity::Error, at, problem.code, problem.message, problem.help);
    }

    /// Reports something that works, but probably not as meant.
    pub(super) fn warn(
        &mut self,
        at: &At,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(Severity::Warning, at, code, message.into(), Some(help.into()));
    }

    /// Whether an error was reported.
    pub(super) fn has_errors(&self) -> bool {
        self.found.iter().any(|(.., d)| d.severity == Severity::Error)
    }

    /// Everything reported, by place.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|(source, byte, _)| (*source, *byte));
        self.found.into_iter().map(|(.., diagnostic)| diagnostic).collect()
    }

    fn report(
        &mut self,
        severity: Severity,
        at: &At,
        code: &'static str,
        message: String,
        help: Option<String>,
    ) {
        // Warnings never crowd out errors.
        let kept = self.found.iter().filter(|(.., d)| d.severity == severity).count();
        if kept >= MAX_DIAGNOSTICS {
            return;
        }
        let file = self.sources.get(at.source).map_or("", |s| s.name.as_str()).to_owned();
        let place = Place::find(self.text(at.source), &at.bytes);
        self.found.push((
            at.source,
            at.bytes.start,
            Diagnostic {
                severity,
                code,
                file,
                line: place.line,
                column: place.column,
                message,
                help,
                excerpt: place.excerpt,
                caret: place.caret,
            },
        ));
    }
}

struct Place {
    line: u32,
    column: u32,
    excerpt: String,
    caret: (usize, usize),
}

impl Place {
    /// Line, column and excerpt of `bytes` in `text`; `O(n)`.
    fn find(text: &str, bytes: &Range<usize>) -> Self {
        let start = floor(text, bytes.start);
        let end = floor(text, bytes.end.max(bytes.start));
        let (head, tail) = text.split_at(start);
        let line_start = head.rfind('\n').map_or(0, |at| at + 1);
        let line_end = tail.find('\n').map_or(text.len(), |at| start + at);
        let line = text.get(line_start..line_end).unwrap_or("").trim_end_matches('\r');
        let before = text.get(line_start..start).unwrap_or("").chars().count();
        let width = text.get(start..end.min(line_end)).unwrap_or("").chars().count();
        let skip = if line.chars().count() > MAX_EXCERPT { before.saturating_sub(40) } else { 0 };
        // Tabs would put the caret in the wrong place.
        let excerpt: String =
            line.chars().skip(skip).take(MAX_EXCERPT).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let shown = before - skip;
        let room = excerpt.chars().count().saturating_sub(shown).max(1);
        Self {
            line: count(head.matches('\n').count() + 1),
            column: count(before + 1),
            excerpt,
            caret: (shown, width.clamp(1, room)),
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The last character boundary of `text` at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_show_the_line_and_point_at_the_fault() {
        let sources = [Source { name: "a.toml".into(), text: "one = 1\nzwölf = \"x\"\n".into() }];
        let mut reporter = Reporter::new(&sources);
        reporter.error_help(&At { source: 0, bytes: 17..20 }, "wrong-type", "must be a number", "write 12");
        let found = reporter.finish();
        assert_eq!((found[0].line, found[0].column), (2, 9));
        assert_eq!(
            found[0].to_string(),
            "error[wrong-type]: must be a number\n --> a.toml:2:9\n  |\n2 | zwölf = \"x\"\n  |         ^^^\n  = help: write 12"
        );
    }

    #[test]
    fn any_range_is_survived() {
        let sources = [Source { name: "a".into(), text: "äöü\n".repeat(3) + &"x".repeat(5000) }];
        for start in [0, 1, 3, 7, 500, 5020, 9999] {
            for length in [0, 1, 4000] {
                let mut reporter = Reporter::new(&sources);
                reporter.error(&At { source: 0, bytes: start..start + length }, "x", "y");
                reporter.error(&At { source: 7, bytes: 0..1 }, "x", "y");
                assert!(reporter.finish().iter().all(|d| d.to_string().len() < 1000));
            }
        }
    }
}
