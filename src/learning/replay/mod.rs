//! Recorded verdicts judged again: by the versions that made them, to the same bits, or
//! by others.
//!
//! Text is read again from the recorded comment; everything else that scoring adds up
//! comes from the verdict's trace. Knows no protocol. May import: `types`, `text`,
//! `features`, `classifier`, `rules`, `scoring`, `store`.

pub mod backtest;
pub mod desk;
mod error;
mod judge;
pub mod mine;
pub mod report;

use std::sync::Arc;

use crate::{
    classifier::Bundle,
    features::ArticleProfile,
    rules::RuleSet,
    store::{SharedStore, StoreError},
    types::{ModelId, RuleSetId, SiteId, Timestamp, Verdict, VerdictId},
};

use super::{Models, Rulebook};

pub use error::ReplayError;
pub use judge::{Bench, Rules, Why};

/// What judges again.
pub struct Replay {
    store: SharedStore,
    models: Arc<Models>,
    rulebook: Arc<Rulebook>,
    runs: desk::Runs,
}

/// A verdict judged again by the versions that made it.
#[derive(Clone, Debug)]
pub struct Explained {
    /// What was recorded.
    pub recorded: Verdict,
    /// The same comment, judged now.
    pub again: Verdict,
    /// What came out otherwise, in words; empty when every number is the same to the bit.
    pub differences: Vec<String>,
}

impl Replay {
    /// A replay over what a node keeps.
    #[must_use]
    pub fn new(store: SharedStore, models: Arc<Models>, rulebook: Arc<Rulebook>) -> Self {
        Self { store, models, rulebook, runs: desk::Runs::default() }
    }

    /// The rules.
    #[must_use]
    pub const fn rulebook(&self) -> &Arc<Rulebook> {
        &self.rulebook
    }

    /// What each rule of a site did since a moment.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Store`].
    pub async fn report(&self, site: &SiteId, from: Timestamp) -> Result<report::RulesReport, ReplayError> {
        Ok(report::rules_report(&self.store, site, from).await?)
    }

    /// Rules proposed from what people rejected since a moment, supported by at least so
    /// many comments and at least so precise.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Store`].
    pub async fn mine(
        &self,
        site: &SiteId,
        from: Timestamp,
        least: (u64, f64),
    ) -> Result<mine::Mined, ReplayError> {
        Ok(mine::mine(&self.store, site, (from, self.rulebook.now()), least).await?)
    }

    /// Judges a verdict again by its recorded versions.
    ///
    /// # Errors
    ///
    /// `VERDICT_NOT_FOUND`; [`ReplayError::Untraceable`] when something that made it is
    /// not there any more.
    pub async fn explain(&self, site: &SiteId, id: VerdictId) -> Result<Explained, ReplayError> {
        let found = self.store.verdict(site, id).await?;
        let recorded = found.ok_or(StoreError::UnknownVerdict(id))?;
        let bundle = self.bundle(&recorded.versions.model).await?;
        let rules = self.rules(site, &recorded.versions.rules).await?;
        let article = match &recorded.article {
            Some(article) => self.store.article(site, article).await?,
            None => None,
        };
        let work = move || {
            let article = article.map(|article| ArticleProfile::new(&article.fields));
            let mut bench = Bench::default();
            let judged = bench.judge(&recorded, &bundle, Rules::Recorded(&rules), None, article.as_ref())?;
            let again = judge::renewed(&recorded, judged);
            let differences = judge::differences(&recorded, &again);
            Ok(Explained { recorded, again, differences })
        };
        let done = tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Closed)?;
        done.map_err(ReplayError::Untraceable)
    }

    /// The bundle of a verdict.
    async fn bundle(&self, id: &str) -> Result<Arc<Bundle>, ReplayError> {
        let gone = || ReplayError::Untraceable(Why::Model(id.to_owned()));
        let model = ModelId::new(id).map_err(|_| gone())?;
        self.models.bundle(&model).await.map_err(|_| gone())
    }

    /// The rules of a verdict: `GLOBAL` or `GLOBAL+SITE`.
    async fn rules(&self, site: &SiteId, version: &str) -> Result<RuleSet, ReplayError> {
        let gone = || ReplayError::Untraceable(Why::Rules(version.to_owned()));
        let (global, own) = match version.split_once('+') {
            Some((global, own)) => (global, Some(own)),
            None => (version, None),
        };
        let set = |id: &str| RuleSetId::new(id).map_err(|_| gone());
        let global =
            self.rulebook.judged_by(&SiteId::installation(), &set(global)?).await.map_err(|_| gone())?;
        let Some(own) = own else { return Ok(global) };
        let own = self.rulebook.judged_by(site, &set(own)?).await.map_err(|_| gone())?;
        Ok(global.with_own([(site.clone(), own)]))
    }
}
