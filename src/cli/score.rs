//! `tamis score`: comments as JSON lines in, verdicts as JSON lines out.
//!
//! Reads and answers block by block: whatever has arrived is scored and written
//! before more is waited for, so another program can hold a conversation with it,
//! and memory stays bounded however long the input is. Records nothing. May import:
//! `learning`, `scoring`, `features`, `types`.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read, Write, stdin, stdout},
    path::PathBuf,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use parking_lot::Mutex;
use rayon::prelude::*;
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    features::Context,
    learning::Articles,
    scoring::{Scratch, Snapshot, judge},
    types::{Assessment, Author, Body, Comment, Label, Place, Policy, Reason},
};

/// Bytes read at a time.
const BLOCK: usize = 256 * 1024;
/// Longest line: an article with a comment, many times over.
const MAX_LINE: usize = 16 << 20;
/// Pieces of a block per thread, so that threads end together.
const PIECES: usize = 4;

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
    /// Threads that score; the order of lines is kept.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    pub(super) threads: u8,
}

/// A text of a line, borrowed where the line holds it as it is.
#[derive(Default, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What scoring looks at of a line.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Input<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    author: Option<Text<'a>>,
    #[serde(borrow)]
    author_url: Option<Text<'a>>,
    #[serde(borrow)]
    article_id: Option<Text<'a>>,
    #[serde(borrow)]
    article_title: Option<Text<'a>>,
    #[serde(borrow)]
    article_text: Option<Text<'a>>,
    #[serde(borrow)]
    parent_text: Option<Text<'a>>,
}

#[derive(Serialize)]
struct Output<'a> {
    id: &'a str,
    action: &'static str,
    probability: f64,
    labels: Labels,
    reasons: Reasons<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counterfactual: Option<&'a str>,
    model: &'a str,
}

#[derive(Serialize)]
struct Labels {
    spam: f64,
    low_content: f64,
    off_topic: f64,
    abuse: f64,
}

struct Reasons<'a>(&'a [Reason]);

impl Serialize for Reasons<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|r| OutputReason {
            code: &r.code,
            label: r.label.name(),
            log_odds: r.log_odds.get(),
            message: &r.message,
            span: r.span.map(|s| [s.start, s.end]),
        }))
    }
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
    let scorer = Scorer { snapshot, policy: Policy::default(), articles: Mutex::new(articles) };
    let threads = usize::from(args.threads);
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start threads")?;
    let mut out = stdout().lock();
    let mut bad = 0;
    if args.files.is_empty() {
        bad += scorer.all("(standard input)", stdin().lock(), &pool, &mut out)?;
    }
    for path in &args.files {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        bad += scorer.all(&name, file, &pool, &mut out)?;
    }
    if bad > 0 {
        bail!("{bad} lines could not be scored");
    }
    Ok(())
}

/// Whole lines as they arrive.
struct Blocks<R> {
    input: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` given out, and read.
    given: usize,
    filled: usize,
}

impl<R: Read> Blocks<R> {
    fn new(input: R) -> Self {
        Self { input, buffer: vec![0; BLOCK], given: 0, filled: 0 }
    }

    /// What has arrived since the last block, up to the end of a line; waits only when
    /// there is no whole line yet. Empty at the end.
    fn block(&mut self) -> io::Result<&[u8]> {
        self.buffer.copy_within(self.given..self.filled, 0);
        (self.filled, self.given) = (self.filled - self.given, 0);
        loop {
            if self.filled == self.buffer.len() {
                if self.filled >= MAX_LINE {
                    let problem = format!("a line is longer than {MAX_LINE} bytes");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
                }
                self.buffer.resize(self.filled * 2, 0);
            }
            let new = match self.input.read(self.buffer.get_mut(self.filled..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            let fresh = self.buffer.get(self.filled..self.filled + new).unwrap_or_default();
            let end = memchr::memrchr(b'\n', fresh).map(|at| self.filled + at + 1);
            self.filled += new;
            if new == 0 || end.is_some() {
                self.given = end.unwrap_or(self.filled);
                return Ok(self.buffer.get(..self.given).unwrap_or_default());
            }
        }
    }
}

/// What became of a piece of a block.
#[derive(Default)]
struct Scored {
    out: Vec<u8>,
    lines: usize,
    /// Lines that could not be scored, counted from 0, and why.
    problems: Vec<(usize, anyhow::Error)>,
}

struct Scorer {
    snapshot: Snapshot,
    policy: Policy,
    articles: Mutex<Articles>,
}

impl Scorer {
    /// Scores all lines of an input; how many could not be.
    #[expect(clippy::print_stderr, reason = "bad lines are told where results are not")]
    fn all(
        &self,
        name: &str,
        input: impl Read,
        pool: &rayon::ThreadPool,
        out: &mut impl Write,
    ) -> Result<usize> {
        let (mut blocks, mut scratch) = (Blocks::new(input), Scratch::default());
        let (mut bad, mut before) = (0, 0);
        loop {
            let block = blocks.block().with_context(|| format!("cannot read {name} after line {before}"))?;
            if block.is_empty() {
                return Ok(bad);
            }
            let pieces = match pool.current_num_threads() {
                1 => vec![self.piece(block, &mut scratch)],
                threads => {
                    let pieces = split(block, threads * PIECES);
                    let score = |scratch: &mut Scratch, piece: &&[u8]| self.piece(piece, scratch);
                    pool.install(|| pieces.par_iter().map_init(Scratch::default, score).collect())
                }
            };
            for piece in pieces {
                out.write_all(&piece.out).context("cannot write")?;
                for (line, problem) in &piece.problems {
                    eprintln!("{name}:{}: {problem:#}", before + line + 1);
                }
                bad += piece.problems.len();
                before += piece.lines;
            }
            out.flush().context("cannot write")?;
        }
    }

    /// Scores whole lines.
    fn piece(&self, lines: &[u8], scratch: &mut Scratch) -> Scored {
        let mut scored = Scored { out: Vec::with_capacity(lines.len() * 4), ..Scored::default() };
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            let line = line.trim_ascii();
            if !line.is_empty() {
                let length = scored.out.len();
                if let Err(problem) = self.one(line, scratch, &mut scored.out) {
                    scored.out.truncate(length);
                    scored.problems.push((scored.lines, problem));
                }
            }
            scored.lines += 1;
        }
        scored
    }

    fn one(&self, line: &[u8], scratch: &mut Scratch, out: &mut Vec<u8>) -> Result<()> {
        let input: Input<'_> = serde_json::from_slice(line)?;
        let Input { id, text, author, author_url, article_id, article_title, article_text, parent_text } =
            input;
        let owned = |text: Option<Text<'_>>| text.map(|text| text.0.into_owned());
        let mut comment = Comment::of(Body::new(text.0.into_owned()).context("text")?);
        comment.author = Author { name: owned(author), url: owned(author_url), ..Author::default() };
        comment.place = Place { parent_text: owned(parent_text), ..Place::default() };
        let told = |text: &Option<Text<'_>>| text.as_ref().map_or("", |text| &*text.0).to_owned();
        let (id_told, title, body) = (told(&article_id), told(&article_title), told(&article_text));
        let any = !(id_told.is_empty() && title.is_empty() && body.is_empty());
        let article = any.then(|| self.articles.lock().profile(&id_told, &title, &body)).flatten();
        let context = Context { article: article.as_deref(), ..Context::default() };
        let judged = judge(&self.snapshot, &self.policy, None, &comment, &context, scratch);
        let Assessment { labels, probability, reasons, counterfactual, .. } = &judged.assessment;
        let p = |label: Label| labels[label].probability.get();
        let output = Output {
            id: &id.0,
            action: judged.action.name(),
            probability: probability.get(),
            labels: Labels {
                spam: p(Label::Spam),
                low_content: p(Label::LowContent),
                off_topic: p(Label::OffTopic),
                abuse: p(Label::Abuse),
            },
            reasons: Reasons(reasons),
            counterfactual: counterfactual.as_ref().map(|c| c.message.as_ref()),
            model: self.snapshot.model_id(),
        };
        serde_json::to_writer(&mut *out, &output)?;
        out.push(b'\n');
        Ok(())
    }
}

/// About `count` pieces of a block, each of whole lines.
fn split(block: &[u8], count: usize) -> Vec<&[u8]> {
    let least = block.len() / count.max(1) + 1;
    let (mut pieces, mut rest) = (Vec::with_capacity(count), block);
    while !rest.is_empty() {
        let from = least.min(rest.len()) - 1;
        let tail = rest.get(from..).unwrap_or_default();
        let end = memchr::memchr(b'\n', tail).map_or(rest.len(), |at| from + at + 1);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes a few at a time.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(n);
            buffer[..n].copy_from_slice(now);
            self.0 = later;
            Ok(n)
        }
    }

    #[test]
    fn blocks_are_whole_lines_as_they_arrive() {
        let text = format!("one\ntwo\n{}\nlast", "x".repeat(BLOCK + 9));
        for step in [1, 3, 7, 1 << 20] {
            let mut blocks = Blocks::new(Dribble(text.as_bytes(), step));
            let mut all = Vec::new();
            loop {
                let block = blocks.block().expect("reads").to_vec();
                assert!(
                    block.ends_with(b"\n") || block.is_empty() || block.ends_with(b"last"),
                    "step {step}"
                );
                if block.is_empty() {
                    break;
                }
                all.extend(block);
            }
            assert_eq!(all, text.as_bytes(), "step {step}");
        }
        let mut waits = Blocks::new(Dribble(b"one\ntwo", 4));
        assert_eq!(waits.block().expect("reads"), b"one\n", "does not wait for more");
    }

    #[test]
    fn pieces_make_up_the_block() {
        let block: Vec<u8> = (0..100).flat_map(|i| format!("{i}\n").into_bytes()).collect();
        for count in [1, 2, 8, 500] {
            let pieces = split(&block, count);
            assert_eq!(pieces.concat(), block);
            assert!(pieces.len() <= count.max(1) && pieces.iter().all(|p| p.ends_with(b"\n")), "{count}");
        }
    }

    #[test]
    fn threads_change_nothing() {
        let snapshot = super::super::evaluate::snapshot(None).expect("the shipped bundle");
        let articles = Mutex::new(Articles::default());
        let scorer = Scorer { snapshot, policy: Policy::default(), articles };
        let lines: String = (0..400)
            .map(|i| match i % 50 {
                7 => "{\"id\":3}\n".to_owned(),
                9 => "\n".to_owned(),
                _ => format!(
                    "{{\"id\":\"{i}\",\"text\":\"remark {i} on \\u0074rams\",\"article_title\":\"Trams\"}}\n"
                ),
            })
            .collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let mut out = Vec::new();
            let bad = scorer.all("test", lines.as_bytes(), &pool, &mut out).expect("scores");
            (bad, out)
        };
        let (bad, out) = run(1);
        assert_eq!((bad, out.iter().filter(|b| **b == b'\n').count()), (8, 384));
        assert!(out.starts_with(b"{\"id\":\"0\",\"action\":"));
        assert_eq!(run(3), (bad, out));
    }
}
