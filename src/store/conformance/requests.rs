//! Cases of request marks: the promise that a retry is recognised for a day.
//!
//! May import: `types`, `store`.

use std::time::Duration;

use super::samples::{at, mark, marked, site, tally, verdict};
use crate::{
    store::{REQUEST_MEMORY, Recorded, SharedStore, StoreError},
    types::{KeyId, TallyKind, Timestamp, Verdict},
};

/// Records one verdict under a mark.
async fn record_marked(store: &SharedStore, verdict: Verdict, id: u8) -> Recorded {
    store.record(vec![marked(verdict, mark(id, 1))]).await.pop().unwrap().unwrap()
}

fn day_after(moment: Timestamp) -> Timestamp {
    moment.plus(REQUEST_MEMORY)
}

pub(crate) async fn a_retry_gets_the_first_answer(store: SharedStore) {
    let first = verdict("daily");
    assert_eq!(store.replay(&first.site, &mark(1, 1), at(0)).await.unwrap(), None);
    assert_eq!(record_marked(&store, first.clone(), 1).await, Recorded::New);
    for _ in 0..2 {
        let again = record_marked(&store, verdict("daily"), 1).await;
        assert_eq!(again, Recorded::Replayed(Box::new(first.clone())));
    }
    assert_eq!(store.replay(&first.site, &mark(1, 1), at(1)).await.unwrap(), Some(first));
    let seen = store.tallies(&site("daily"), &[tally(TallyKind::Author, 1)]).await.unwrap();
    assert_eq!(seen[0].seen, 1);
}

pub(crate) async fn a_request_id_is_bound_to_its_payload(store: SharedStore) {
    record_marked(&store, verdict("daily"), 1).await;
    let refused = store.replay(&site("daily"), &mark(1, 2), at(0)).await;
    assert!(matches!(refused, Err(StoreError::RequestReused(id)) if id == mark(1, 2).id));
    let refused = store.record(vec![marked(verdict("daily"), mark(1, 2))]).await.pop().unwrap();
    assert!(matches!(refused, Err(StoreError::RequestReused(_))));
}

pub(crate) async fn ids_of_different_keys_and_sites_never_meet(store: SharedStore) {
    record_marked(&store, verdict("daily"), 1).await;
    let mut other_key = mark(1, 2);
    other_key.actor = KeyId::new("cms").unwrap();
    assert_eq!(store.replay(&site("daily"), &other_key, at(0)).await.unwrap(), None);
    assert_eq!(store.replay(&site("weekly"), &mark(1, 2), at(0)).await.unwrap(), None);
    let results =
        store.record(vec![marked(verdict("daily"), other_key), marked(verdict("weekly"), mark(1, 2))]).await;
    assert!(results.iter().all(|r| matches!(r, Ok(Recorded::New))));
}

pub(crate) async fn a_request_is_forgotten_after_a_day(store: SharedStore) {
    let first = verdict("daily");
    record_marked(&store, first.clone(), 1).await;
    let end = day_after(at(0));
    assert_eq!(store.replay(&first.site, &mark(1, 1), end).await.unwrap(), Some(first.clone()));
    let later = end.plus(Duration::from_micros(1));
    assert_eq!(store.replay(&first.site, &mark(1, 1), later).await.unwrap(), None);
    assert_eq!(store.replay(&first.site, &mark(1, 9), later).await.unwrap(), None);
    assert_eq!(store.verdict(&first.site, first.id).await.unwrap(), Some(first), "the verdict stays");
}

pub(crate) async fn forgetting_counts_what_it_forgot(store: SharedStore) {
    for (name, id, second) in [("daily", 1, 0), ("daily", 2, 100), ("weekly", 1, 50), ("weekly", 3, 200)] {
        let mut row = verdict(name);
        row.created_at = at(second);
        record_marked(&store, row, id).await;
    }
    assert_eq!(store.forget_requests(day_after(at(0))).await.unwrap(), 0);
    assert_eq!(store.forget_requests(day_after(at(60))).await.unwrap(), 2);
    assert_eq!(store.forget_requests(day_after(at(60))).await.unwrap(), 0);
    assert!(store.replay(&site("daily"), &mark(1, 9), at(0)).await.unwrap().is_none());
    assert!(store.replay(&site("daily"), &mark(2, 1), at(0)).await.unwrap().is_some());
    assert!(store.replay(&site("weekly"), &mark(3, 1), at(0)).await.unwrap().is_some());
    assert_eq!(store.forget_requests(day_after(at(1000))).await.unwrap(), 2);
}

pub(crate) async fn an_expired_request_id_can_be_used_again(store: SharedStore) {
    record_marked(&store, verdict("daily"), 1).await;
    let mut later = verdict("daily");
    later.created_at = day_after(at(1));
    let again = store.record(vec![marked(later.clone(), mark(1, 2))]).await.pop().unwrap();
    assert_eq!(again.unwrap(), Recorded::New);
    let now = later.created_at;
    assert_eq!(store.forget_requests(now).await.unwrap(), 0, "the new use is remembered");
    assert_eq!(store.replay(&later.site, &mark(1, 2), now).await.unwrap(), Some(later));
    assert_eq!(store.forget_requests(day_after(now).plus(Duration::from_secs(1))).await.unwrap(), 1);
}

pub(crate) async fn many_tasks_with_one_request_id_record_once(store: SharedStore) {
    let tries: Vec<_> = (0..64).map(|_| verdict("daily")).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for row in tries {
        let store = store.clone();
        tasks.spawn(async move { (row.id, record_marked(&store, row, 1).await) });
    }
    let answers = tasks.join_all().await;
    let winners: Vec<_> = answers.iter().filter(|(_, a)| *a == Recorded::New).map(|(id, _)| *id).collect();
    assert_eq!(winners.len(), 1);
    for (_, answer) in &answers {
        assert!(!matches!(answer, Recorded::Replayed(v) if v.id != winners[0]));
    }
    let seen = store.tallies(&site("daily"), &[tally(TallyKind::Author, 1)]).await.unwrap();
    assert_eq!(seen[0].seen, 1);
}
