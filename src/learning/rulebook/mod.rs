//! The rules in force: pushed, compared, published, taken back.
//!
//! A set comes into force in two steps: one durable write, then a swap of the snapshot
//! that scoring reads. A crash between them loses nothing: the write is read at the
//! next start. Swaps are made one after the other, so the snapshot never falls behind
//! the store. Knows no protocol. May import: `types`, `rules`, `scoring`, `store`.

mod compile;
mod error;

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;

use crate::{
    rules::{Diagnostic, RuleChange, RuleSet, Source, diff},
    scoring::Snapshot,
    store::{NewActivation, NewRules, RuleRefusal, SharedStore, StoreError},
    types::{
        Activation, Clock, KeyId, Page, PageRequest, RuleFile, RuleSetId, RuleVersion, RulesState, SiteId,
        Timestamp,
    },
};

pub use compile::{Compiled, check};
pub use error::RulesError;

use compile::{compile, sources};

/// Sites read in one go.
const PAGE: usize = 500;

/// Which set of a site is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleRef {
    /// The set in force.
    Live,
    /// The set that waits to be published.
    Draft,
    /// The set of this name.
    Set(RuleSetId),
}

/// A set to push.
#[derive(Clone, Debug)]
pub struct Push {
    /// Its files.
    pub files: Vec<RuleFile>,
    /// Why.
    pub note: String,
    /// Who pushes.
    pub actor: KeyId,
    /// The etag that was last read.
    pub expected: Option<u64>,
    /// Checks and compares, and keeps nothing.
    pub dry_run: bool,
}

/// What pushing came to.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The version; of a dry run with number 0 unless it is kept already.
    pub version: RuleVersion,
    /// Where the rules stand now.
    pub state: RulesState,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// What it says differently from the set in force.
    pub changes: Vec<RuleChange>,
}

/// A set to bring into force.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The set.
    pub set: RuleRef,
    /// Who publishes.
    pub actor: KeyId,
    /// Why.
    pub reason: String,
    /// The etag that was last read.
    pub expected: Option<u64>,
    /// The gate that is overridden, and why; empty when none is.
    pub overridden: String,
    /// Checks everything and changes nothing.
    pub dry_run: bool,
}

/// The rules of every site. Those of all sites belong to [`SiteId::installation`].
pub struct Rulebook {
    store: SharedStore,
    clock: Arc<dyn Clock>,
    live: Arc<ArcSwap<Snapshot>>,
    /// What holds for all sites until a set is published for them.
    configured: RuleSet,
    /// One change at a time; the etags that the snapshot was made from.
    seen: tokio::sync::Mutex<HashMap<SiteId, u64>>,
}

impl Rulebook {
    /// The rulebook behind a snapshot, whose present rules are those of the configuration.
    #[must_use]
    pub fn new(store: SharedStore, clock: Arc<dyn Clock>, live: Arc<ArcSwap<Snapshot>>) -> Self {
        let configured = (*live.load().rules).clone();
        Self { store, clock, live, configured, seen: tokio::sync::Mutex::default() }
    }

    /// Keeps the files that the configured rules were read from, so that verdicts judged
    /// by them can be judged again, and starts the time of their emergency rules. Call
    /// once, before [`Rulebook::refresh`].
    ///
    /// # Errors
    ///
    /// [`RulesError::Store`].
    pub async fn adopt(&mut self, files: Vec<RuleFile>) -> Result<(), RulesError> {
        let site = SiteId::installation();
        let Ok(set) = RuleSetId::new(self.configured.id()) else { return Ok(()) };
        let now = self.clock.now();
        let known = self.store.rule_version(&site, &set).await?;
        if known.is_none() {
            let new = NewRules {
                set: set.clone(),
                files,
                rules: count(&self.configured),
                note: "named by the configuration".to_owned(),
                actor: None,
                draft: false,
                expected: None,
            };
            self.store.put_rules(&site, new, now).await?;
        }
        self.store.begin_rules(&site, &set, now).await?;
        let version = self.store.rule_version(&site, &set).await?;
        let first = version.and_then(|version| version.first_live_at).unwrap_or(now);
        self.configured = self.configured.clone().since(first);
        let rules = self.configured.with_own(self.live.load().rules.owners());
        self.swap(rules);
        Ok(())
    }

    /// Brings the snapshot to what the store says, for all sites: at the start, and
    /// where other nodes publish too. Answers how many sets changed.
    ///
    /// # Errors
    ///
    /// [`RulesError::Store`]. A set that cannot be compiled any more is told in the log
    /// and leaves what was in force before.
    pub async fn refresh(&self) -> Result<usize, RulesError> {
        let mut sites = vec![SiteId::installation()];
        let mut after = None;
        loop {
            let page = self.store.sites(PageRequest { size: PAGE, after }).await?;
            sites.extend(page.rows.into_iter().map(|site| site.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut seen = self.seen.lock().await;
        let mut changed = 0;
        for site in sites {
            let state = self.store.rules_state(&site).await?;
            if seen.get(&site).copied().unwrap_or_default() == state.etag {
                continue;
            }
            let compiled = match state.live_set() {
                Some(set) => self.compiled(&site, set).await.map(Some),
                None => Ok(None),
            };
            match compiled {
                Ok(set) => {
                    self.install(&site, set);
                    changed += 1;
                }
                Err(error) => {
                    tracing::error!(%site, reason = error.reason(), "published rules cannot be used");
                }
            }
            seen.insert(site, state.etag);
        }
        Ok(changed)
    }

    /// What judges now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.live.load_full()
    }

    /// The present moment, by the clock of the service.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The rules of a site as they stand.
    ///
    /// # Errors
    ///
    /// [`RulesError::UnknownSite`].
    pub async fn state(&self, site: &SiteId) -> Result<RulesState, RulesError> {
        self.known(site).await?;
        Ok(self.store.rules_state(site).await?)
    }

    /// Versions, newest first.
    ///
    /// # Errors
    ///
    /// [`RulesError::UnknownSite`].
    pub async fn versions(
        &self,
        site: &SiteId,
        page: PageRequest<u64>,
    ) -> Result<(Page<RuleVersion, u64>, RulesState), RulesError> {
        let state = self.state(site).await?;
        Ok((self.store.rule_versions(site, page).await?, state))
    }

    /// One version with its files and, compiled, its rules.
    ///
    /// # Errors
    ///
    /// `RULE_SET_NOT_FOUND`, [`RulesError::NoDraft`], [`RulesError::NothingLive`],
    /// [`RulesError::Invalid`] when this program cannot read it.
    pub async fn get(&self, site: &SiteId, which: &RuleRef) -> Result<(Compiled, RulesState), RulesError> {
        let state = self.state(site).await?;
        let set = self.resolve(site, &state, which)?;
        Ok((self.read(site, &set).await?, state))
    }

    /// What `after` says differently from `before`.
    ///
    /// # Errors
    ///
    /// As [`Rulebook::get`]; no set in force counts as an empty one.
    pub async fn diff(
        &self,
        site: &SiteId,
        before: &RuleRef,
        after: &RuleRef,
    ) -> Result<Vec<RuleChange>, RulesError> {
        let state = self.state(site).await?;
        let mut sides = Vec::new();
        for which in [before, after] {
            sides.push(match self.resolve(site, &state, which) {
                Err(RulesError::NothingLive) => Vec::new(),
                found => sources(self.files(site, &found?).await?),
            });
        }
        let [before, after] = sides.as_slice() else { return Ok(Vec::new()) };
        Ok(diff(before, after))
    }

    /// Keeps a set and makes it the draft.
    ///
    /// # Errors
    ///
    /// [`RulesError::Invalid`], [`RulesError::UnknownSite`], `ETAG_MISMATCH`.
    pub async fn push(&self, site: &SiteId, push: Push) -> Result<Pushed, RulesError> {
        let Push { files, note, actor, expected, dry_run } = push;
        let state = self.state(site).await?;
        let (set, diagnostics) = check(files.clone()).await;
        let Some(set) = set else { return Err(RulesError::Invalid(diagnostics)) };
        let id = RuleSetId::new(set.id()).map_err(|_| RulesError::Invalid(Vec::new()))?;
        // Rules that were built in without their files compare as none.
        let before = match self.resolve(site, &state, &RuleRef::Live) {
            Ok(live) => self.store.rule_files(site, &live).await?.map(sources).unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let changes = diff(&before, &sources(files.clone()));
        if dry_run {
            if expected.is_some_and(|etag| etag != state.etag) {
                return Err(StoreError::from(RuleRefusal::Changed).into());
            }
            let known = self.store.rule_version(site, &id).await?;
            let version = known.unwrap_or_else(|| RuleVersion {
                id,
                number: 0,
                rules: count(&set),
                files: files.into_iter().map(|file| file.name).collect(),
                actor: Some(actor),
                note,
                created_at: self.clock.now(),
                first_live_at: None,
            });
            return Ok(Pushed { version, state, warnings: diagnostics, changes });
        }
        let rules = count(&set);
        let new = NewRules { set: id, files, rules, note, actor: Some(actor), draft: true, expected };
        let (version, state) = self.store.put_rules(site, new, self.clock.now()).await?;
        Ok(Pushed { version, state, warnings: diagnostics, changes })
    }

    /// Brings a set into force: durable and effective when this returns.
    ///
    /// # Errors
    ///
    /// As [`Rulebook::get`]; `ETAG_MISMATCH`.
    pub async fn publish(
        &self,
        site: &SiteId,
        publication: Publication,
    ) -> Result<(RuleVersion, RulesState), RulesError> {
        let Publication { set, actor, reason, expected, overridden, dry_run } = publication;
        let mut seen = self.seen.lock().await;
        let state = self.state(site).await?;
        let id = self.resolve(site, &state, &set)?;
        // Compiled first: what cannot be used never comes into force.
        let compiled = self.read(site, &id).await?;
        if dry_run {
            return Ok((compiled.version, state));
        }
        let new =
            NewActivation { set: Some(id.clone()), actor, reason, rollback: false, overridden, expected };
        let state = self.activate(site, new, Some(compiled.set), &mut seen).await?;
        let version = self.store.rule_version(site, &id).await?.unwrap_or(compiled.version);
        Ok((version, state))
    }

    /// Brings the set back that was in force before the newest publication.
    ///
    /// # Errors
    ///
    /// [`RulesError::NothingBefore`], `ETAG_MISMATCH`.
    pub async fn roll_back(
        &self,
        site: &SiteId,
        actor: KeyId,
        reason: String,
        expected: Option<u64>,
    ) -> Result<(Option<RuleVersion>, RulesState), RulesError> {
        let mut seen = self.seen.lock().await;
        let state = self.state(site).await?;
        let Some(Activation { previous, .. }) = state.live else { return Err(RulesError::NothingBefore) };
        let compiled = match &previous {
            Some(set) => Some(self.read(site, set).await?),
            None => None,
        };
        let (version, set) = compiled.map_or((None, None), |found| (Some(found.version), Some(found.set)));
        let overridden = String::new();
        let new = NewActivation { set: previous, actor, reason, rollback: true, overridden, expected };
        let state = self.activate(site, new, set, &mut seen).await?;
        Ok((version, state))
    }

    async fn activate(
        &self,
        site: &SiteId,
        new: NewActivation,
        compiled: Option<RuleSet>,
        seen: &mut HashMap<SiteId, u64>,
    ) -> Result<RulesState, RulesError> {
        let now = self.clock.now();
        let set = new.set.clone();
        let state = self.store.activate_rules(site, new, now).await?;
        let first = match &set {
            Some(set) => self.store.rule_version(site, set).await?.and_then(|version| version.first_live_at),
            None => None,
        };
        self.install(site, compiled.map(|set| set.since(first.unwrap_or(now))));
        seen.insert(site.clone(), state.etag);
        Ok(state)
    }

    /// Puts a set into the snapshot; `None` takes the own set of a site away.
    fn install(&self, site: &SiteId, set: Option<RuleSet>) {
        let now = self.live.load_full();
        let rules = if *site == SiteId::installation() {
            set.as_ref().unwrap_or(&self.configured).with_own(now.rules.owners())
        } else {
            let others = now.rules.owners().filter(|(owner, _)| owner != site);
            now.rules.with_own(others.chain(set.map(|set| (site.clone(), set))))
        };
        self.swap(rules);
    }

    /// Only the rules change: a model that is swapped at the same moment stays.
    fn swap(&self, rules: RuleSet) {
        let rules = Arc::new(rules);
        self.live.rcu(|now| Snapshot { rules: Arc::clone(&rules), ..(**now).clone() });
    }

    fn resolve(&self, site: &SiteId, state: &RulesState, which: &RuleRef) -> Result<RuleSetId, RulesError> {
        match which {
            RuleRef::Set(set) => Ok(set.clone()),
            RuleRef::Draft => state.draft.as_ref().map(|draft| draft.set.clone()).ok_or(RulesError::NoDraft),
            RuleRef::Live => match state.live_set() {
                Some(set) => Ok(set.clone()),
                None if *site == SiteId::installation() => {
                    RuleSetId::new(self.configured.id()).map_err(|_| RulesError::NothingLive)
                }
                None => Err(RulesError::NothingLive),
            },
        }
    }

    /// A set by its name, compiled, with the time of its emergency rules: what judged the
    /// verdicts that name it.
    ///
    /// # Errors
    ///
    /// `RULE_SET_NOT_FOUND`, [`RulesError::Invalid`].
    pub async fn compiled(&self, site: &SiteId, set: &RuleSetId) -> Result<RuleSet, RulesError> {
        Ok(self.read(site, set).await?.set)
    }

    /// As [`Rulebook::compiled`], without compiling what is in force: the sets of recent
    /// verdicts cost nothing.
    ///
    /// # Errors
    ///
    /// As [`Rulebook::compiled`].
    pub async fn judged_by(&self, site: &SiteId, set: &RuleSetId) -> Result<RuleSet, RulesError> {
        let live = Arc::clone(&self.live.load().rules);
        let present =
            if *site == SiteId::installation() { Some((*live).with_own([])) } else { live.own(site) };
        match present.filter(|present| present.id() == set.as_str()) {
            Some(present) => Ok(present),
            None => self.compiled(site, set).await,
        }
    }

    async fn read(&self, site: &SiteId, set: &RuleSetId) -> Result<Compiled, RulesError> {
        let unknown = || StoreError::from(RuleRefusal::Unknown(set.clone()));
        let version = self.store.rule_version(site, set).await?.ok_or_else(unknown)?;
        compile(version, self.files(site, set).await?).await
    }

    async fn files(&self, site: &SiteId, set: &RuleSetId) -> Result<Vec<RuleFile>, RulesError> {
        let files = self.store.rule_files(site, set).await?;
        Ok(files.ok_or_else(|| StoreError::from(RuleRefusal::Unknown(set.clone())))?)
    }

    async fn known(&self, site: &SiteId) -> Result<(), RulesError> {
        if *site == SiteId::installation() || self.store.site(site).await?.is_some() {
            return Ok(());
        }
        Err(RulesError::UnknownSite(site.clone()))
    }
}

fn count(set: &RuleSet) -> u32 {
    u32::try_from(set.rules().len()).unwrap_or(u32::MAX)
}

/// Rule files as the checker wants them.
#[must_use]
pub fn as_files(sources: Vec<Source>) -> Vec<RuleFile> {
    sources.into_iter().map(|Source { name, text }| RuleFile { name, text }).collect()
}
