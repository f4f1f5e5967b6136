//! `tamis score`: comments as JSON lines in, verdicts as JSON lines out.
//!
//! Records nothing. May import: `learning`, `scoring`, `features`, `types`.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write, stdin, stdout},
    path::PathBuf,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Serialize;

use crate::{
    features::Context,
    learning::{Articles, Line},
    scoring::{Scratch, Snapshot, judge},
    types::{Assessment, Label, Policy},
};

/// Scores comments; one JSON object a line, in and out.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  echo '{\"id\":\"1\",\"text\":\"Fix or repair daily\",\"article_title\":\"Xi hosts Putin\"}' | tamis score"
)]
pub(super) struct ScoreArgs {
    /// Files to read; standard input when none is given.
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Folder of the bundle; the shipped one when left out.
    #[arg(long, value_name = "DIR")]
    pub(super) model: Option<PathBuf>,
    /// Articles that comments name by `article_id`, JSON lines.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(super) articles: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Output<'a> {
    id: &'a str,
    action: &'static str,
    probability: f64,
    labels: Labels,
    reasons: Vec<OutputReason<'a>>,
    model: &'a str,
}

#[derive(Serialize)]
struct Labels {
    spam: f64,
    low_content: f64,
    off_topic: f64,
    abuse: f64,
}

#[derive(Serialize)]
struct OutputReason<'a> {
    code: &'a str,
    label: &'static str,
    log_odds: f64,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<[u32; 2]>,
}

/// Runs it.
///
/// # Errors
///
/// Files that cannot be read, a bad bundle; bad lines are told on standard error and
/// fail the command at the end.
pub(super) fn run(args: &ScoreArgs) -> Result<()> {
    let snapshot = super::evaluate::snapshot(args.model.as_deref())?;
    let mut articles = Articles::default();
    for path in &args.articles {
        articles.add_file(path)?;
    }
    let mut scorer =
        Scorer { snapshot, articles, scratch: Scratch::default(), out: BufWriter::new(stdout()), bad: 0 };
    if args.files.is_empty() {
        scorer.all("(standard input)", stdin().lock())?;
    }
    for path in &args.files {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        scorer.all(&name, BufReader::with_capacity(1 << 18, file))?;
    }
    scorer.out.flush().context("cannot write")?;
    if scorer.bad > 0 {
        bail!("{} lines could not be scored", scorer.bad);
    }
    Ok(())
}

struct Scorer<W: Write> {
    snapshot: Snapshot,
    articles: Articles,
    scratch: Scratch,
    out: W,
    bad: usize,
}

impl<W: Write> Scorer<W> {
    #[expect(clippy::print_stderr, reason = "bad lines are told where results are not")]
    fn all(&mut self, name: &str, mut input: impl BufRead) -> Result<()> {
        let (mut line, mut number) = (String::new(), 0_usize);
        loop {
            line.clear();
            number += 1;
            if input.read_line(&mut line).with_context(|| format!("cannot read {name}:{number}"))? == 0 {
                return Ok(());
            }
            if line.trim().is_empty() {
                continue;
            }
            if let Err(problem) = self.one(&line) {
                self.bad += 1;
                eprintln!("{name}:{number}: {problem:#}");
            }
        }
    }

    fn one(&mut self, text: &str) -> Result<()> {
        let line: Line = serde_json::from_str(text)?;
        let comment = line.comment().context("text")?;
        let article = self.articles.of(&line);
        let context = Context { article: article.as_deref(), ..Context::default() };
        let judged = judge(&self.snapshot, &Policy::default(), None, &comment, &context, &mut self.scratch);
        let Assessment { labels, probability, reasons, .. } = &judged.assessment;
        let p = |label: Label| labels[label].probability.get();
        let output = Output {
            id: &line.id,
            action: judged.action.name(),
            probability: probability.get(),
            labels: Labels {
                spam: p(Label::Spam),
                low_content: p(Label::LowContent),
                off_topic: p(Label::OffTopic),
                abuse: p(Label::Abuse),
            },
            reasons: reasons
                .iter()
                .map(|r| OutputReason {
                    code: &r.code,
                    label: r.label.name(),
                    log_odds: r.log_odds.get(),
                    message: &r.message,
                    span: r.span.map(|s| [s.start, s.end]),
                })
                .collect(),
            model: self.snapshot.model_id(),
        };
        serde_json::to_writer(&mut self.out, &output)?;
        self.out.write_all(b"\n").context("cannot write")
    }
}
