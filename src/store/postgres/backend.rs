//! The queue: its rules, run over images.
//!
//! May import: `types`, `store`.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    store::{
        StoreError,
        queue::{Backend, Ledger, Rows},
    },
    types::SiteId,
};

use super::{
    PostgresStore,
    image::{Image, Want},
    unit::{submit, wait},
};

#[async_trait]
impl Backend for PostgresStore {
    async fn glance<T, F>(&self, site: &SiteId, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        self.read(site, move |image| read(image)).await
    }

    async fn find<T, F>(&self, site: &SiteId, read: F) -> Result<Option<T>, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<Option<T>, StoreError> + Send + Sync + 'static,
    {
        self.read(site, move |image| read(image)).await
    }

    async fn look<T, F>(&self, site: &SiteId, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&dyn Rows) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        self.look_at(site, move |image| read(image)).await
    }

    async fn change<W, T, F>(
        &self,
        site: &SiteId,
        work: Vec<W>,
        bytes: usize,
        change: F,
    ) -> Vec<Result<T, StoreError>>
    where
        W: Clone + Send + Sync + 'static,
        T: Send + 'static,
        F: Fn(&mut dyn Ledger, W) -> Result<T, StoreError> + Send + Sync + 'static,
    {
        let change = Arc::new(change);
        let each = bytes / work.len().max(1);
        let hand_in = |one: W| {
            let change = Arc::clone(&change);
            let run = move |image: &mut Image| change(image, one.clone());
            submit(&self.ordered, site, each, Want::default(), run)
        };
        let replies: Vec<_> = work.into_iter().map(hand_in).collect();
        let mut done = Vec::with_capacity(replies.len());
        for reply in replies {
            done.push(wait(reply).await);
        }
        done
    }
}
