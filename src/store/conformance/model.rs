//! Random operations on a store and on the reference: the answers must agree.
//!
//! May import: `types`, `store`.

use std::{fmt::Debug, time::Duration};

use proptest::prelude::*;

use super::{
    samples::{
        article, article_id, at, comment, feedback, key, mark, marked, plain, site, site_row, tally, verdict,
    },
    verdicts::walk,
};
use crate::{
    store::{
        NewVerdict, REQUEST_MEMORY, RequestMark, SharedStore, StoreError, VerdictFilter, memory::MemoryStore,
    },
    types::{
        Action, Body, Feedback, FeedbackSource, Label, PageRequest, Ruling, SiteId, TallyKey, TallyKind,
        Timestamp, VerdictId,
    },
};

/// One operation with small numbers for names, so that operations meet.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Record(Vec<Row>),
    Replay { site: u8, request: Request, hours: u8 },
    Report { site: u8, about: usize, source: u8, approve: bool, request: Option<Request>, hours: u8 },
    PutArticle { site: u8, name: u8, kib: u8 },
    DeleteArticle { site: u8, name: u8 },
    CreateSite { site: u8 },
    UpdateSite { site: u8, version: u8, expected: u8 },
    PutKey { name: u8 },
    Forget { hours: u8 },
    List { site: u8, comment: Option<u8>, article: Option<u8>, allowed: bool, hours: Option<u8>, size: usize },
    Reopen,
}

/// Id and payload of a request.
type Request = (u8, u8);

#[derive(Clone, Debug)]
pub(crate) struct Row {
    site: u8,
    request: Option<Request>,
    comment: Option<u8>,
    article: Option<u8>,
    allowed: bool,
    kib: u8,
    tallies: Vec<u8>,
    hours: u8,
}

fn row() -> impl Strategy<Value = Row> {
    let request = prop::option::of((0..4u8, 0..2u8));
    let places = (prop::option::of(0..4u8), prop::option::of(0..3u8));
    let rest = (
        any::<bool>(),
        prop_oneof![4 => Just(0u8), 1 => 1..40u8],
        prop::collection::vec(0..4u8, 0..4),
        0..60u8,
    );
    (0..2u8, request, places, rest).prop_map(
        |(site, request, (comment, article), (allowed, kib, tallies, hours))| Row {
            site,
            request,
            comment,
            article,
            allowed,
            kib,
            tallies,
            hours,
        },
    )
}

/// Operations, most of them writes of verdicts and reports.
pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let request = || (0..4u8, 0..2u8);
    let op = prop_oneof![
        6 => prop::collection::vec(row(), 1..5).prop_map(Op::Record),
        2 => (0..2u8, request(), 0..60u8).prop_map(|(site, request, hours)| Op::Replay { site, request, hours }),
        5 => (0..2u8, any::<usize>(), 0..3u8, any::<bool>(), prop::option::of(request()), 0..60u8).prop_map(
            |(site, about, source, approve, request, hours)| {
                Op::Report { site, about, source, approve, request, hours }
            }
        ),
        2 => (0..2u8, 0..3u8, 0..30u8).prop_map(|(site, name, kib)| Op::PutArticle { site, name, kib }),
        1 => (0..2u8, 0..3u8).prop_map(|(site, name)| Op::DeleteArticle { site, name }),
        1 => (0..2u8).prop_map(|site| Op::CreateSite { site }),
        1 => (0..2u8, 0..3u8, 0..3u8)
            .prop_map(|(site, version, expected)| Op::UpdateSite { site, version, expected }),
        1 => (0..3u8).prop_map(|name| Op::PutKey { name }),
        1 => (0..90u8).prop_map(|hours| Op::Forget { hours }),
        2 => (
            0..2u8,
            prop::option::of(0..4u8),
            prop::option::of(0..3u8),
            any::<bool>(),
            prop::option::of(0..60u8),
            1..9usize,
        )
            .prop_map(|(site, comment, article, allowed, hours, size)| {
                Op::List { site, comment, article, allowed, hours, size }
            }),
        1 => Just(Op::Reopen),
    ];
    prop::collection::vec(op, 1..50)
}

fn named(site_number: u8) -> SiteId {
    site(if site_number == 0 { "daily" } else { "daily-2" })
}

fn hour(hours: u8) -> Timestamp {
    at(u64::from(hours) * 3_600)
}

fn request((id, payload): Request) -> RequestMark {
    mark(id, payload)
}

fn key_of(number: u8) -> TallyKey {
    tally(if number.is_multiple_of(2) { TallyKind::Author } else { TallyKind::Domain }, number)
}

fn new(row: &Row) -> NewVerdict {
    let mut made = verdict(named(row.site).as_str());
    made.comment = row.comment.map(|n| comment(&format!("c{n}")));
    made.article = row.article.map(|n| article_id(&format!("a{n}")));
    made.action = if row.allowed { Action::Allow } else { Action::Reject };
    made.body = Body::new("b".repeat(usize::from(row.kib) * 1024 + 1)).unwrap();
    made.tallies = row.tallies.iter().map(|n| key_of(*n)).collect();
    made.created_at = hour(row.hours);
    match row.request {
        Some(pair) => marked(made, request(pair)),
        None => plain(made),
    }
}

/// An operation with its values made, the same for both stores.
enum Call<'a> {
    Record(Vec<NewVerdict>),
    Report(SiteId, Feedback, Option<RequestMark>),
    Plain(&'a Op),
}

fn call<'a>(op: &'a Op, known: &mut Vec<VerdictId>) -> Call<'a> {
    if let Op::Record(rows) = op {
        let made: Vec<_> = rows.iter().map(new).collect();
        known.extend(made.iter().map(|new| new.verdict.id));
        return Call::Record(made);
    }
    if let Op::Report { site, about, source, approve, request: pair, hours } = op {
        let about = known.get(about % known.len().max(1)).copied().unwrap_or_else(VerdictId::generate);
        let sources = [FeedbackSource::Moderator, FeedbackSource::Owner, FeedbackSource::Reader];
        let ruling = if *approve { Ruling::Approve } else { Ruling::Reject(vec![Label::Abuse]) };
        let mut report = feedback(about, sources[usize::from(*source)], ruling);
        report.created_at = hour(*hours);
        return Call::Report(named(*site), report, pair.map(request));
    }
    Call::Plain(op)
}

fn said<T: Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{}: {error}", error.reason()),
    }
}

async fn answer(store: &SharedStore, call: &Call<'_>) -> String {
    match call {
        Call::Record(rows) => store.record(rows.clone()).await.into_iter().map(said).collect(),
        Call::Report(site, report, mark) => {
            said(store.add_feedback(site, report.clone(), mark.clone()).await)
        }
        Call::Plain(op) => answer_plain(store, op).await,
    }
}

async fn answer_plain(store: &SharedStore, op: &Op) -> String {
    match op {
        Op::Replay { site, request: pair, hours } => {
            said(store.replay(&named(*site), &request(*pair), hour(*hours)).await)
        }
        Op::PutArticle { site, name, kib } => {
            let text = "t".repeat(usize::from(*kib) * 1024);
            said(store.put_article(&named(*site), article(&format!("a{name}"), &text)).await)
        }
        Op::DeleteArticle { site, name } => {
            said(store.delete_article(&named(*site), &article_id(&format!("a{name}"))).await)
        }
        Op::CreateSite { site } => said(store.create_site(site_row(named(*site).as_str())).await),
        Op::UpdateSite { site, version, expected } => {
            let mut row = site_row(named(*site).as_str());
            row.policy_version = u64::from(*version);
            said(store.update_site(row, u64::from(*expected)).await)
        }
        Op::PutKey { name } => said(store.put_key(key(&format!("k{name}"))).await),
        Op::Forget { hours } => {
            let now = hour(*hours).plus(REQUEST_MEMORY).plus(Duration::from_secs(1));
            said(store.forget_requests(now).await)
        }
        Op::List { site, comment: on, article: under, allowed, hours, size } => {
            let filter = VerdictFilter {
                comment: on.map(|n| comment(&format!("c{n}"))),
                article: under.map(|n| article_id(&format!("a{n}"))),
                author: None,
                action: allowed.then_some(Action::Allow),
                from: hours.map(hour),
                until: hours.map(|h| hour(h.saturating_add(20))),
            };
            format!("{:?}", walk(store, &named(*site), &filter, *size).await.0)
        }
        Op::Record(_) | Op::Report { .. } | Op::Reopen => String::new(),
    }
}

/// Everything that can be read.
async fn everything(store: &SharedStore, known: &[VerdictId]) -> Vec<String> {
    let mut all =
        vec![said(store.sites(PageRequest { size: 10, after: None }).await), said(store.keys().await)];
    let tallies: Vec<_> = (0..4).map(key_of).collect();
    for site in [named(0), named(1)] {
        all.push(said(store.tallies(&site, &tallies).await));
        for n in 0..4 {
            all.push(said(store.verdict_of(&site, &comment(&format!("c{n}"))).await));
            all.push(said(store.article(&site, &article_id(&format!("a{n}"))).await));
        }
        for id in known {
            all.push(said(store.verdict(&site, *id).await));
            all.push(said(store.feedback_on(&site, *id).await));
        }
    }
    all
}

/// Runs operations on a store, which `reopen` makes and makes again, and on the
/// reference; panics where they differ.
pub(crate) async fn agree(ops: &[Op], reopen: impl Fn() -> SharedStore) {
    let reference: SharedStore = std::sync::Arc::new(MemoryStore::new());
    let mut store = reopen();
    let mut known = Vec::new();
    for (step, op) in ops.iter().enumerate() {
        if matches!(op, Op::Reopen) {
            store.close().await;
            drop(store);
            store = reopen();
        }
        let call = call(op, &mut known);
        let want = answer(&reference, &call).await;
        assert_eq!(answer(&store, &call).await, want, "step {step}: {op:?}");
    }
    assert_eq!(everything(&store, &known).await, everything(&reference, &known).await);
    store.close().await;
}
