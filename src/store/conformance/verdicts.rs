//! Cases of [`crate::store::VerdictStore`] apart from requests.
//!
//! May import: `types`, `store`.

use super::samples::{article_id, at, comment, plain, recorded, site, tally, verdict};
use crate::{
    store::{Recorded, SharedStore, VerdictFilter},
    types::{Action, Body, PageRequest, SiteId, Tally, TallyKind, Verdict, VerdictId},
};

/// All pages of a list, and how many there were.
pub(crate) async fn walk(
    store: &SharedStore,
    site: &SiteId,
    filter: &VerdictFilter,
    size: usize,
) -> (Vec<VerdictId>, usize) {
    let (mut ids, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = store.verdicts(site, filter, PageRequest { size, after }).await.unwrap();
        assert!(page.rows.len() <= size, "a page holds at most what was asked for");
        ids.extend(page.rows.iter().map(|v| v.id));
        pages += 1;
        assert!(page.next.is_none() || page.next != after, "pages go forward");
        after = page.next;
        if after.is_none() {
            return (ids, pages);
        }
    }
}

pub(crate) async fn a_recorded_verdict_reads_back(store: SharedStore) {
    let mut want = verdict("daily");
    want.comment = Some(comment("c-1"));
    want.article = Some(article_id("xi-putin"));
    recorded(&store, want.clone()).await;
    assert_eq!(store.verdict(&want.site, want.id).await.unwrap().unwrap(), want);
    assert_eq!(store.verdict_of(&want.site, &comment("c-1")).await.unwrap().unwrap(), want);
    assert_eq!(store.verdict(&want.site, VerdictId::generate()).await.unwrap(), None);
    assert_eq!(store.verdict_of(&want.site, &comment("c-2")).await.unwrap(), None);
}

pub(crate) async fn recording_counts_each_tally_once(store: SharedStore) {
    let mut first = verdict("daily");
    first.tallies.extend(first.tallies.clone());
    first.created_at = at(10);
    let mut second = verdict("daily");
    second.tallies.pop();
    second.created_at = at(5);
    recorded(&store, first.clone()).await;
    recorded(&store, second).await;
    let keys = [tally(TallyKind::Text, 2), tally(TallyKind::Author, 1), tally(TallyKind::Author, 2)];
    let want = [
        Tally { seen: 1, first_seen: at(10), last_seen: at(10), ..Tally::default() },
        Tally { seen: 2, first_seen: at(5), last_seen: at(10), ..Tally::default() },
        Tally::default(),
    ];
    assert_eq!(store.tallies(&first.site, &keys).await.unwrap(), want);
}

pub(crate) async fn items_of_one_call_fail_alone(store: SharedStore) {
    use super::samples::{mark, marked};
    let batch = vec![
        marked(verdict("daily"), mark(1, 1)),
        marked(verdict("daily"), mark(1, 2)),
        plain(verdict("daily")),
        marked(verdict("daily"), mark(1, 1)),
    ];
    let ids: Vec<_> = batch.iter().map(|new| new.verdict.id).collect();
    let results = store.record(batch).await;
    assert!(matches!(results[0], Ok(Recorded::New)));
    assert_eq!(results[1].as_ref().unwrap_err().reason(), "REQUEST_ID_REUSED");
    assert!(matches!(results[2], Ok(Recorded::New)));
    assert!(matches!(&results[3], Ok(Recorded::Replayed(v)) if v.id == ids[0]));
    assert_eq!(store.verdict(&site("daily"), ids[1]).await.unwrap(), None);
    let tallies = store.tallies(&site("daily"), &[tally(TallyKind::Text, 2)]).await.unwrap();
    assert_eq!(tallies[0].seen, 2, "what was refused or replayed is not counted");
    assert!(store.record(Vec::new()).await.is_empty());
}

pub(crate) async fn the_newest_verdict_on_a_comment_wins(store: SharedStore) {
    let on = |name: &str| {
        let mut verdict = verdict("daily");
        verdict.comment = Some(comment(name));
        verdict
    };
    let (older, newer) = (on("c"), on("c"));
    // A name that continues another must not be taken for it.
    for row in [newer.clone(), older, on("c2"), on("b")] {
        recorded(&store, row).await;
    }
    let found = store.verdict_of(&site("daily"), &comment("c")).await.unwrap().unwrap();
    assert_eq!(found.id, newer.id);
}

pub(crate) async fn lists_are_newest_first_and_paged(store: SharedStore) {
    let mut want = Vec::new();
    for _ in 0..25 {
        want.push(recorded(&store, verdict("daily")).await.id);
    }
    want.reverse();
    let all = VerdictFilter::default();
    for (size, pages) in [(1, 25), (5, 5), (7, 4), (25, 1), (100, 1)] {
        assert_eq!(walk(&store, &site("daily"), &all, size).await, (want.clone(), pages), "size {size}");
    }
    assert_eq!(walk(&store, &site("nobody"), &all, 5).await, (vec![], 1));
}

pub(crate) async fn filters_hold_together(store: SharedStore) {
    let mut rows = Vec::new();
    for i in 0..40_u64 {
        let mut row = verdict("daily");
        row.action = if i % 2 == 0 { Action::Allow } else { Action::Reject };
        row.article = (i % 3 != 0).then(|| article_id(if i % 3 == 1 { "a" } else { "ab" }));
        row.comment = Some(comment(&format!("c{}", i % 5)));
        row.created_at = at(i);
        rows.push(recorded(&store, row).await);
    }
    rows.reverse();
    let none = VerdictFilter::default();
    let cases = [
        VerdictFilter { action: Some(Action::Reject), ..none.clone() },
        VerdictFilter { action: Some(Action::Discard), ..none.clone() },
        VerdictFilter { article: Some(article_id("a")), ..none.clone() },
        VerdictFilter { comment: Some(comment("c3")), ..none.clone() },
        VerdictFilter { from: Some(at(10)), until: Some(at(20)), ..none.clone() },
        VerdictFilter { article: Some(article_id("ab")), comment: Some(comment("c2")), ..none.clone() },
        VerdictFilter {
            article: Some(article_id("a")),
            action: Some(Action::Allow),
            until: Some(at(30)),
            ..none.clone()
        },
    ];
    for filter in cases {
        let want: Vec<_> = rows.iter().filter(|v| filter.admits(v)).map(|v| v.id).collect();
        for size in [1, 4, 100] {
            assert_eq!(walk(&store, &site("daily"), &filter, size).await.0, want, "{filter:?}, size {size}");
        }
    }
}

pub(crate) async fn a_rare_filter_ends_pages_early(store: SharedStore) {
    let mut oldest = verdict("daily");
    oldest.action = Action::Discard;
    recorded(&store, oldest.clone()).await;
    let many: Vec<_> = (0..1_200).map(|_| plain(verdict("daily"))).collect();
    assert!(store.record(many).await.iter().all(Result::is_ok));
    let rare = VerdictFilter { action: Some(Action::Discard), ..VerdictFilter::default() };
    let (ids, pages) = walk(&store, &site("daily"), &rare, 10).await;
    assert_eq!(ids, [oldest.id]);
    assert!(pages > 1, "a page looks at a bounded number of rows");
}

pub(crate) async fn large_bodies_survive(store: SharedStore) {
    let body = |size: usize| Body::new("ü".repeat(size / 2)).unwrap();
    let mut rows: Vec<Verdict> = Vec::new();
    for size in [2, 5_000, 5_900, 6_000, 6_100, 12_000, 65_536] {
        let mut row = verdict("daily");
        row.body = body(size);
        row.parent_text = Some("x".repeat(size));
        rows.push(recorded(&store, row).await);
    }
    for row in &rows {
        assert_eq!(store.verdict(&row.site, row.id).await.unwrap().as_ref(), Some(row));
    }
    let want: Vec<_> = rows.iter().rev().map(|row| row.id).collect();
    assert_eq!(walk(&store, &site("daily"), &VerdictFilter::default(), 3).await.0, want);
}

pub(crate) async fn sites_see_only_their_own(store: SharedStore) {
    let mut row = verdict("daily");
    row.comment = Some(comment("c"));
    row.article = Some(article_id("a"));
    recorded(&store, row.clone()).await;
    for other in ["dail", "daily-2", "dailz", "a"] {
        let other = site(other);
        assert_eq!(store.verdict(&other, row.id).await.unwrap(), None);
        assert_eq!(store.verdict_of(&other, &comment("c")).await.unwrap(), None);
        assert_eq!(store.tallies(&other, &row.tallies).await.unwrap(), vec![Tally::default(); 2]);
        assert_eq!(store.feedback_on(&other, row.id).await.unwrap(), []);
        let filters = [
            VerdictFilter::default(),
            VerdictFilter { comment: row.comment.clone(), ..VerdictFilter::default() },
            VerdictFilter { article: row.article.clone(), ..VerdictFilter::default() },
        ];
        for filter in filters {
            assert_eq!(walk(&store, &other, &filter, 10).await.0, []);
        }
    }
}
