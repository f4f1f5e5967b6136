//! What the service costs beside a no-op server of the same library, both in this
//! process, each on one thread of its own.
//!
//! Unary, batch and stream calls are judged by the CPU time of the server's thread
//! (as Linux counts it), so neither the client nor other programs matter; durable
//! calls by the clock, because waiting for the disk is what they are about. Prints a
//! line per case: name, figure, floor, ratio; fails when a ratio is below its floor.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

mod clock;
mod echo;
mod server;
#[expect(dead_code, reason = "other kinds are for the other bench")]
mod texts;

use std::{future::Future, process::ExitCode, sync::Arc, time::Instant};

use futures_util::{StreamExt as _, stream};
use tamis::{
    api::pb::{self, scoring_service_client::ScoringServiceClient},
    features::Context,
    learning::default_bundle,
    rules::RuleSet,
    scoring::{Scratch, Snapshot, judge},
    types::{Body, Comment, Policy},
};
use tonic::{Request, transport::Channel};

use server::{KEY, Running};
use texts::{Kind, texts};

/// Rounds, each of all sides in turn; the median counts.
const ROUNDS: usize = 3;
/// Calls in flight of the unary cases, and comments in flight of the durable one.
const IN_FLIGHT: usize = 64;
const DURABLE_IN_FLIGHT: usize = 256;
/// Connections of the durable case: each carries at most 128 calls at a time.
const CONNECTIONS: usize = 3;
/// Comments of a batch.
const BATCH: usize = 100;
/// Unary calls, and comments in batches and streams, of a round.
const CALLS: usize = 1_500;
const COMMENTS: usize = 4_000;

fn main() -> ExitCode {
    let snapshot = || Snapshot {
        bundle: Arc::new(default_bundle().expect("the shipped bundle is well-formed")),
        rules: Arc::new(RuleSet::starter()),
    };
    let client = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let echo = server::echo();
    let ours = server::in_memory(snapshot());
    let folder = tempfile::tempdir().expect("a folder");
    let durable = server::on_disk(snapshot(), folder.path());
    let bench = Bench {
        // Not one twice in a round: people do not copy each other all day.
        texts: texts(Kind::Short, COMMENTS),
        echo: client.block_on(connect(&echo)),
        ours: client.block_on(async {
            let [first, ..] = connect(&ours).await;
            first
        }),
        durable: client.block_on(connect(&durable)),
    };
    let mut fine = true;
    let (mut unary, mut batch, mut stream, mut disk) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let pipeline = bench.pipeline(&snapshot());
        let of = |side: &Running, work: &dyn Fn() -> usize| {
            let before = side.cpu();
            let done = work();
            (side.cpu() - before) / done as f64
        };
        let idle = of(&echo, &|| client.block_on(bench.previews(first(&bench.echo))));
        unary.push((idle, of(&ours, &|| client.block_on(bench.previews(&bench.ours)))));
        batch.push((pipeline, of(&ours, &|| client.block_on(bench.batches(&bench.ours)))));
        stream.push((pipeline, of(&ours, &|| client.block_on(bench.streamed(&bench.ours)))));
        let clock = |work: &dyn Fn() -> usize| {
            let start = Instant::now();
            let done = work();
            start.elapsed().as_secs_f64() / done as f64
        };
        let idle = clock(&|| client.block_on(bench.scores(&bench.echo)));
        disk.push((idle, clock(&|| client.block_on(bench.scores(&bench.durable)))));
    }
    fine &= report("preview, CPU, beside no-op calls", 0.70, unary);
    fine &= report("batch of 100, CPU, beside the pipeline", 0.50, batch);
    fine &= report("stream, CPU, beside the pipeline", 0.50, stream);
    fine &= report("durable, clock, beside no-op calls", 0.60, disk);
    [echo, ours, durable].into_iter().for_each(Running::stop);
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn first(clients: &[Client; CONNECTIONS]) -> &Client {
    let [first, ..] = clients;
    first
}

/// Prints the medians of (yardstick, measured) seconds; whether the floor holds.
fn report(name: &str, floor: f64, pairs: Vec<(f64, f64)>) -> bool {
    let median = |of: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = pairs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let ratio = median(|(yardstick, measured)| yardstick / measured);
    println!(
        "{name:<40} {:>8.0}/s, yardstick {:>8.0}/s, floor {floor:.2}, ratio {ratio:.2} {}",
        1.0 / median(|p| p.1),
        1.0 / median(|p| p.0),
        if ratio >= floor { "ok" } else { "TOO SLOW" },
    );
    ratio >= floor
}

type Client = ScoringServiceClient<Channel>;

async fn connect(to: &Running) -> [Client; CONNECTIONS] {
    let endpoint = Channel::from_shared(format!("http://{}", to.address)).expect("an address");
    let open = || async { ScoringServiceClient::new(endpoint.connect().await.expect("the server listens")) };
    [open().await, open().await, open().await]
}

struct Bench {
    texts: Vec<String>,
    echo: [Client; CONNECTIONS],
    ours: Client,
    durable: [Client; CONNECTIONS],
}

impl Bench {
    fn comments(&self, count: usize) -> impl Iterator<Item = pb::Comment> {
        let of = |(at, body): (usize, &String)| pb::Comment {
            body: body.clone(),
            comment_id: format!("c-{at}"),
            ..pb::Comment::default()
        };
        self.texts.iter().cycle().take(count).enumerate().map(of)
    }

    /// Seconds of the pipeline alone per comment.
    fn pipeline(&self, snapshot: &Snapshot) -> f64 {
        let comments: Vec<Comment> =
            self.texts.iter().filter_map(|t| Body::new(t.clone()).ok()).map(Comment::of).collect();
        let (mut scratch, policy, context) = (Scratch::default(), Policy::default(), Context::default());
        let cpu = clock::own_cpu();
        let before = cpu();
        for comment in comments.iter().cycle().take(COMMENTS) {
            std::hint::black_box(judge(snapshot, &policy, None, comment, &context, &mut scratch));
        }
        (cpu() - before) / COMMENTS as f64
    }

    async fn previews(&self, client: &Client) -> usize {
        let one = |comment| {
            let (mut client, parent) = (client.clone(), "sites/news".to_owned());
            async move {
                let request = pb::PreviewScoreRequest { parent, comment: Some(comment) };
                client.preview_score(by(request)).await.expect("answers");
            }
        };
        in_flight(self.comments(CALLS).map(one), IN_FLIGHT).await
    }

    async fn scores(&self, clients: &[Client]) -> usize {
        let mut turns = clients.iter().cycle();
        let one = |comment| {
            let mut client = turns.next().expect("there are clients").clone();
            async move {
                client.score_comment(by(score(comment))).await.expect("answers");
            }
        };
        in_flight(self.comments(CALLS).map(one), DURABLE_IN_FLIGHT).await
    }

    async fn batches(&self, client: &Client) -> usize {
        let item = |comment| pb::BatchScoreCommentsItem { comment: Some(comment), ..Default::default() };
        let items: Vec<_> = self.comments(COMMENTS).map(item).collect();
        let one = |items: &[pb::BatchScoreCommentsItem]| {
            let (mut client, items) = (client.clone(), items.to_vec());
            async move {
                let request = pb::BatchScoreCommentsRequest { parent: "sites/news".to_owned(), items };
                client.batch_score_comments(by(request)).await.expect("answers");
            }
        };
        in_flight(items.chunks(BATCH).map(one), 4).await;
        COMMENTS
    }

    async fn streamed(&self, client: &Client) -> usize {
        let requests: Vec<_> = self
            .comments(COMMENTS)
            .map(|comment| pb::StreamScoreCommentsRequest {
                parent: "sites/news".to_owned(),
                client_ref: comment.comment_id.clone(),
                comment: Some(comment),
                request_id: String::new(),
            })
            .collect();
        let answers = client.clone().stream_score_comments(by(stream::iter(requests))).await.expect("opens");
        answers.into_inner().filter(|answer| std::future::ready(answer.is_ok())).count().await
    }
}

fn score(comment: pb::Comment) -> pb::ScoreCommentRequest {
    pb::ScoreCommentRequest {
        parent: "sites/news".to_owned(),
        comment: Some(comment),
        request_id: String::new(),
    }
}

fn by<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let key = format!("Bearer {KEY}").parse().expect("a header");
    request.metadata_mut().insert("authorization", key);
    request
}

/// Works on `calls`, `count` at a time; how many there were.
async fn in_flight<F: Future<Output = ()>>(calls: impl Iterator<Item = F>, count: usize) -> usize {
    stream::iter(calls).buffer_unordered(count).count().await
}
