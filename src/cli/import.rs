//! `tamis import`: comments and labels from before, as verdicts and feedback.
//!
//! Comments are recorded in groups, each one durable step, so that an import is as
//! fast as the store and not as one sync per line. May import: `types`, `store`,
//! `moderation`, `learning`, `app`.

use std::{
    collections::HashSet,
    fs::File,
    io::{BufRead, BufReader, IsTerminal as _, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use futures_util::future::join_all;
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

use crate::{
    learning::{ArticleLine, Line, known_labels},
    moderation::{ModerationError, Services, Submission},
    store::SharedStore,
    types::{
        ArticleId, Comment, CommentId, FeedbackSource, KeyId, Label, PerLabel, Policy, QueueRules, Ruling,
        SiteId, VerdictId,
    },
};

use super::{keys::open, settings::Settings};

/// Comments recorded in one step.
const GROUP: usize = 200;

/// Imports comments (JSON lines, as `tamis score` reads them) into a data folder; lines
/// with labels become feedback of a moderator. What is there already is passed over, so an
/// import that was cut off can simply be run again. Stop the server first.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tamis import --site default --articles articles.jsonl -- comments.jsonl\n\n\
    Bad lines are told with file and line number and left out; the others are imported.\n\
    Exit status: 0 everything is there, 1 lines were left out or the store cannot be used."
)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    settings: Settings,
    /// The site; it is made when it is not there.
    #[arg(long, default_value = "default")]
    site: String,
    /// Articles to put first, JSON lines. Give it once per file.
    #[arg(long, num_args = 1, value_name = "FILE")]
    articles: Vec<PathBuf>,
    /// Comments.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Default)]
struct Counts {
    comments: usize,
    labels: usize,
    again: usize,
    articles: usize,
    bad: usize,
}

/// Runs it.
///
/// # Errors
///
/// The store or a file cannot be opened; lines that could not be imported, at the end.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run(args: &ImportArgs) -> Result<()> {
    let site = SiteId::new(&args.site).context("--site")?;
    let sizes: Result<Vec<u64>> = args.articles.iter().chain(&args.files).map(|path| size(path)).collect();
    let bar = progress(sizes?.iter().sum());
    let (services, store, runtime) = open(&args.settings.config()?)?;
    let mut import =
        Import { services, store: store.clone(), site, bar: bar.clone(), counts: Counts::default() };
    let done = runtime.block_on(import.all(args));
    runtime.block_on(store.close());
    bar.finish_and_clear();
    done?;
    let Counts { comments, labels, again, articles, bad } = import.counts;
    println!(
        "imported {comments} comments, {labels} labels, {articles} articles; {again} comments were there already"
    );
    if bad > 0 {
        bail!("{bad} lines could not be imported");
    }
    Ok(())
}

/// Bytes of a file, so that a missing one is told before anything is done.
fn size(path: &Path) -> Result<u64> {
    let about = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(about.len())
}

/// A bar over bytes on a terminal, nothing elsewhere.
fn progress(bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {percent}% {msg}, {eta} left");
    let bar = ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// One comment of a file, ready to be recorded.
struct Ready {
    number: usize,
    comment: Comment,
    id: CommentId,
    ruling: Option<Ruling>,
}

struct Import {
    services: Services,
    store: SharedStore,
    site: SiteId,
    bar: ProgressBar,
    counts: Counts,
}

impl Import {
    async fn all(&mut self, args: &ImportArgs) -> Result<()> {
        match self.services.sites.get(&self.site).await {
            Err(ModerationError::UnknownSite(_)) => {
                let (site, name) = (self.site.clone(), self.site.to_string());
                self.services
                    .sites
                    .create(site, name, Vec::new(), Policy::default(), QueueRules::default())
                    .await?;
            }
            other => drop(other?),
        }
        for path in &args.articles {
            for line in lines(path, &self.bar)? {
                let (number, text) = line?;
                match self.article(&text).await {
                    Ok(()) => self.counts.articles += 1,
                    Err(error) => self.bad(path, number, &error),
                }
            }
        }
        for path in &args.files {
            let mut group = Vec::new();
            for line in lines(path, &self.bar)? {
                let (number, text) = line?;
                match self.comment(number, &text).await {
                    Ok(ready) => group.push(ready),
                    Err(error) => self.bad(path, number, &error),
                }
                if group.len() >= GROUP {
                    self.record(path, std::mem::take(&mut group)).await?;
                }
            }
            self.record(path, group).await?;
        }
        Ok(())
    }

    /// Tells why a line was left out.
    #[expect(clippy::print_stderr, reason = "bad lines are told where results are not")]
    fn bad(&mut self, path: &Path, number: usize, error: &anyhow::Error) {
        self.counts.bad += 1;
        self.bar.suspend(|| eprintln!("{}:{number}: {error:#}", path.display()));
    }

    async fn article(&self, text: &str) -> Result<()> {
        let line: ArticleLine = read(text)?;
        let id = ArticleId::new(&line.id).context("id")?;
        self.services.articles.put(&self.site, id, line.fields).await?;
        Ok(())
    }

    async fn comment(&self, number: usize, text: &str) -> Result<Ready> {
        let line: Line = read(text)?;
        let labels = known_labels(&line).map_err(anyhow::Error::msg)?;
        let mut comment = line.comment().context("text")?;
        match (line.article(), line.article_id.as_deref().map(ArticleId::new)) {
            (Some(fields), _) => comment.place.inline_article = Some(Box::new(fields)),
            (None, Some(Ok(id))) if self.services.articles.get(&self.site, &id).await.is_ok() => {
                comment.place.article = Some(id);
            }
            _ => {}
        }
        let id = comment.id.clone().unwrap_or_else(|| by_content(text));
        comment.id = Some(id.clone());
        Ok(Ready { number, comment, id, ruling: ruling(&labels) })
    }

    /// Records a group and the labels of its comments. A comment that was recorded
    /// before, by a run that was cut off, gets the label that it still lacks.
    async fn record(&mut self, path: &Path, group: Vec<Ready>) -> Result<()> {
        let actor = KeyId::new("import").expect("an id");
        let (mut rulings, mut fresh, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for ready in group {
            if !seen.insert(ready.id.clone()) {
                self.counts.again += 1;
                continue;
            }
            match self.services.intake.verdict_of(&self.site, &ready.id).await {
                Ok(known) => {
                    self.counts.again += 1;
                    if self.store.feedback_on(&self.site, known.id).await?.is_empty() {
                        rulings.extend(ready.ruling.map(|ruling| (ready.number, known.id, ruling)));
                    }
                }
                Err(ModerationError::UnknownComment(_)) => fresh.push(ready),
                Err(error) => return Err(error.into()),
            }
        }
        let submissions =
            fresh.iter().map(|r| Submission { comment: r.comment.clone(), request: None }).collect();
        let answers = self.services.intake.score_many(&self.site, &actor, submissions).await;
        for (ready, answer) in fresh.into_iter().zip(answers) {
            match answer {
                Ok(verdict) => {
                    self.counts.comments += 1;
                    rulings.extend(ready.ruling.map(|ruling| (ready.number, verdict.id, ruling)));
                }
                Err(error) => self.bad(path, ready.number, &error.into()),
            }
        }
        self.report(path, &actor, rulings).await;
        self.bar.set_message(format!("{} comments", self.counts.comments));
        Ok(())
    }

    /// Reports labels side by side, so that they share the syncs of the store.
    async fn report(&mut self, path: &Path, actor: &KeyId, rulings: Vec<(usize, VerdictId, Ruling)>) {
        let one = async |(number, verdict, ruling): (usize, VerdictId, Ruling)| {
            let (note, source) = ("imported".to_owned(), FeedbackSource::Moderator);
            let desk = &self.services.feedback;
            (number, desk.report(&self.site, actor, verdict, ruling, source, note, None).await)
        };
        for (number, done) in join_all(rulings.into_iter().map(one)).await {
            match done {
                Ok(_) => self.counts.labels += 1,
                Err(error) => self.bad(path, number, &error.into()),
            }
        }
    }
}

/// The id of a comment that has none: its line's content, so that the same line is
/// recognised when the import is run again.
fn by_content(text: &str) -> CommentId {
    let digest: [u8; 32] = Sha256::digest(text.trim().as_bytes()).into();
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    CommentId::new(&format!("line-{hex}")).expect("hexadecimal digits are an id")
}

/// Reads one line; what is wrong is told with its column.
fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        let (said, column) = (error.to_string(), error.column());
        let said = said.rsplit_once(" at line").map_or(said.as_str(), |(said, _)| said);
        anyhow::anyhow!("column {column}: {said}")
    })
}

/// The lines of a file that are not blank, with their numbers from 1. A line that is
/// not UTF-8 ends the import: the file is something else.
fn lines(path: &Path, bar: &ProgressBar) -> Result<impl Iterator<Item = Result<(usize, String)>> + use<>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let counted: Box<dyn Read> = Box::new(bar.wrap_read(file));
    let name = path.display().to_string();
    let numbered = BufReader::new(counted).lines().zip(1..).map(move |(line, number)| {
        let line = line.with_context(|| format!("{name}:{number}"))?;
        Ok((number, line))
    });
    Ok(numbered
        .filter(|l: &Result<(usize, String)>| l.as_ref().map_or(true, |(_, text)| !text.trim().is_empty())))
}

/// What labels say of a comment; `None` when they say nothing.
fn ruling(labels: &PerLabel<Option<bool>>) -> Option<Ruling> {
    let carried: Vec<Label> =
        labels.iter().filter(|(_, l)| **l == Some(true)).map(|(label, _)| label).collect();
    match carried.is_empty() {
        false => Some(Ruling::Reject(carried)),
        true => labels.iter().any(|(_, l)| l.is_some()).then_some(Ruling::Approve),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_line_is_told_with_its_column() {
        let error = read::<Line>("{\"text\": 7}").expect_err("a number is no text").to_string();
        assert!(error.starts_with("column ") && !error.contains("at line"), "{error}");
    }

    #[test]
    fn a_line_without_id_is_known_by_its_content() {
        assert_eq!(by_content("{\"text\":\"a\"}\n"), by_content("{\"text\":\"a\"}"));
        assert_ne!(by_content("{\"text\":\"a\"}"), by_content("{\"text\":\"b\"}"));
    }

    #[test]
    fn labels_become_rulings() {
        let ruled = |labels: &[(Label, bool)]| {
            let mut known = PerLabel::default();
            labels.iter().for_each(|(label, value)| known[*label] = Some(*value));
            ruling(&known)
        };
        assert_eq!(ruled(&[]), None);
        assert_eq!(ruled(&[(Label::Spam, false)]), Some(Ruling::Approve));
        let both = ruled(&[(Label::Spam, false), (Label::Abuse, true)]);
        assert_eq!(both, Some(Ruling::Reject(vec![Label::Abuse])));
    }
}
