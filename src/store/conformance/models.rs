//! Cases of [`crate::store::ModelStore`].
//!
//! May import: `types`, `store`.

use super::samples::{at, feedback, recorded, site, verdict};
use crate::{
    store::{ModelRefusal, NewPromotion, SharedStore, StoreError},
    types::{
        AuditAction, ChainHead, FeedbackSource, FrozenSet, FrozenSetName, Job, JobId, JobKind, JobState,
        KeyId, ModelId, ModelRecord, Origin, PageRequest, PromotionKind, Ruling, SiteId, Stage,
        TrainingRequest,
    },
};

fn id(name: &str) -> ModelId {
    ModelId::new(name).unwrap()
}

fn key() -> KeyId {
    KeyId::new("ops1").unwrap()
}

fn record(name: &str) -> ModelRecord {
    ModelRecord {
        id: id(name),
        stage: Stage::Candidate,
        staged_at: at(1),
        origin: Origin::Imported,
        created_at: at(1),
        created_by: Some(key()),
        bytes: 5,
        compared_with: None,
        gates: Vec::new(),
        learnt_until: None,
    }
}

fn promotion(name: &str, expected: Option<u64>) -> NewPromotion {
    NewPromotion {
        model: id(name),
        kind: PromotionKind::Promoted,
        expected,
        actor: Some(key()),
        reason: "better".into(),
        overridden: vec!["slices/language".into()],
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> ModelRefusal {
    match result {
        Err(StoreError::Model(refusal)) => refusal,
        other => panic!("no refusal: {other:?}"),
    }
}

async fn stage(store: &SharedStore, name: &str) -> Stage {
    store.model(&id(name)).await.unwrap().unwrap().stage
}

pub(crate) async fn a_model_is_added_once(store: SharedStore) {
    let first = store.add_model(record("a")).await.unwrap();
    let again = store.add_model(ModelRecord { bytes: 9, ..record("a") }).await.unwrap();
    assert_eq!(first, again, "the same content is the same model");
    store.add_model(record("b")).await.unwrap();
    assert_eq!(store.models().await.unwrap(), [record("a"), record("b")]);
    assert_eq!(store.model(&id("c")).await.unwrap(), None);
}

pub(crate) async fn one_model_scores_and_the_one_before_retires(store: SharedStore) {
    for name in ["a", "b"] {
        store.add_model(record(name)).await.unwrap();
    }
    assert_eq!(store.active().await.unwrap(), None);
    let first = store.promote(promotion("a", Some(0)), at(2)).await.unwrap();
    assert_eq!((first.number, first.previous.clone()), (1, None));
    let stale = store.promote(promotion("b", Some(0)), at(3)).await;
    assert_eq!(refusal(stale), ModelRefusal::ActiveChanged(1));
    let second = store.promote(promotion("b", Some(1)), at(3)).await.unwrap();
    assert_eq!((second.number, second.previous.clone()), (2, Some(id("a"))));
    assert_eq!((stage(&store, "a").await, stage(&store, "b").await), (Stage::Retired, Stage::Active));
    assert_eq!(store.active().await.unwrap().as_ref(), Some(&second));
    assert_eq!(refusal(store.promote(promotion("b", None), at(4)).await), ModelRefusal::ModelActive(id("b")));
    assert_eq!(
        refusal(store.promote(promotion("x", None), at(4)).await),
        ModelRefusal::UnknownModel(id("x"))
    );
    let page = |after| PageRequest { size: 1, after };
    let newest = store.promotions(page(None)).await.unwrap();
    assert_eq!((newest.rows, newest.next), (vec![second], Some(2)));
    let rest = store.promotions(page(Some(2))).await.unwrap();
    assert_eq!((rest.rows, rest.next), (vec![first], None));
    assert_eq!(refusal(store.delete_model(&id("b"), None, at(5)).await), ModelRefusal::ModelActive(id("b")));
    store.delete_model(&id("a"), Some(&key()), at(5)).await.unwrap();
    assert_eq!(store.model(&id("a")).await.unwrap(), None);
}

pub(crate) async fn one_model_at_most_is_in_shadow(store: SharedStore) {
    for name in ["a", "b", "c"] {
        store.add_model(record(name)).await.unwrap();
    }
    store.promote(promotion("c", None), at(2)).await.unwrap();
    for name in ["a", "b"] {
        store.stage_model(&id(name), Stage::Shadow, Some(&key()), at(3)).await.unwrap();
    }
    assert_eq!((stage(&store, "a").await, stage(&store, "b").await), (Stage::Candidate, Stage::Shadow));
    let active = store.stage_model(&id("c"), Stage::Shadow, None, at(4)).await;
    assert_eq!(refusal(active), ModelRefusal::ModelActive(id("c")));
    let unknown = store.stage_model(&id("x"), Stage::Shadow, None, at(4)).await;
    assert_eq!(refusal(unknown), ModelRefusal::UnknownModel(id("x")));
    store.promote(promotion("b", None), at(5)).await.unwrap();
    assert_eq!(stage(&store, "b").await, Stage::Active);
}

pub(crate) async fn changes_of_models_are_links_of_their_chain(store: SharedStore) {
    let home = SiteId::installation();
    store.add_model(record("a")).await.unwrap();
    store.promote(promotion("a", None), at(2)).await.unwrap();
    let events = store.events(&home, 0, 10).await.unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].action, AuditAction::ModelAdded { model: id("a") });
    let AuditAction::ModelPromoted { number, reason, overridden, .. } = &events[1].action else {
        panic!("{:?}", events[1]);
    };
    assert_eq!((*number, reason.as_str(), overridden.len()), (1, "better", 1));
    assert_eq!(events[1].actor, Some(key()));
    let check = store.verify_chain(&home, ChainHead::default()).await.unwrap();
    assert_eq!((check.links, check.broken, check.done), (2, None, true));
}

fn job(state: JobState) -> Job {
    Job {
        id: JobId::from_bytes([7; 16]),
        kind: JobKind::Train(TrainingRequest::default()),
        state,
        progress: 0.25,
        step: "reading".into(),
        created_at: at(1),
        created_by: Some(key()),
        started_at: None,
        ended_at: None,
        model: None,
        error: None,
    }
}

pub(crate) async fn a_job_that_ended_stays_as_it_is(store: SharedStore) {
    let actor = key();
    for state in [JobState::Queued, JobState::Running, JobState::Running, JobState::Cancelled] {
        store.save_job(job(state), Some(&actor), at(2)).await.unwrap();
    }
    let late = store.save_job(job(JobState::Succeeded), Some(&actor), at(3)).await;
    assert_eq!(refusal(late), ModelRefusal::JobOver(job(JobState::Queued).id));
    assert_eq!(store.job(job(JobState::Queued).id).await.unwrap(), Some(job(JobState::Cancelled)));
    let other = Job { id: JobId::from_bytes([8; 16]), ..job(JobState::Queued) };
    store.save_job(other.clone(), None, at(4)).await.unwrap();
    let page = |after| PageRequest { size: 1, after };
    let newest = store.jobs(page(None)).await.unwrap();
    assert_eq!((newest.rows, newest.next), (vec![other.clone()], Some(other.id)));
    let rest = store.jobs(page(Some(other.id))).await.unwrap();
    assert_eq!((rest.rows, rest.next), (vec![job(JobState::Cancelled)], None));
    assert_eq!(store.events(&SiteId::installation(), 0, 10).await.unwrap().len(), 4, "one per state");
}

pub(crate) async fn a_frozen_set_keeps_its_name(store: SharedStore) {
    let set = |sha256: &str| FrozenSet {
        name: FrozenSetName::new("spring").unwrap(),
        sha256: sha256.into(),
        comments: 3,
        bytes: 100,
        created_at: at(1),
        created_by: None,
    };
    store.freeze_set(set("aa")).await.unwrap();
    let again = store.freeze_set(set("bb")).await;
    assert_eq!(refusal(again), ModelRefusal::SetExists(set("aa").name));
    assert_eq!(store.frozen_set(&set("aa").name).await.unwrap(), Some(set("aa")));
    assert_eq!(store.frozen_sets().await.unwrap(), [set("aa")]);
}

pub(crate) async fn an_authors_samples_are_forgotten(store: SharedStore) {
    let daily = site("daily");
    let mine = recorded(&store, verdict("daily")).await;
    let author = mine.author().unwrap();
    let mut other = verdict("daily");
    other.tallies.retain(|tally| tally.digest != author);
    let other = recorded(&store, other).await;
    for on in [&mine, &other] {
        let ruling = feedback(on.id, FeedbackSource::Owner, Ruling::Reject(Vec::new()));
        store.add_feedback(&daily, ruling, None).await.unwrap();
    }
    let all = || PageRequest { size: 10, after: None };
    assert_eq!(store.samples(&daily, all()).await.unwrap().rows.len(), 2);
    assert_eq!(store.forget_samples(&daily, author, &key(), at(9)).await.unwrap(), 1);
    let left = store.samples(&daily, all()).await.unwrap().rows;
    assert_eq!(left.iter().map(|sample| sample.verdict).collect::<Vec<_>>(), [other.id]);
    let tally = store.tallies(&daily, &mine.tallies[..1]).await.unwrap()[0];
    assert_eq!(tally.rejected, 0, "counts no longer hold it against the author");
    assert_eq!(store.forget_samples(&daily, author, &key(), at(9)).await.unwrap(), 0);
}
