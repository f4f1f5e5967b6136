//! Articles in sled.
//!
//! May import: `types`, `store`.

use async_trait::async_trait;

use super::{Key, SledStore, StoreError, codec, plan::Plan};
use crate::{
    store::ArticleStore,
    types::{Article, ArticleId, SiteId},
};

#[async_trait]
impl ArticleStore for SledStore {
    async fn put_article(&self, site: &SiteId, article: Article) -> Result<(), StoreError> {
        let key = Key::article(site, &article.id);
        let bytes = article.fields.text.len() + article.fields.summary.len();
        let put = move |plan: &mut Plan| {
            plan.step(|plan| {
                if !plan.replace(&key, &article)? {
                    plan.totals().articles += 1;
                }
                Ok(())
            })
        };
        self.writer()?.write(1, bytes, put).await
    }

    async fn article(&self, site: &SiteId, id: &ArticleId) -> Result<Option<Article>, StoreError> {
        let key = Key::article(site, id);
        self.gate.read(move |view| codec::load(&view, &key)).await
    }

    async fn delete_article(&self, site: &SiteId, id: &ArticleId) -> Result<bool, StoreError> {
        let key = Key::article(site, id);
        let delete = move |plan: &mut Plan| {
            plan.step(|plan| {
                let existed = plan.remove(&key)?;
                if existed {
                    let totals = plan.totals();
                    totals.articles = totals.articles.saturating_sub(1);
                }
                Ok(existed)
            })
        };
        self.writer()?.write(1, 0, delete).await
    }
}
