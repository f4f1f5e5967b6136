//! What can be done with rule sets. Each call is one atomic step of a site and durable
//! when it returns.
//!
//! May import: `types`, `store`.

use async_trait::async_trait;

use super::{
    super::StoreError,
    rulebook::{NewActivation, NewRules},
};
use crate::types::{
    Activation, Page, PageRequest, RuleFile, RuleSetId, RuleVersion, RulesState, SiteId, Timestamp,
};

/// Rule sets. Those of the whole installation belong to [`SiteId::installation`].
#[async_trait]
pub trait RuleStore: Send + Sync {
    /// Where the rules of a site stand.
    async fn rules_state(&self, site: &SiteId) -> Result<RulesState, StoreError>;

    /// Keeps a set; one that is kept already stays as it is.
    ///
    /// # Errors
    ///
    /// [`super::rulebook::RuleRefusal::Changed`], [`super::rulebook::RuleRefusal::TooMany`].
    async fn put_rules(
        &self,
        site: &SiteId,
        new: NewRules,
        now: Timestamp,
    ) -> Result<(RuleVersion, RulesState), StoreError>;

    /// Brings a set into force.
    ///
    /// # Errors
    ///
    /// [`super::rulebook::RuleRefusal::Unknown`], [`super::rulebook::RuleRefusal::Changed`].
    async fn activate_rules(
        &self,
        site: &SiteId,
        new: NewActivation,
        now: Timestamp,
    ) -> Result<RulesState, StoreError>;

    /// Notes that a set that came with the configuration is in force.
    ///
    /// # Errors
    ///
    /// [`super::rulebook::RuleRefusal::Unknown`].
    async fn begin_rules(&self, site: &SiteId, set: &RuleSetId, now: Timestamp) -> Result<(), StoreError>;

    /// One version without its text, or `None`.
    async fn rule_version(&self, site: &SiteId, set: &RuleSetId) -> Result<Option<RuleVersion>, StoreError>;

    /// The files of a version, or `None`.
    async fn rule_files(&self, site: &SiteId, set: &RuleSetId) -> Result<Option<Vec<RuleFile>>, StoreError>;

    /// Versions, newest first.
    async fn rule_versions(
        &self,
        site: &SiteId,
        page: PageRequest<u64>,
    ) -> Result<Page<RuleVersion, u64>, StoreError>;

    /// What came into force, newest first.
    async fn rule_activations(
        &self,
        site: &SiteId,
        page: PageRequest<u64>,
    ) -> Result<Page<Activation, u64>, StoreError>;
}
