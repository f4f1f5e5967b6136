//! Model bundles, jobs and frozen sets: what is kept of them, and where their bytes
//! lie.
//!
//! Rows say which bundles there are and which one scores; the bytes of a bundle are
//! files beside the store, too large for rows. Bytes are written first and the row
//! after them, so a row never names what is not there. May import: `types`, `store`.

use async_trait::async_trait;

use super::StoreError;
use crate::types::{
    FrozenSet, FrozenSetName, Job, JobId, KeyId, ModelId, ModelRecord, Page, PageRequest, Promotion,
    PromotionKind, SiteId, Stage, Timestamp,
};

/// A change of the active bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPromotion {
    /// The bundle that scores from now on.
    pub model: ModelId,
    /// What makes it so.
    pub kind: PromotionKind,
    /// The number of the promotion that the caller decided upon; `None` when it does not
    /// matter what scored before.
    pub expected: Option<u64>,
    /// Whose key; `None` when the service does it by itself.
    pub actor: Option<KeyId>,
    /// Why.
    pub reason: String,
    /// Gates that are overridden.
    pub overridden: Vec<String>,
}

/// Bundles, the one that scores, jobs and frozen sets of the installation. Every change
/// is one atomic step with its audit event, durable when the call returns.
#[async_trait]
pub trait ModelStore: Send + Sync {
    /// Adds a bundle. One that is there already is answered as it is: the same content
    /// is the same bundle.
    async fn add_model(&self, model: ModelRecord) -> Result<ModelRecord, StoreError>;

    /// One bundle, or `None`.
    async fn model(&self, id: &ModelId) -> Result<Option<ModelRecord>, StoreError>;

    /// Every bundle, by id.
    async fn models(&self) -> Result<Vec<ModelRecord>, StoreError>;

    /// Moves a bundle to another stage than [`Stage::Active`]. At most one is in
    /// [`Stage::Shadow`]: the one before becomes a candidate again.
    ///
    /// # Errors
    ///
    /// `UnknownModel`; `ModelActive` for the one that scores.
    async fn stage_model(
        &self,
        id: &ModelId,
        stage: Stage,
        actor: Option<&KeyId>,
        now: Timestamp,
    ) -> Result<ModelRecord, StoreError>;

    /// Makes a bundle the active one and retires the one before.
    ///
    /// # Errors
    ///
    /// `UnknownModel`; `ModelActive` when it is so already; `ActiveChanged` when the
    /// newest promotion is not the one expected.
    async fn promote(&self, new: NewPromotion, now: Timestamp) -> Result<Promotion, StoreError>;

    /// The newest promotion: what scores. `None` before the first.
    async fn active(&self) -> Result<Option<Promotion>, StoreError>;

    /// Promotions, the newest first.
    async fn promotions(&self, page: PageRequest<u64>) -> Result<Page<Promotion, u64>, StoreError>;

    /// Deletes the row of a bundle.
    ///
    /// # Errors
    ///
    /// `UnknownModel`; `ModelActive` for the one that scores.
    async fn delete_model(
        &self,
        id: &ModelId,
        actor: Option<&KeyId>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Writes a job as it is now. A change of its state is an audit event.
    ///
    /// # Errors
    ///
    /// `JobOver` when the stored one ended: nothing changes it any more.
    async fn save_job(&self, job: Job, actor: Option<&KeyId>, now: Timestamp) -> Result<Job, StoreError>;

    /// One job, or `None`.
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError>;

    /// Jobs, the newest first.
    async fn jobs(&self, page: PageRequest<JobId>) -> Result<Page<Job, JobId>, StoreError>;

    /// Freezes a set under its name.
    ///
    /// # Errors
    ///
    /// `SetExists`: a name never changes its meaning.
    async fn freeze_set(&self, set: FrozenSet) -> Result<(), StoreError>;

    /// One frozen set, or `None`.
    async fn frozen_set(&self, name: &FrozenSetName) -> Result<Option<FrozenSet>, StoreError>;

    /// Every frozen set, by name.
    async fn frozen_sets(&self) -> Result<Vec<FrozenSet>, StoreError>;

    /// Withdraws every ruling on comments of an author of a site, so that nothing is
    /// learnt from them any more; answers how many samples went. Some thousand verdicts
    /// at most in one call: call again while it answers more than zero.
    async fn forget_samples(
        &self,
        site: &SiteId,
        author: [u8; 16],
        actor: &KeyId,
        now: Timestamp,
    ) -> Result<u64, StoreError>;
}

/// Bytes that belong to a row: the files of a bundle, a frozen set. `id` and `name` are
/// made by this program and hold only `a-z`, `A-Z`, `0-9`, `-` and `.`.
#[async_trait]
pub trait BlobStore: Send + Sync + 'static {
    /// Writes one file of a blob, whole or not at all, in place of the one before.
    /// Durable when the call returns.
    async fn put_blob(&self, id: &str, name: &str, bytes: Vec<u8>) -> Result<(), StoreError>;

    /// One file of a blob, or `None`.
    async fn blob(&self, id: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Deletes a blob with all its files, if it is there.
    async fn delete_blob(&self, id: &str) -> Result<(), StoreError>;

    /// Every blob.
    async fn blob_ids(&self) -> Result<Vec<String>, StoreError>;
}
