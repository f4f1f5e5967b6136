//! Cases of [`crate::store::StoreHealth`].
//!
//! May import: `types`, `store`.

use super::samples::{article, article_id, feedback, key, plain, recorded, site, site_row, verdict};
use crate::{
    store::{SharedStore, StoreError},
    types::{FeedbackSource, Ruling},
};

pub(crate) async fn a_closed_store_refuses_writes(store: SharedStore) {
    store.check().await.unwrap();
    let about = recorded(&store, verdict("daily")).await;
    store.close().await;
    store.close().await;
    let report = feedback(about.id, FeedbackSource::Owner, Ruling::Approve);
    let refusals = [
        store.record(vec![plain(verdict("daily"))]).await.pop().unwrap().map(drop),
        store.add_feedback(&about.site, report, None).await.map(drop),
        store.put_article(&about.site, article("a", "text")).await,
        store.delete_article(&about.site, &article_id("a")).await.map(drop),
        store.create_site(site_row("daily")).await,
        store.update_site(site_row("daily"), 1).await,
        store.put_key(key("m1")).await,
        store.forget_requests(about.created_at).await.map(drop),
        store.check().await,
    ];
    for (i, refusal) in refusals.into_iter().enumerate() {
        assert!(matches!(refusal, Err(StoreError::Closed)), "write {i}: {refusal:?}");
    }
    assert_eq!(site("daily"), about.site);
}
