//! Cases of [`crate::store::RuleStore`].
//!
//! May import: `types`, `store`.

use super::samples::{at, site};
use crate::{
    store::{NewActivation, NewRules, RuleRefusal, SharedStore, StoreError},
    types::{AuditAction, ChainHead, KeyId, PageRequest, RuleFile, RuleSetId, SiteId},
};

fn set(digit: u8) -> RuleSetId {
    RuleSetId::new(&char::from(digit).to_string().repeat(16)).unwrap()
}

fn actor() -> KeyId {
    KeyId::new("ops").unwrap()
}

fn new(digit: u8, text: &str) -> NewRules {
    NewRules {
        set: set(digit),
        files: vec![RuleFile { name: "a.toml".into(), text: text.into() }],
        rules: 1,
        note: "why".into(),
        actor: Some(actor()),
        draft: true,
        expected: None,
    }
}

fn activation(digit: u8) -> NewActivation {
    NewActivation {
        set: Some(set(digit)),
        actor: actor(),
        reason: "because".into(),
        rollback: false,
        overridden: String::new(),
        expected: None,
    }
}

pub(crate) async fn a_pushed_set_reads_back(store: SharedStore) {
    let daily = site("daily");
    assert_eq!(store.rules_state(&daily).await.unwrap().etag, 0);
    assert_eq!(store.rule_files(&daily, &set(b'a')).await.unwrap(), None);
    // Larger than a row.
    let text = "x".repeat(70_000);
    let (version, state) = store.put_rules(&daily, new(b'a', &text), at(1)).await.unwrap();
    assert_eq!((version.number, version.first_live_at, state.versions), (1, None, 1));
    assert_eq!(state.draft.unwrap().set, set(b'a'));
    assert_eq!(store.rule_files(&daily, &set(b'a')).await.unwrap().unwrap()[0].text, text);
    // The same content again is the same version.
    let again = NewRules { note: "other".into(), ..new(b'a', &text) };
    let (same, state) = store.put_rules(&daily, again, at(9)).await.unwrap();
    assert_eq!((same, state.versions), (version.clone(), 1));
    assert_eq!(store.rule_version(&daily, &set(b'a')).await.unwrap(), Some(version));
    assert_eq!(store.rule_version(&site("other"), &set(b'a')).await.unwrap(), None);
    assert_eq!(store.rule_version(&SiteId::installation(), &set(b'a')).await.unwrap(), None);
}

pub(crate) async fn a_stale_etag_changes_nothing(store: SharedStore) {
    let daily = site("daily");
    let (_, state) = store.put_rules(&daily, new(b'a', "a"), at(1)).await.unwrap();
    let stale = NewRules { expected: Some(state.etag - 1), ..new(b'b', "b") };
    let refused = store.put_rules(&daily, stale, at(2)).await;
    assert!(matches!(refused, Err(StoreError::Rules(RuleRefusal::Changed))));
    let stale = NewActivation { expected: Some(99), ..activation(b'a') };
    let refused = store.activate_rules(&daily, stale, at(2)).await;
    assert!(matches!(refused, Err(StoreError::Rules(RuleRefusal::Changed))));
    let unknown = store.activate_rules(&daily, activation(b'c'), at(2)).await;
    assert!(matches!(unknown, Err(StoreError::Rules(RuleRefusal::Unknown(id))) if id == set(b'c')));
    assert_eq!(store.rules_state(&daily).await.unwrap(), state);
    assert_eq!(store.rule_version(&daily, &set(b'b')).await.unwrap(), None);
}

pub(crate) async fn publishing_moves_the_live_set_and_is_audited(store: SharedStore) {
    let global = SiteId::installation();
    for digit in [b'a', b'b'] {
        store.put_rules(&global, new(digit, "t"), at(1)).await.unwrap();
    }
    let state = store.activate_rules(&global, activation(b'a'), at(2)).await.unwrap();
    assert_eq!(state.live_set(), Some(&set(b'a')));
    assert_eq!(
        state.draft.as_ref().map(|draft| draft.set.clone()),
        Some(set(b'b')),
        "the other draft still waits"
    );
    let state = store.activate_rules(&global, activation(b'b'), at(3)).await.unwrap();
    assert_eq!((state.live_set(), &state.draft), (Some(&set(b'b')), &None));
    let back = NewActivation { rollback: true, overridden: "gate: because".into(), ..activation(b'a') };
    let state = store.activate_rules(&global, back, at(4)).await.unwrap();
    let live = state.live.clone().unwrap();
    assert_eq!((live.number, live.previous, live.rollback), (3, Some(set(b'b')), true));
    // The time of an emergency rule counts from the first time, not the newest.
    let version = store.rule_version(&global, &set(b'a')).await.unwrap().unwrap();
    assert_eq!(version.first_live_at, Some(at(2)));
    store.begin_rules(&global, &set(b'a'), at(8)).await.unwrap();
    assert_eq!(store.rule_version(&global, &set(b'a')).await.unwrap(), Some(version));
    let nothing = NewActivation { set: None, ..activation(b'a') };
    assert_eq!(store.activate_rules(&global, nothing, at(5)).await.unwrap().live_set(), None);

    let events = store.events(&global, 0, 100).await.unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.actor.clone(), event.action.clone())).collect();
    assert_eq!(told.len(), 6);
    assert_eq!(told[0], (Some(actor()), AuditAction::RulesPushed { set: set(b'a') }));
    let rolled = AuditAction::RulesPublished {
        set: Some(set(b'a')),
        previous: Some(set(b'b')),
        rollback: true,
        reason: "because".into(),
        overridden: "gate: because".into(),
    };
    assert_eq!(told[4].1, rolled);
    assert!(store.verify_chain(&global, ChainHead::default()).await.unwrap().broken.is_none());
}

pub(crate) async fn versions_and_activations_are_paged_newest_first(store: SharedStore) {
    let daily = site("daily");
    for digit in [b'a', b'b', b'c', b'd', b'e'] {
        store.put_rules(&daily, new(digit, "t"), at(1)).await.unwrap();
        store.activate_rules(&daily, activation(digit), at(2)).await.unwrap();
    }
    for size in [1, 2, 5, 9] {
        let (mut versions, mut activations) = (Vec::new(), Vec::new());
        let mut after = None;
        loop {
            let page = store.rule_versions(&daily, PageRequest { size, after }).await.unwrap();
            versions.extend(page.rows.into_iter().map(|version| version.number));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        loop {
            let page = store.rule_activations(&daily, PageRequest { size, after }).await.unwrap();
            activations.extend(page.rows.into_iter().map(|activation| activation.number));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((versions, activations), (vec![5, 4, 3, 2, 1], vec![5, 4, 3, 2, 1]), "size {size}");
    }
}
