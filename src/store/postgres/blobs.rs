//! Files of model bundles: in the database, so that every node has them.
//!
//! May import: `types`, `store`.

use async_trait::async_trait;

use crate::store::{BlobStore, StoreError};

use super::{PostgresStore, sql::Query};

#[async_trait]
impl BlobStore for PostgresStore {
    async fn put_blob(&self, id: &str, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = "INSERT INTO blobs (id, name, bytes) VALUES ($1, $2, $3) \
                   ON CONFLICT (id, name) DO UPDATE SET bytes = EXCLUDED.bytes";
        let put = Query::new(put).with(id.to_owned()).with(name.to_owned()).with(bytes);
        self.write_any(vec![put]).await.map(drop)
    }

    async fn blob(&self, id: &str, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let query = Query::new("SELECT bytes FROM blobs WHERE id = $1 AND name = $2");
        let rows = self.select_any(query.with(id.to_owned()).with(name.to_owned())).await?;
        let read = |error: tokio_postgres::Error| StoreError::Backend {
            doing: "reading a bundle",
            source: error.into(),
        };
        rows.first().map(|row| row.try_get(0).map_err(read)).transpose()
    }

    async fn delete_blob(&self, id: &str) -> Result<(), StoreError> {
        let delete = Query::new("DELETE FROM blobs WHERE id = $1").with(id.to_owned());
        self.write_any(vec![delete]).await.map(drop)
    }

    async fn blob_ids(&self) -> Result<Vec<String>, StoreError> {
        let rows = self.select_any(Query::new("SELECT DISTINCT id FROM blobs ORDER BY id")).await?;
        Ok(rows.iter().filter_map(|row| row.try_get(0).ok()).collect())
    }
}
