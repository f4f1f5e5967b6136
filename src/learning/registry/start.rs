//! Which bundle scores when a node starts.
//!
//! May import: `types`, `classifier`, `store`.

use std::sync::Arc;

use super::{BundleFiles, ModelsError, Shelf, library::Library};
use crate::{
    classifier::Bundle,
    store::NewPromotion,
    types::{ModelId, ModelRecord, Origin, PageRequest, Promotion, PromotionKind, Stage},
};

/// The bundle that scores: the one that was promoted last, unless the configuration names
/// another folder than it did, or the program came with another bundle and nobody ever
/// promoted one. A promoted bundle that cannot be read gives way to the configured one,
/// which the log tells: a node that scores is better than none.
///
/// # Errors
///
/// [`ModelsError::Store`]; [`ModelsError::Unusable`] when the configured bundle has no name.
pub async fn first_bundle(
    shelf: &Shelf,
    configured: Arc<Bundle>,
    origin: Origin,
) -> Result<Arc<Bundle>, ModelsError> {
    let library = Library::new(Arc::clone(&shelf.blobs));
    let id = ModelId::new(&configured.id).map_err(|error| ModelsError::Unusable(error.to_string()))?;
    sweep(shelf).await?;
    add_configured(shelf, &library, &configured, &id, origin).await?;
    let Some(active) = shelf.store.active().await? else {
        promote(shelf, &id, "the first start").await?;
        return Ok(configured);
    };
    if active.model == id {
        return Ok(configured);
    }
    let of_program = match origin {
        Origin::BuiltIn => is_built_in(shelf, &active).await?,
        Origin::Configured | Origin::Imported | Origin::Trained(_) => true,
    };
    if of_program && last_configured(shelf).await? != Some(id.clone()) {
        promote(shelf, &id, "the configuration or the program names another bundle than before").await?;
        return Ok(configured);
    }
    match library.bundle(&active.model).await {
        Ok(bundle) => Ok(bundle),
        Err(ModelsError::Store(error)) if !is_missing(&error) => Err(error.into()),
        Err(error) => {
            tracing::error!(model = %active.model, %error, "the promoted model cannot be read: the configured one scores");
            promote(shelf, &id, "the promoted bundle could not be read").await?;
            Ok(configured)
        }
    }
}

fn is_missing(error: &crate::store::StoreError) -> bool {
    matches!(error, crate::store::StoreError::Model(_))
}

/// Deletes blobs of bundles whose row was never written or is gone.
async fn sweep(shelf: &Shelf) -> Result<(), ModelsError> {
    for id in shelf.blobs.blob_ids().await? {
        let Ok(model) = ModelId::new(&id) else { continue };
        if shelf.store.model(&model).await?.is_none() {
            tracing::info!(model = %model, "files of a model that was never added are deleted");
            shelf.blobs.delete_blob(&id).await?;
        }
    }
    Ok(())
}

async fn add_configured(
    shelf: &Shelf,
    library: &Library,
    bundle: &Arc<Bundle>,
    id: &ModelId,
    origin: Origin,
) -> Result<(), ModelsError> {
    if shelf.store.model(id).await?.is_some() {
        return Ok(());
    }
    // The built-in one is written later: a first start need not wait for it.
    let mut bytes = 0;
    if origin != Origin::BuiltIn {
        let read = Arc::clone(bundle);
        let files = tokio::task::spawn_blocking(move || BundleFiles::of(&read)).await;
        let files = files.map_err(|error| ModelsError::Unusable(error.to_string()))??;
        bytes = files.bytes();
        library.write(files).await?;
    }
    let now = shelf.clock.now();
    let record = ModelRecord {
        id: id.clone(),
        stage: Stage::Candidate,
        staged_at: now,
        origin,
        created_at: now,
        created_by: None,
        bytes,
        compared_with: None,
        gates: Vec::new(),
        learnt_until: None,
    };
    shelf.store.add_model(record).await?;
    Ok(())
}

async fn promote(shelf: &Shelf, id: &ModelId, reason: &str) -> Result<(), ModelsError> {
    let new = NewPromotion {
        model: id.clone(),
        kind: PromotionKind::Configured,
        expected: None,
        actor: None,
        reason: reason.to_owned(),
        overridden: Vec::new(),
    };
    shelf.store.promote(new, shelf.clock.now()).await?;
    Ok(())
}

async fn is_built_in(shelf: &Shelf, active: &Promotion) -> Result<bool, ModelsError> {
    Ok(shelf.store.model(&active.model).await?.is_none_or(|model| model.origin == Origin::BuiltIn))
}

/// The bundle that the configuration or the program named last.
async fn last_configured(shelf: &Shelf) -> Result<Option<ModelId>, ModelsError> {
    let mut after = None;
    loop {
        let page = shelf.store.promotions(PageRequest { size: 100, after }).await?;
        let found = page.rows.into_iter().find(|p| p.kind == PromotionKind::Configured);
        match (found, page.next) {
            (Some(found), _) => return Ok(Some(found.model)),
            (None, None) => return Ok(None),
            (None, next) => after = next,
        }
    }
}
