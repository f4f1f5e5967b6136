//! The services behind the door under test: the real ones, on a store in memory
//! and with the shipped rules.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tamis::{
    app,
    classifier::{Bundle, Card, Head, TextWeights},
    features::{IdfTable, signals::COUNT},
    moderation::{PseudonymKey, Services, queue::LeaseTerms},
    rules::RuleSet,
    scoring::Snapshot,
    store::{SharedStore, memory::MemoryStore},
    types::{ApiKey, Clock, KeyId, PerLabel, Role, SiteId, SystemClock},
};

/// A key that may do everything.
pub(crate) const ADMIN: &str = "tamis_admin.secret";
/// A key that is bound to the site `news`.
pub(crate) const CMS_OF_NEWS: &str = "tamis_cms.secret";
/// A key of the operators.
pub(crate) const OPS: &str = "tamis_ops.secret";

fn key(id: &str, role: Role, site: Option<&str>) -> ApiKey {
    ApiKey {
        id: KeyId::new(id).unwrap(),
        digest: Sha256::digest(b"secret").into(),
        role,
        site: site.map(|site| SiteId::new(site).unwrap()),
        note: "test".to_owned(),
        created_at: SystemClock.now(),
        expires_at: None,
        revoked_at: None,
        person: None,
    }
}

/// Services on an empty store.
pub(crate) async fn services() -> Services {
    let store: SharedStore = Arc::new(MemoryStore::new());
    for key in
        [key("admin", Role::Admin, None), key("cms", Role::Cms, Some("news")), key("ops", Role::Ops, None)]
    {
        store.put_key(key).await.unwrap();
    }
    let snapshot = Snapshot { bundle: Arc::new(untrained()), rules: Arc::new(RuleSet::starter()) };
    app::services(store, snapshot, PseudonymKey::new([7; 32]), LeaseTerms::default())
}

/// A bundle that knows nothing: what it makes of comments is not tested here.
fn untrained() -> Bundle {
    Bundle {
        id: "untrained".to_owned(),
        card: Card::default(),
        text: TextWeights::empty(8),
        heads: PerLabel::from_fn(|_| Head {
            base: -2.0,
            signals: vec![0.0; COUNT],
            rules: 1.0,
            languages: vec![0.0],
        }),
        languages: vec![String::new()],
        means: vec![0.0; COUNT],
        overall: (1.0, 0.0),
        idf: IdfTable::default(),
    }
}
