//! Sites and keys in sled, and the row that checks write.
//!
//! May import: `types`, `store`.

use async_trait::async_trait;

use super::{Key, SledStore, StoreError, codec, gate::View, plan::Plan};
use crate::{
    store::SiteStore,
    types::{ApiKey, KeyId, Page, PageRequest, Site, SiteId},
};

/// Room a site or key takes in a group, about.
const BYTES: usize = 1_024;

impl Plan {
    /// Writes a number that grows.
    pub(super) fn check(&mut self) -> Result<u64, StoreError> {
        self.step(|plan| {
            let number = plan.load::<u64>(&Key::health())?.unwrap_or_default().saturating_add(1);
            plan.insert(&Key::health(), &number)?;
            Ok(number)
        })
    }
}

#[async_trait]
impl SiteStore for SledStore {
    async fn create_site(&self, site: Site) -> Result<(), StoreError> {
        let create = move |plan: &mut Plan| {
            plan.step(|plan| match plan.load::<Site>(&Key::site(&site.id))? {
                Some(known) => Err(StoreError::SiteExists(known.id)),
                None => plan.insert(&Key::site(&site.id), &site),
            })
        };
        self.writer()?.write(1, BYTES, create).await
    }

    async fn update_site(&self, site: Site, expected: u64) -> Result<(), StoreError> {
        let update = move |plan: &mut Plan| {
            plan.step(|plan| match plan.load::<Site>(&Key::site(&site.id))? {
                None => Err(StoreError::UnknownSite(site.id)),
                Some(known) if known.policy_version != expected => Err(StoreError::SiteChanged(site.id)),
                Some(_) => plan.replace(&Key::site(&site.id), &site).map(drop),
            })
        };
        self.writer()?.write(1, BYTES, update).await
    }

    async fn site(&self, id: &SiteId) -> Result<Option<Site>, StoreError> {
        let key = Key::site(id);
        self.gate.read(move |view| codec::load(&view, &key)).await
    }

    async fn sites(&self, page: PageRequest<SiteId>) -> Result<Page<Site, SiteId>, StoreError> {
        let list = move |view: View<'_>| {
            let size = page.size.max(1);
            // A site's own key is not after itself: the least key after it is.
            let start = page.after.map_or_else(Key::sites, |id| Key::site(&id).next());
            let mut found = Page { rows: Vec::new(), next: None };
            for row in view.range(&start, &Key::sites().end()).take(size + 1) {
                let (key, stored) = row?;
                let site: Site = codec::decode(&view, &key, &stored)?;
                if found.rows.len() == size {
                    found.next = found.rows.last().map(|last: &Site| last.id.clone());
                } else {
                    found.rows.push(site);
                }
            }
            Ok(found)
        };
        self.gate.scan(list).await
    }

    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        let put =
            move |plan: &mut Plan| plan.step(|plan| plan.replace(&Key::api_key(&key.id), &key).map(drop));
        self.writer()?.write(1, BYTES, put).await
    }

    async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        let key = Key::api_key(id);
        self.gate.read(move |view| codec::load(&view, &key)).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let list = move |view: View<'_>| {
            let rows = view.range(&Key::api_keys(), &Key::api_keys().end());
            rows.map(|row| row.and_then(|(key, stored)| codec::decode(&view, &key, &stored))).collect()
        };
        self.gate.scan(list).await
    }
}
