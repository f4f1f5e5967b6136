//! Cases of [`crate::store::SiteStore`].
//!
//! May import: `types`, `store`.

use super::samples::{at, key, site, site_row};
use crate::{
    store::{SharedStore, StoreError},
    types::{KeyId, PageRequest},
};

pub(crate) async fn a_site_is_created_once(store: SharedStore) {
    assert_eq!(store.site(&site("daily")).await.unwrap(), None);
    store.create_site(site_row("daily")).await.unwrap();
    let again = store.create_site(site_row("daily")).await;
    assert!(matches!(again, Err(StoreError::SiteExists(id)) if id == site("daily")));
    assert_eq!(store.site(&site("daily")).await.unwrap(), Some(site_row("daily")));
}

pub(crate) async fn an_update_needs_the_version_it_was_made_from(store: SharedStore) {
    let mut changed = site_row("daily");
    let missing = store.update_site(changed.clone(), 1).await;
    assert!(matches!(missing, Err(StoreError::UnknownSite(_))));
    store.create_site(site_row("daily")).await.unwrap();
    changed.policy_version = 2;
    changed.display_name = "The Daily".into();
    store.update_site(changed.clone(), 1).await.unwrap();
    let mut late = site_row("daily");
    late.policy_version = 2;
    let stale = store.update_site(late, 1).await;
    assert!(matches!(stale, Err(StoreError::SiteChanged(_))));
    assert_eq!(store.site(&site("daily")).await.unwrap(), Some(changed));
}

pub(crate) async fn sites_are_paged_by_name(store: SharedStore) {
    let names = ["b", "a", "daily", "daily-2", "d"];
    for name in names {
        store.create_site(site_row(name)).await.unwrap();
    }
    for size in [1, 2, 5, 9] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.sites(PageRequest { size, after }).await.unwrap();
            assert!(page.rows.len() <= size);
            found.extend(page.rows.into_iter().map(|s| s.id.as_str().to_owned()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, ["a", "b", "d", "daily", "daily-2"], "size {size}");
    }
}

pub(crate) async fn keys_are_put_and_listed_by_id(store: SharedStore) {
    assert_eq!(store.keys().await.unwrap(), []);
    for id in ["m2", "m1", "m10"] {
        store.put_key(key(id)).await.unwrap();
    }
    let mut revoked = key("m1");
    revoked.revoked_at = Some(at(5));
    store.put_key(revoked.clone()).await.unwrap();
    assert_eq!(store.keys().await.unwrap(), [revoked.clone(), key("m10"), key("m2")]);
    assert_eq!(store.key(&revoked.id).await.unwrap(), Some(revoked));
    assert_eq!(store.key(&KeyId::new("m").unwrap()).await.unwrap(), None);
}
