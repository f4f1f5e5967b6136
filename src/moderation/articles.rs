//! Articles: put once, read once, compared with every comment.
//!
//! May import: `types`, `features`, `store`.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::{
    features::ArticleProfile,
    types::{Article, ArticleFields, ArticleId, SiteId},
};

use super::{Desk, ModerationError, profiles::Profiles};

/// Profiles of one generation: news sites comment on a few hundred articles at a
/// time; one profile is about 30 KiB.
const MAX_PROFILES: usize = 1_000;

/// What is kept in memory of an article.
#[derive(Clone)]
pub(super) struct Read {
    /// What comments are compared with.
    pub(super) profile: Arc<ArticleProfile>,
    /// Its section; `None` when it has none.
    pub(super) section: Option<String>,
}

/// Articles of all sites.
pub struct Articles {
    desk: Desk,
    profiles: Mutex<Profiles<Read>>,
}

impl Articles {
    /// Articles kept at a desk.
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        Self { desk, profiles: Mutex::new(Profiles::new(MAX_PROFILES)) }
    }

    /// Puts an article, replacing any with the same id.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownSite`], [`ModerationError::Store`].
    pub async fn put(
        &self,
        site: &SiteId,
        id: ArticleId,
        fields: ArticleFields,
    ) -> Result<Article, ModerationError> {
        self.known(site).await?;
        let article = Article { id, fields, updated_at: self.desk.clock.now() };
        self.desk.store.put_article(site, article.clone()).await?;
        self.profiles.lock().forget(&(site.clone(), article.id.clone()));
        Ok(article)
    }

    /// One article.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownArticle`], [`ModerationError::Store`].
    pub async fn get(&self, site: &SiteId, id: &ArticleId) -> Result<Article, ModerationError> {
        let article = self.desk.store.article(site, id).await?;
        article.ok_or_else(|| ModerationError::UnknownArticle(id.clone()))
    }

    /// Deletes an article. Verdicts on its comments stay.
    ///
    /// # Errors
    ///
    /// [`ModerationError::UnknownArticle`], [`ModerationError::Store`].
    pub async fn delete(&self, site: &SiteId, id: &ArticleId) -> Result<(), ModerationError> {
        let there = self.desk.store.delete_article(site, id).await?;
        self.profiles.lock().forget(&(site.clone(), id.clone()));
        if there { Ok(()) } else { Err(ModerationError::UnknownArticle(id.clone())) }
    }

    /// Another node changed an article: what was read of it is void.
    pub fn forget(&self, site: &SiteId, id: &ArticleId) {
        self.profiles.lock().forget(&(site.clone(), id.clone()));
    }

    /// Any article may have been changed by another node.
    pub fn forget_all(&self) {
        self.profiles.lock().forget_all();
    }

    /// The article, read; from memory where it was read before.
    pub(super) async fn read(&self, site: &SiteId, id: &ArticleId) -> Result<Read, ModerationError> {
        let key = (site.clone(), id.clone());
        let changes = {
            let mut profiles = self.profiles.lock();
            if let Some(read) = profiles.get(&key) {
                return Ok(read);
            }
            profiles.changes()
        };
        let article = self.get(site, id).await?;
        let read = move || Read {
            profile: Arc::new(ArticleProfile::new(&article.fields)),
            section: Some(article.fields.section).filter(|section| !section.is_empty()),
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(|_| crate::store::StoreError::Closed)?;
        self.profiles.lock().add(key, read.clone(), changes);
        Ok(read)
    }

    /// Section of an article; `None` when it has none or is not there any more.
    pub(super) async fn section(
        &self,
        site: &SiteId,
        id: &ArticleId,
    ) -> Result<Option<String>, ModerationError> {
        match self.read(site, id).await {
            Ok(read) => Ok(read.section),
            Err(ModerationError::UnknownArticle(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn known(&self, site: &SiteId) -> Result<(), ModerationError> {
        let found = self.desk.store.site(site).await?;
        found.map(drop).ok_or_else(|| ModerationError::UnknownSite(site.clone()))
    }
}
