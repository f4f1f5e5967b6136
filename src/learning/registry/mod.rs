//! The life of a model: added as a candidate, shadowed, promoted, rolled back, deleted.
//!
//! What scores is one immutable snapshot behind an atomic pointer; a promotion is durable
//! before the pointer moves, so whoever asks after a crash finds the old bundle or the new
//! one. Knows no protocol. May import: `types`, `classifier`, `rules`, `scoring`, `store`.

mod compare;
mod diff;
mod error;
mod frozen;
mod jobs;
mod library;
mod lines;
mod report;
mod start;
mod stored;
mod training;

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

pub use compare::{Comparison, Flip, Flips, compare, flips};
pub use diff::{Difference, differences};
pub use error::ModelsError;
pub use frozen::{Part, SetText};
pub use jobs::{Schedule, Workshop};
pub use library::BundleFiles;
pub use report::{DataReport, Effect, EvasionReport, PoisonReport, ReviewerEffect, TrainingReport};
pub use start::first_bundle;
pub use stored::{Capped, Gathered, StoredSample, cap, gather, sets_of};
pub use training::{Control, Input, Made, make};

use self::{jobs::Jobs, library::Library};
use crate::{
    classifier::Bundle,
    scoring::Snapshot,
    store::{ModelRefusal, NewPromotion, SharedBlobs, SharedStore},
    types::{
        Clock, Gate, KeyId, ModelId, ModelRecord, Origin, Page, PageRequest, Promotion, PromotionKind, Stage,
        Timestamp,
    },
};

/// File of a bundle's report.
const REPORT_FILE: &str = "report.json";

/// Where the registry keeps things, and what time it is.
#[derive(Clone)]
pub struct Shelf {
    /// Rows.
    pub store: SharedStore,
    /// Bytes.
    pub blobs: SharedBlobs,
    /// The present.
    pub clock: Arc<dyn Clock>,
}

/// What a promotion is asked for with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Why.
    pub reason: String,
    /// Gates that may fail.
    pub overridden: Vec<String>,
    /// Number of the newest promotion that the caller knows.
    pub expected: Option<u64>,
}

/// The models of a node.
pub struct Models {
    shelf: Shelf,
    workshop: Workshop,
    library: Library,
    jobs: Jobs,
    live: Arc<ArcSwap<Snapshot>>,
    shadow: Arc<ArcSwapOption<Snapshot>>,
    /// One change of what scores at a time.
    changing: tokio::sync::Mutex<()>,
}

impl Models {
    /// The models on a shelf. `live` is what scores and `shadow` what scores beside it.
    #[must_use]
    pub fn new(
        shelf: Shelf,
        workshop: Workshop,
        live: Arc<ArcSwap<Snapshot>>,
        shadow: Arc<ArcSwapOption<Snapshot>>,
    ) -> Self {
        let library = Library::new(Arc::clone(&shelf.blobs));
        library.remember(&live.load().bundle);
        let (jobs, changing) = (Jobs::default(), tokio::sync::Mutex::default());
        Self { shelf, workshop, library, jobs, live, shadow, changing }
    }

    fn now(&self) -> Timestamp {
        self.shelf.clock.now()
    }

    /// Every bundle: the active one first, then the newest first.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Store`].
    pub async fn list(&self) -> Result<Vec<ModelRecord>, ModelsError> {
        let mut models = self.shelf.store.models().await?;
        models.sort_by_key(|m| (m.stage != Stage::Active, std::cmp::Reverse(m.created_at), m.id.clone()));
        Ok(models)
    }

    /// One bundle.
    ///
    /// # Errors
    ///
    /// `UnknownModel`.
    pub async fn get(&self, id: &ModelId) -> Result<ModelRecord, ModelsError> {
        let found = self.shelf.store.model(id).await?;
        found.ok_or_else(|| ModelRefusal::UnknownModel(id.clone()).into())
    }

    /// The newest promotion; `None` on a node that keeps no models.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Store`].
    pub async fn active(&self) -> Result<Option<Promotion>, ModelsError> {
        Ok(self.shelf.store.active().await?)
    }

    /// Name of the bundle that scores on this node.
    ///
    /// # Errors
    ///
    /// `UnknownModel` when it has a name that no kept bundle has.
    pub fn active_id(&self) -> Result<ModelId, ModelsError> {
        let live = self.live.load();
        ModelId::new(live.model_id()).map_err(|error| ModelsError::Unusable(error.to_string()))
    }

    /// The content of a bundle.
    ///
    /// # Errors
    ///
    /// `UnknownModel`; [`ModelsError::Lost`].
    pub async fn bundle(&self, id: &ModelId) -> Result<Arc<Bundle>, ModelsError> {
        let live = self.live.load().bundle.clone();
        if live.id == id.as_str() {
            return Ok(live);
        }
        self.library.bundle(id).await
    }

    /// The files of a bundle.
    ///
    /// # Errors
    ///
    /// As [`Models::bundle`].
    pub async fn files(&self, id: &ModelId) -> Result<BundleFiles, ModelsError> {
        self.get(id).await?;
        if self.library.has(id).await? {
            return self.library.files(id).await;
        }
        BundleFiles::of(&*self.bundle(id).await?)
    }

    /// Keeps a bundle that came from elsewhere as a candidate.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Unusable`].
    pub async fn import(&self, files: BundleFiles, actor: &KeyId) -> Result<ModelRecord, ModelsError> {
        let (bundle, files) = {
            let read = tokio::task::spawn_blocking(move || files.read().map(|bundle| (bundle, files))).await;
            read.map_err(|error| ModelsError::Unusable(error.to_string()))??
        };
        let record = self.record(&files, Origin::Imported, Some(actor));
        if let Some(known) = self.shelf.store.model(&record.id).await? {
            return Ok(known);
        }
        self.library.write(files).await?;
        self.library.remember(&Arc::new(bundle));
        Ok(self.shelf.store.add_model(record).await?)
    }

    /// Whether a bundle has a report.
    pub async fn has_report(&self, id: &ModelId) -> bool {
        matches!(self.shelf.blobs.blob(id.as_str(), REPORT_FILE).await, Ok(Some(_)))
    }

    fn record(&self, files: &BundleFiles, origin: Origin, actor: Option<&KeyId>) -> ModelRecord {
        let now = self.now();
        ModelRecord {
            id: files.id.clone(),
            stage: Stage::Candidate,
            staged_at: now,
            origin,
            created_at: now,
            created_by: actor.cloned(),
            bytes: files.bytes(),
            compared_with: None,
            gates: Vec::new(),
            learnt_until: None,
        }
    }

    /// Whether a bundle may be promoted with what is overridden.
    ///
    /// # Errors
    ///
    /// [`ModelsError::GatesFailed`] with the gates that stand in the way;
    /// [`ModelsError::Field`] when something is overridden that need not be, or without a
    /// reason.
    pub fn admit(model: &ModelRecord, wish: &Wish) -> Result<(), ModelsError> {
        let unmeasured = [Gate {
            name: "report/measured".to_owned(),
            passed: false,
            value: None,
            limit: None,
            message: "nothing was measured of this bundle".to_owned(),
        }];
        let gates = if model.gates.is_empty() { &unmeasured[..] } else { &model.gates };
        let failed: Vec<&Gate> = gates.iter().filter(|gate| !gate.passed).collect();
        let needless = wish.overridden.iter().find(|name| !failed.iter().any(|gate| gate.name == **name));
        if let Some(name) = needless {
            let must = format!("must name gates that fail; {name:?} is none of them");
            return Err(ModelsError::Field { field: "override_gates", must });
        }
        if !wish.overridden.is_empty() && wish.reason.trim().is_empty() {
            let must = "must say why gates are overridden".to_owned();
            return Err(ModelsError::Field { field: "reason", must });
        }
        let stands = |gate: &&Gate| !wish.overridden.contains(&gate.name);
        let left: Vec<Gate> = failed.into_iter().filter(stands).cloned().collect();
        if left.is_empty() { Ok(()) } else { Err(ModelsError::GatesFailed(left)) }
    }

    /// Has a bundle score from now on.
    ///
    /// # Errors
    ///
    /// As [`Models::admit`]; `UnknownModel`, `ModelActive`, `ActiveChanged`;
    /// [`ModelsError::Lost`].
    pub async fn promote(&self, id: &ModelId, wish: Wish, actor: &KeyId) -> Result<Promotion, ModelsError> {
        Self::admit(&self.get(id).await?, &wish)?;
        self.change(id, PromotionKind::Promoted, wish, Some(actor)).await
    }

    /// Goes back to the bundle that scored before the active one was promoted. Doing it
    /// again goes back further.
    ///
    /// # Errors
    ///
    /// [`ModelsError::NothingToRollBack`]; `ActiveChanged`; [`ModelsError::Lost`].
    pub async fn roll_back(&self, wish: Wish, actor: &KeyId) -> Result<Promotion, ModelsError> {
        let active = self.active().await?.ok_or(ModelsError::NothingToRollBack)?;
        let before = self.before(&active).await?.ok_or(ModelsError::NothingToRollBack)?;
        let wish = Wish { expected: wish.expected.or(Some(active.number)), ..wish };
        self.change(&before, PromotionKind::RolledBack, wish, Some(actor)).await
    }

    /// What scored when the active bundle was promoted, the last time that it was.
    async fn before(&self, active: &Promotion) -> Result<Option<ModelId>, ModelsError> {
        let mut after = None;
        loop {
            let page = self.promotions(PageRequest { size: 100, after }).await?;
            let made = page.rows.into_iter();
            let made = made
                .into_iter()
                .find(|p| p.model == active.model && !matches!(p.kind, PromotionKind::RolledBack));
            match (made, page.next) {
                (Some(made), _) => return Ok(made.previous),
                (None, None) => return Ok(None),
                (None, next) => after = next,
            }
        }
    }

    /// Makes a bundle the active one: read first, then durable, then seen.
    async fn change(
        &self,
        id: &ModelId,
        kind: PromotionKind,
        wish: Wish,
        actor: Option<&KeyId>,
    ) -> Result<Promotion, ModelsError> {
        let bundle = self.bundle(id).await?;
        let _one_at_a_time = self.changing.lock().await;
        // What scored stays in memory: going back to it reads nothing.
        self.library.remember(&self.live.load().bundle);
        let Wish { reason, overridden, expected } = wish;
        let new =
            NewPromotion { model: id.clone(), kind, expected, actor: actor.cloned(), reason, overridden };
        let promotion = self.shelf.store.promote(new, self.now()).await?;
        self.serve(&bundle);
        self.follow_shadow().await?;
        tracing::info!(model = %id, number = promotion.number, "another model scores");
        Ok(promotion)
    }

    /// Moves the pointer to a bundle; rules stay as they are.
    fn serve(&self, bundle: &Arc<Bundle>) {
        self.live.rcu(|now| Snapshot { bundle: Arc::clone(bundle), ..(**now).clone() });
    }

    /// Promotions, the newest first.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Store`].
    pub async fn promotions(&self, page: PageRequest<u64>) -> Result<Page<Promotion, u64>, ModelsError> {
        Ok(self.shelf.store.promotions(page).await?)
    }

    /// Has a bundle score beside the active one, or no more.
    ///
    /// # Errors
    ///
    /// `UnknownModel`, `ModelActive`; [`ModelsError::Lost`].
    pub async fn shadow(&self, id: &ModelId, on: bool, actor: &KeyId) -> Result<ModelRecord, ModelsError> {
        if on {
            self.bundle(id).await?;
        }
        let _one_at_a_time = self.changing.lock().await;
        let stage = if on { Stage::Shadow } else { Stage::Candidate };
        let model = self.shelf.store.stage_model(id, stage, Some(actor), self.now()).await?;
        self.follow_shadow().await?;
        Ok(model)
    }

    /// Makes what scores beside the active bundle agree with the rows.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Store`]; a bundle that cannot be read is told in the log and does not
    /// score.
    pub async fn follow_shadow(&self) -> Result<(), ModelsError> {
        let models = self.shelf.store.models().await?;
        let Some(model) = models.into_iter().find(|model| model.stage == Stage::Shadow) else {
            self.shadow.store(None);
            return Ok(());
        };
        let known = self.shadow.load_full();
        if known.is_some_and(|known| known.model_id() == model.id.as_str()) {
            return Ok(());
        }
        match self.bundle(&model.id).await {
            Ok(bundle) => {
                let beside = Snapshot { bundle, ..(**self.live.load()).clone() };
                self.shadow.store(Some(Arc::new(beside)));
            }
            Err(error) => tracing::error!(model = %model.id, %error, "the shadow model cannot be read"),
        }
        Ok(())
    }

    /// Makes what scores agree with the rows, where another node changed them.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Store`], [`ModelsError::Lost`].
    pub async fn follow(&self) -> Result<(), ModelsError> {
        let _one_at_a_time = self.changing.lock().await;
        if let Some(active) = self.active().await?
            && self.live.load().model_id() != active.model.as_str()
        {
            let bundle = self.library.bundle(&active.model).await?;
            self.serve(&bundle);
        }
        self.follow_shadow().await
    }

    /// Deletes a bundle that does not score.
    ///
    /// # Errors
    ///
    /// `UnknownModel`, `ModelActive`.
    pub async fn delete(&self, id: &ModelId, actor: Option<&KeyId>) -> Result<(), ModelsError> {
        let _one_at_a_time = self.changing.lock().await;
        // The row first: a row must never name what is not there.
        self.shelf.store.delete_model(id, actor, self.now()).await?;
        self.shelf.blobs.delete_blob(id.as_str()).await?;
        self.follow_shadow().await
    }

    /// Writes down the built-in bundle, so that it can be gone back to when the program
    /// has another one.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Store`].
    pub async fn keep_live(&self) -> Result<(), ModelsError> {
        let bundle = self.live.load().bundle.clone();
        let id = self.active_id()?;
        if self.library.has(&id).await? {
            return Ok(());
        }
        let files = tokio::task::spawn_blocking(move || BundleFiles::of(&bundle)).await;
        self.library.write(files.map_err(|error| ModelsError::Unusable(error.to_string()))??).await
    }
}

#[cfg(test)]
mod tests;
