//! Cases of [`crate::store::FeedbackStore`].
//!
//! May import: `types`, `store`.

use super::samples::{feedback, mark, marked, recorded, site, verdict};
use crate::{
    store::{SharedStore, StoreError},
    types::{Feedback, FeedbackSource, Label, Ruling, Tally, Verdict, VerdictId},
};

fn reject() -> Ruling {
    Ruling::Reject(vec![Label::Spam])
}

/// `(approved, rejected)` of every tally of a verdict; they must agree.
async fn counts(store: &SharedStore, verdict: &Verdict) -> (u32, u32) {
    let tallies = store.tallies(&verdict.site, &verdict.tallies).await.unwrap();
    let pair = |t: &Tally| (t.approved, t.rejected);
    assert!(tallies.windows(2).all(|w| pair(&w[0]) == pair(&w[1])));
    assert!(tallies.iter().all(|t| t.seen > 0));
    pair(&tallies[0])
}

async fn add(store: &SharedStore, verdict: &Verdict, feedback: Feedback) {
    let kept = store.add_feedback(&verdict.site, feedback.clone(), None).await.unwrap();
    assert_eq!(kept, feedback);
}

pub(crate) async fn a_ruling_moves_the_tallies_once(store: SharedStore) {
    let about = recorded(&store, verdict("daily")).await;
    recorded(&store, verdict("daily")).await;
    assert_eq!(counts(&store, &about).await, (0, 0));
    add(&store, &about, feedback(about.id, FeedbackSource::Moderator, Ruling::Approve)).await;
    assert_eq!(counts(&store, &about).await, (1, 0));
    add(&store, &about, feedback(about.id, FeedbackSource::Moderator, Ruling::Approve)).await;
    assert_eq!(counts(&store, &about).await, (1, 0));
}

pub(crate) async fn a_newer_ruling_replaces_the_one_before(store: SharedStore) {
    let about = recorded(&store, verdict("daily")).await;
    let other = recorded(&store, verdict("daily")).await;
    add(&store, &other, feedback(other.id, FeedbackSource::Owner, reject())).await;
    add(&store, &about, feedback(about.id, FeedbackSource::Moderator, Ruling::Approve)).await;
    assert_eq!(counts(&store, &about).await, (1, 1));
    add(&store, &about, feedback(about.id, FeedbackSource::Owner, reject())).await;
    assert_eq!(counts(&store, &about).await, (0, 2));
    add(&store, &about, feedback(about.id, FeedbackSource::Moderator, Ruling::Approve)).await;
    assert_eq!(counts(&store, &about).await, (1, 1));
}

pub(crate) async fn a_late_older_ruling_moves_nothing(store: SharedStore) {
    let about = recorded(&store, verdict("daily")).await;
    let older = feedback(about.id, FeedbackSource::Moderator, reject());
    let newer = feedback(about.id, FeedbackSource::Moderator, Ruling::Approve);
    add(&store, &about, newer.clone()).await;
    add(&store, &about, older.clone()).await;
    assert_eq!(counts(&store, &about).await, (1, 0));
    assert_eq!(store.feedback_on(&about.site, about.id).await.unwrap(), [older, newer]);
}

pub(crate) async fn readers_move_no_tally(store: SharedStore) {
    let about = recorded(&store, verdict("daily")).await;
    add(&store, &about, feedback(about.id, FeedbackSource::Owner, Ruling::Approve)).await;
    for _ in 0..3 {
        add(&store, &about, feedback(about.id, FeedbackSource::Reader, reject())).await;
    }
    assert_eq!(counts(&store, &about).await, (1, 0));
    assert_eq!(store.feedback_on(&about.site, about.id).await.unwrap().len(), 4);
}

pub(crate) async fn reports_are_listed_oldest_first(store: SharedStore) {
    let about = recorded(&store, verdict("daily")).await;
    let other = recorded(&store, verdict("daily")).await;
    let mut want = Vec::new();
    for source in [FeedbackSource::Reader, FeedbackSource::Owner, FeedbackSource::Moderator] {
        want.push(feedback(about.id, source, reject()));
    }
    for report in want.iter().rev() {
        add(&store, &about, report.clone()).await;
    }
    add(&store, &other, feedback(other.id, FeedbackSource::Owner, reject())).await;
    assert_eq!(store.feedback_on(&about.site, about.id).await.unwrap(), want);
    assert_eq!(store.feedback_on(&about.site, VerdictId::generate()).await.unwrap(), []);
}

pub(crate) async fn feedback_needs_a_verdict_of_the_site(store: SharedStore) {
    let about = recorded(&store, verdict("daily")).await;
    let ghost = VerdictId::generate();
    for (name, id) in [("daily", ghost), ("weekly", about.id)] {
        let report = feedback(id, FeedbackSource::Owner, reject());
        let refused = store.add_feedback(&site(name), report, None).await;
        assert!(matches!(refused, Err(StoreError::UnknownVerdict(unknown)) if unknown == id));
    }
    assert_eq!(counts(&store, &about).await, (0, 0));
}

pub(crate) async fn a_retried_report_is_recorded_once(store: SharedStore) {
    let about = recorded(&store, verdict("daily")).await;
    let first = feedback(about.id, FeedbackSource::Moderator, reject());
    let again = feedback(about.id, FeedbackSource::Moderator, reject());
    let request = Some(mark(1, 1));
    let kept = store.add_feedback(&about.site, first.clone(), request.clone()).await.unwrap();
    assert_eq!(kept, first);
    let kept = store.add_feedback(&about.site, again.clone(), request).await.unwrap();
    assert_eq!(kept, first, "the retry gets the first answer");
    assert_eq!(store.feedback_on(&about.site, about.id).await.unwrap(), [first]);
    let reused = store.add_feedback(&about.site, again, Some(mark(1, 2))).await;
    assert!(matches!(reused, Err(StoreError::RequestReused(_))));
    let reused = store.record(vec![marked(verdict("daily"), mark(1, 1))]).await.pop().unwrap();
    assert!(matches!(reused, Err(StoreError::RequestReused(_))), "the id was another call's");
}
