//! How much the whole pipeline costs beside a bare hash-and-dot loop over the same
//! n-grams: normalise, signals, rules, four heads, combine, calibrate, policy, reasons.
//!
//! Prints a line per kind of text: name, figure, floor, ratio. Only ratios are
//! judged, both sides measured in turns in one process, so the machine's speed
//! cancels out. Fails when a ratio is above its floor. Arguments choose what is measured:
//! kinds by name, or files of one text, or one JSON object with `text`, a line, which
//! are held to the floor of short texts.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

mod bare;
mod clock;
mod texts;

use std::{hint::black_box, process::ExitCode, sync::Arc};

use tamis::{
    classifier::Bundle,
    features::{Block, Context, Origin, Sink, Subject, signals::Signals, walk},
    learning::default_bundle,
    rules::{RuleSet, Source},
    scoring::{Scratch, Snapshot, judge},
    text::Document,
    types::{Body, Comment, Markup, Policy},
};

use texts::Kind;

/// Rounds, each of both sides in turn; the median counts.
const ROUNDS: usize = 9;
/// Texts of a kind: enough that their n-grams do not all stay in the cache.
const TEXTS: usize = 4_000;
/// Comments measured per round and side.
const PER_ROUND: usize = 12_000;
/// How far the counts of n-grams may differ before the two are no longer the same work.
const SAME_WORK: f64 = 0.02;

fn main() -> ExitCode {
    let bundle = Arc::new(default_bundle().expect("the shipped bundle is well-formed"));
    let snapshot = Snapshot { bundle, rules: Arc::new(RuleSet::starter()) };
    let chosen: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let mut fine = true;
    for kind in Kind::ALL.into_iter().filter(|k| chosen.is_empty() || chosen.iter().any(|c| c == k.name())) {
        let texts = texts::texts(kind, TEXTS);
        fine &= measure(kind.name(), floor(kind), kind == Kind::Short, &snapshot, &texts);
    }
    for path in
        chosen.iter().filter(|c| *c != "patterns" && Kind::ALL.iter().all(|kind| kind.name() != c.as_str()))
    {
        fine &= measure("file", floor(Kind::Short), false, &snapshot, &read(path));
    }
    if chosen.is_empty() || chosen.iter().any(|c| c == "patterns") {
        fine &= measure_patterns();
    }
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How much a set of 200 Unicode patterns costs beside one of them alone. Taken one by
/// one they would cost 200 times as much, and with a small cache of states a hundred.
fn measure_patterns() -> bool {
    const FLOOR: f64 = 20.0;
    let set = |count: usize| {
        let one = |n| {
            format!(
                "[[pattern]]\nname = 'p{n}'\nmessage = 'm'\nregex = 'w{n}[\\p{{L}}\\d]+\\s+x{n}'\nweight = {{ spam = 1 }}\n"
            )
        };
        let text = (0..count).map(one).collect();
        RuleSet::parse(&[Source { name: "bench.toml".to_owned(), text }]).expect("sound rules")
    };
    let (one, many) = (set(1), set(200));
    let body = "Ein l\u{e4}ngerer Satz mit w0\u{e4} x0 und mehr. ".repeat(16);
    let comments = [Comment::of(Body::new(body).expect("a body"))];
    let mut document = Document::default();
    document.read(comments[0].body.as_str(), Markup::Plain);
    let context = Context::default();
    let subject = Subject { comment: &comments[0], document: &document, context: &context };
    let signals = Signals::default();
    let run = |rules: &RuleSet| {
        seconds(&comments, |_| {
            let mut hits = 0;
            rules.evaluate(&subject, &signals, None, None, &mut |_| hits += 1);
            assert_eq!(black_box(hits), 1);
        })
    };
    let ratio = median((0..ROUNDS).map(|_| run(&many) / run(&one)).collect());
    let fine = ratio <= FLOOR;
    let verdict = if fine { "ok" } else { "TOO SLOW" };
    println!("patterns   200 beside one, floor {FLOOR:.1}, ratio {ratio:.2} {verdict}");
    fine
}

/// How many times the bare loop's cost the pipeline may cost at most.
const fn floor(kind: Kind) -> f64 {
    match kind {
        Kind::Short | Kind::Long => 4.0,
        // Folding and comparing scripts has to look every character up.
        Kind::Accented => 6.0,
        // Undoing disguises is work that the bare loop does not do at all.
        Kind::Disguised => 30.0,
    }
}

fn read(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("the file of texts can be read");
    let of_line = |line: &str| match serde_json::from_str::<serde_json::Value>(line) {
        Ok(value) => value.get("text").and_then(|t| t.as_str()).unwrap_or(line).to_owned(),
        Err(_) => line.to_owned(),
    };
    text.lines().filter(|l| !l.trim().is_empty()).map(of_line).collect()
}

/// Measures one kind and prints its line; whether the floor holds.
fn measure(name: &str, floor: f64, same: bool, snapshot: &Snapshot, texts: &[String]) -> bool {
    let comments: Vec<Comment> =
        texts.iter().filter_map(|t| Body::new(t.clone()).ok()).map(Comment::of).collect();
    let bytes: usize = comments.iter().map(|c| c.body.as_str().len()).sum();
    let (ours, theirs) = features(&snapshot.bundle, &comments);
    if same && (ours / theirs - 1.0).abs() > SAME_WORK {
        println!(
            "{name:<10} the pipeline has {ours:.1} n-grams a text, the bare loop {theirs:.1}: not the same work"
        );
        return false;
    }
    let mut scratch = Scratch::default();
    let (mut pipeline, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let b = seconds(&comments, |comment| {
            black_box(bare::dot(comment.body.as_str(), &snapshot.bundle.text));
        });
        let p = seconds(&comments, |comment| {
            let (policy, context) = (Policy::default(), Context::default());
            black_box(judge(snapshot, &policy, None, comment, &context, &mut scratch));
        });
        pipeline.push(p);
        bare.push(b);
        ratios.push(p / b);
    }
    let ratio = median(ratios);
    let fine = ratio <= floor;
    println!(
        "{name:<10} {:>8.0} comments/s, bare {:>8.0}/s, {:>4} bytes and {ours:>5.0} n-grams a text, floor {floor:.1}, ratio {ratio:.2} {}",
        1.0 / median(pipeline),
        1.0 / median(bare),
        bytes / comments.len().max(1),
        if fine { "ok" } else { "TOO SLOW" },
    );
    fine
}

/// Seconds of CPU time per comment.
fn seconds(comments: &[Comment], mut work: impl FnMut(&Comment)) -> f64 {
    let cpu = clock::own_cpu();
    let start = cpu();
    for comment in comments.iter().cycle().take(PER_ROUND) {
        work(comment);
    }
    (cpu() - start) / PER_ROUND as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// N-grams a text, of the pipeline and of the bare loop.
fn features(bundle: &Bundle, comments: &[Comment]) -> (f64, f64) {
    struct Count(u64);
    impl Sink for Count {
        fn token(&mut self, _: Origin) {}
        fn feature(&mut self, _: u32, _: Block) {
            self.0 += 1;
        }
    }
    let (mut count, mut theirs, mut document) = (Count(0), 0_u64, Document::default());
    for comment in comments {
        document.read(comment.body.as_str(), Markup::Plain);
        walk(comment, &document, &mut count);
        theirs += u64::from(bare::dot(comment.body.as_str(), &bundle.text).features);
    }
    let n = comments.len().max(1) as f64;
    (count.0 as f64 / n, theirs as f64 / n)
}
