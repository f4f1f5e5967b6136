//! `tamis import`: comments and labels from before, as verdicts and feedback.
//!
//! May import: `types`, `store`, `moderation`, `learning`, `app`.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    learning::{ArticleLine, Line, known_labels},
    moderation::{ModerationError, Services, Submission},
    types::{ArticleId, FeedbackSource, KeyId, Label, PerLabel, Ruling, SiteId},
};

use super::{
    keys::open,
    settings::Settings,
    train::{progress, tell},
};

/// Imports comments (JSON lines, as `tamis score` reads them) into a data folder; lines
/// with labels become feedback of a moderator.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tamis import --site default --articles articles.jsonl comments.jsonl")]
pub(super) struct ImportArgs {
    #[command(flatten)]
    settings: Settings,
    /// The site.
    #[arg(long, default_value = "default")]
    site: String,
    /// Articles to put first, JSON lines.
    #[arg(long, num_args = 1.., value_name = "FILE")]
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

/// Runs it. A comment whose id was imported before is passed over, so an import that
/// was cut off can be run again.
///
/// # Errors
///
/// The store or a file cannot be opened; lines that could not be imported, at the end.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run(args: &ImportArgs) -> Result<()> {
    let site = SiteId::new(&args.site).context("--site")?;
    let (services, store, runtime) = open(&args.settings.config()?)?;
    let bar = progress();
    let counts = runtime.block_on(async {
        match services.sites.get(&site).await {
            Err(ModerationError::UnknownSite(_)) => {
                services
                    .sites
                    .create(site.clone(), site.to_string(), Vec::new(), crate::types::Policy::default())
                    .await?;
            }
            other => drop(other?),
        }
        let mut counts = Counts::default();
        for path in &args.articles {
            tell(&bar, &format!("articles of {}", path.display()));
            for line in lines(path)? {
                let (number, text) = line?;
                let done = article(&services, &site, &text).await;
                count(path, number, done, &mut counts.articles, &mut counts.bad);
            }
        }
        for path in &args.files {
            tell(&bar, &format!("comments of {}", path.display()));
            for line in lines(path)? {
                let (number, text) = line?;
                match comment(&services, &site, &text).await {
                    Ok(Done { again: true, .. }) => counts.again += 1,
                    Ok(Done { labelled, .. }) => {
                        counts.labels += usize::from(labelled);
                        counts.comments += 1;
                    }
                    Err(error) => count(path, number, Err(error), &mut 0, &mut counts.bad),
                }
                bar.set_message(format!("{} comments", counts.comments));
            }
        }
        anyhow::Ok(counts)
    });
    runtime.block_on(store.close());
    bar.finish_and_clear();
    let Counts { comments, labels, again, articles, bad } = counts?;
    println!(
        "imported {comments} comments, {labels} labels, {articles} articles; {again} were there already"
    );
    if bad > 0 {
        bail!("{bad} lines could not be imported");
    }
    Ok(())
}

/// The lines of a file that are not blank, with their numbers from 1.
fn lines(path: &Path) -> Result<impl Iterator<Item = Result<(usize, String)>>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let numbered = BufReader::new(file).lines().zip(1..).map(|(line, number)| Ok((number, line?)));
    Ok(numbered
        .filter(|l: &Result<(usize, String)>| l.as_ref().map_or(true, |(_, text)| !text.trim().is_empty())))
}

/// Counts a line that was done, or tells why it was not.
#[expect(clippy::print_stderr, reason = "bad lines are told where results are not")]
fn count(path: &Path, number: usize, done: Result<()>, good: &mut usize, bad: &mut usize) {
    match done {
        Ok(()) => *good += 1,
        Err(error) => {
            *bad += 1;
            eprintln!("{}:{number}: {error:#}", path.display());
        }
    }
}

async fn article(services: &Services, site: &SiteId, text: &str) -> Result<()> {
    let line: ArticleLine = serde_json::from_str(text)?;
    let id = ArticleId::new(&line.id).context("id")?;
    services.articles.put(site, id, line.fields).await?;
    Ok(())
}

struct Done {
    again: bool,
    labelled: bool,
}

async fn comment(services: &Services, site: &SiteId, text: &str) -> Result<Done> {
    let line: Line = serde_json::from_str(text)?;
    let labels = known_labels(&line).map_err(anyhow::Error::msg)?;
    let mut comment = line.comment().context("text")?;
    if let Some(id) = &comment.id
        && services.intake.verdict_of(site, id).await.is_ok()
    {
        return Ok(Done { again: true, labelled: false });
    }
    match (line.article(), line.article_id.as_deref().map(ArticleId::new)) {
        (Some(fields), _) => comment.place.inline_article = Some(Box::new(fields)),
        (None, Some(Ok(id))) if services.articles.get(site, &id).await.is_ok() => {
            comment.place.article = Some(id)
        }
        _ => {}
    }
    let actor = KeyId::new("import").expect("an id");
    let verdict = services.intake.score(site, &actor, Submission { comment, request: None }).await?;
    let Some(ruling) = ruling(&labels) else { return Ok(Done { again: false, labelled: false }) };
    let note = "imported".to_owned();
    let source = FeedbackSource::Moderator;
    services.feedback.report(site, &actor, verdict.id, ruling, source, note, None).await?;
    Ok(Done { again: false, labelled: true })
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
