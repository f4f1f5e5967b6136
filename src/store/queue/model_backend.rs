//! [`ModelStore`] on every backend with ordered rows.
//!
//! May import: `types`, `store`.

use async_trait::async_trait;

use super::{
    super::{ModelStore, NewPromotion, StoreError},
    backend::{Backend, once},
    models,
    rows::{Ledger, RowKey, RowKind, load},
};
use crate::types::{
    FrozenSet, FrozenSetName, Job, JobId, KeyId, ModelId, ModelRecord, Page, PageRequest, Promotion, SiteId,
    Stage, Timestamp,
};

#[async_trait]
impl<B: Backend> ModelStore for B {
    async fn add_model(&self, model: ModelRecord) -> Result<ModelRecord, StoreError> {
        once(self, &SiteId::installation(), 2, model, models::add).await
    }

    async fn model(&self, id: &ModelId) -> Result<Option<ModelRecord>, StoreError> {
        let key = RowKey::model(id);
        self.find(&SiteId::installation(), move |rows| load(rows, &key)).await
    }

    async fn models(&self) -> Result<Vec<ModelRecord>, StoreError> {
        self.look(&SiteId::installation(), |rows| models::all(rows, RowKind::Model)).await
    }

    async fn stage_model(
        &self,
        id: &ModelId,
        stage: Stage,
        actor: Option<&KeyId>,
        now: Timestamp,
    ) -> Result<ModelRecord, StoreError> {
        let (id, actor) = (id.clone(), actor.cloned());
        let change =
            move |ledger: &mut dyn Ledger, id| models::stage(ledger, &id, stage, actor.as_ref(), now);
        once(self, &SiteId::installation(), 2, id, change).await
    }

    async fn promote(&self, new: NewPromotion, now: Timestamp) -> Result<Promotion, StoreError> {
        once(self, &SiteId::installation(), 4, new, move |ledger, new| models::promote(ledger, new, now))
            .await
    }

    async fn active(&self) -> Result<Option<Promotion>, StoreError> {
        self.find(&SiteId::installation(), models::active).await
    }

    async fn promotions(&self, page: PageRequest<u64>) -> Result<Page<Promotion, u64>, StoreError> {
        self.look(&SiteId::installation(), move |rows| models::promotions(rows, &page)).await
    }

    async fn delete_model(
        &self,
        id: &ModelId,
        actor: Option<&KeyId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (id, actor) = (id.clone(), actor.cloned());
        let change = move |ledger: &mut dyn Ledger, id| models::delete(ledger, &id, actor.as_ref(), now);
        once(self, &SiteId::installation(), 2, id, change).await
    }

    async fn save_job(&self, job: Job, actor: Option<&KeyId>, now: Timestamp) -> Result<Job, StoreError> {
        let actor = actor.cloned();
        let change = move |ledger: &mut dyn Ledger, job| models::save_job(ledger, job, actor.as_ref(), now);
        once(self, &SiteId::installation(), 2, job, change).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.find(&SiteId::installation(), move |rows| load(rows, &RowKey::job(id))).await
    }

    async fn jobs(&self, page: PageRequest<JobId>) -> Result<Page<Job, JobId>, StoreError> {
        self.look(&SiteId::installation(), move |rows| models::jobs(rows, &page)).await
    }

    async fn freeze_set(&self, set: FrozenSet) -> Result<(), StoreError> {
        once(self, &SiteId::installation(), 2, set, |ledger, set| models::freeze(ledger, &set)).await
    }

    async fn frozen_set(&self, name: &FrozenSetName) -> Result<Option<FrozenSet>, StoreError> {
        let key = RowKey::frozen_set(name);
        self.find(&SiteId::installation(), move |rows| load(rows, &key)).await
    }

    async fn frozen_sets(&self) -> Result<Vec<FrozenSet>, StoreError> {
        self.look(&SiteId::installation(), |rows| models::all(rows, RowKind::FrozenSet)).await
    }

    async fn forget_samples(
        &self,
        site: &SiteId,
        author: [u8; 16],
        actor: &KeyId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let actor = actor.clone();
        once(self, site, 64, author, move |ledger, author| models::forget(ledger, author, &actor, now)).await
    }
}
