//! Articles, sites and keys: rows that are written one at a time.
//!
//! Every change of a site or key is announced on the channel `tamis`, so that other nodes
//! read it anew at once.
//!
//! May import: `types`, `store`.

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::Row;

use crate::{
    store::{ArticleStore, SiteStore, StoreError},
    types::{ApiKey, Article, ArticleId, KeyId, Page, PageRequest, Site, SiteId},
};

use super::{PostgresStore, ledger::damaged, sql::Query};

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    // With names: fields can be added anywhere.
    rmp_serde::to_vec_named(value)
        .map_err(|source| StoreError::Backend { doing: "encoding a row", source: source.into() })
}

fn decode<T: DeserializeOwned>(what: &'static str, key: &str, row: &Row) -> Result<T, StoreError> {
    let bytes: Option<&[u8]> = row.try_get(0).ok();
    let read = bytes.and_then(|bytes| rmp_serde::from_slice(bytes).ok());
    read.ok_or_else(|| damaged(what, key.as_bytes()))
}

/// Tells all nodes.
fn notify(what: &str, name: &str) -> Query {
    Query::new("SELECT pg_notify('tamis', $1)").with(format!("{what} {name}"))
}

#[async_trait]
impl ArticleStore for PostgresStore {
    async fn put_article(&self, site: &SiteId, article: Article) -> Result<(), StoreError> {
        let put = "INSERT INTO articles (site, id, body) VALUES ($1, $2, $3) \
                   ON CONFLICT (site, id) DO UPDATE SET body = EXCLUDED.body";
        let put = Query::new(put).with(site.as_str().to_owned()).with(article.id.as_str().to_owned());
        let name = format!("{site} {}", article.id);
        self.write(site, vec![put.with(encode(&article)?), notify("article", &name)]).await.map(drop)
    }

    async fn article(&self, site: &SiteId, id: &ArticleId) -> Result<Option<Article>, StoreError> {
        let query = Query::new("SELECT body FROM articles WHERE site = $1 AND id = $2");
        let query = query.with(site.as_str().to_owned()).with(id.as_str().to_owned());
        let rows = self.select(site, query).await?;
        rows.first().map(|row| decode("article", id.as_str(), row)).transpose()
    }

    async fn delete_article(&self, site: &SiteId, id: &ArticleId) -> Result<bool, StoreError> {
        let delete = Query::new("DELETE FROM articles WHERE site = $1 AND id = $2");
        let delete = delete.with(site.as_str().to_owned()).with(id.as_str().to_owned());
        let counts = self.write(site, vec![delete, notify("article", &format!("{site} {id}"))]).await?;
        Ok(counts.first() == Some(&1))
    }
}

#[async_trait]
impl SiteStore for PostgresStore {
    async fn create_site(&self, site: Site) -> Result<(), StoreError> {
        let create =
            "INSERT INTO sites (id, policy_version, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
        let create = Query::new(create).with(site.id.as_str().to_owned());
        let create = create.with(site.policy_version.cast_signed()).with(encode(&site)?);
        let counts = self.write(&site.id, vec![create, notify("site", site.id.as_str())]).await?;
        self.sites.forget(&site.id);
        if counts.first() == Some(&1) { Ok(()) } else { Err(StoreError::SiteExists(site.id)) }
    }

    async fn update_site(&self, site: Site, expected: u64) -> Result<(), StoreError> {
        let update = "UPDATE sites SET policy_version = $2, body = $3 WHERE id = $1 AND policy_version = $4";
        let update = Query::new(update).with(site.id.as_str().to_owned());
        let update = update.with(site.policy_version.cast_signed()).with(encode(&site)?);
        let update = update.with(expected.cast_signed());
        let counts = self.write(&site.id, vec![update, notify("site", site.id.as_str())]).await?;
        self.sites.forget(&site.id);
        if counts.first() == Some(&1) {
            return Ok(());
        }
        match self.site(&site.id).await? {
            Some(_) => Err(StoreError::SiteChanged(site.id)),
            None => Err(StoreError::UnknownSite(site.id)),
        }
    }

    async fn site(&self, id: &SiteId) -> Result<Option<Site>, StoreError> {
        if let Some(known) = self.sites.fresh(id) {
            return Ok(known);
        }
        let query = Query::new("SELECT body FROM sites WHERE id = $1").with(id.as_str().to_owned());
        let read = match self.select(id, query).await {
            Ok(rows) => rows.first().map(|row| decode("site", id.as_str(), row)).transpose()?,
            // Scoring goes on with what was last known while the server is away.
            Err(error) => return self.sites.last(id).ok_or(error),
        };
        self.sites.note(id.clone(), read.clone());
        Ok(read)
    }

    async fn sites(&self, page: PageRequest<SiteId>) -> Result<Page<Site, SiteId>, StoreError> {
        let size = page.size.max(1);
        let after = page.after.map_or_else(String::new, |site| site.as_str().to_owned());
        let query = Query::new("SELECT body FROM sites WHERE id > $1 ORDER BY id LIMIT $2").with(after);
        let query = query.with(i64::try_from(size + 1).unwrap_or(i64::MAX));
        let mut found = Page { rows: Vec::new(), next: None };
        for row in self.select_any(query).await? {
            if found.rows.len() == size {
                found.next = found.rows.last().map(|site: &Site| site.id.clone());
                break;
            }
            found.rows.push(decode("site", "", &row)?);
        }
        Ok(found)
    }

    async fn put_key(&self, key: ApiKey) -> Result<(), StoreError> {
        let put = "INSERT INTO api_keys (id, body) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = EXCLUDED.body";
        let put = Query::new(put).with(key.id.as_str().to_owned()).with(encode(&key)?);
        let name = key.id.as_str().to_owned();
        self.write_any(vec![put, notify("key", &name)]).await?;
        self.keys.forget(&key.id);
        Ok(())
    }

    async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        if let Some(known) = self.keys.fresh(id) {
            return Ok(known);
        }
        let query = Query::new("SELECT body FROM api_keys WHERE id = $1").with(id.as_str().to_owned());
        let read = match self.select_any(query).await {
            Ok(rows) => rows.first().map(|row| decode("key", id.as_str(), row)).transpose()?,
            Err(error) => return self.keys.last(id).ok_or(error),
        };
        self.keys.note(id.clone(), read.clone());
        Ok(read)
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let rows = self.select_any(Query::new("SELECT body FROM api_keys ORDER BY id")).await?;
        rows.iter().map(|row| decode("key", "", row)).collect()
    }
}
