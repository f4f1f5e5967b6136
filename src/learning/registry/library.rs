//! Bundles as blobs: written before their row, read with every byte checked, the last
//! few kept in memory so that a roll-back reads nothing.
//!
//! May import: `types`, `classifier`, `store`.

use std::sync::Arc;

use parking_lot::Mutex;

use super::ModelsError;
use crate::{
    classifier::{Bundle, CARD_FILE, Card, MODEL_FILE},
    store::{ModelRefusal, SharedBlobs},
    types::ModelId,
};

/// Bundles kept in memory besides the one that scores; one is some 5 MiB.
const MAX_KEPT: usize = 4;

/// The files of a bundle.
#[derive(Clone, Debug)]
pub struct BundleFiles {
    /// Its name.
    pub id: ModelId,
    /// The model file.
    pub model: Vec<u8>,
    /// The card as JSON.
    pub card: String,
}

impl BundleFiles {
    /// The files of a bundle.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Unusable`] when the bundle does not give the bytes that it is named
    /// after.
    pub fn of(bundle: &Bundle) -> Result<Self, ModelsError> {
        let unusable = |problem: String| ModelsError::Unusable(problem);
        let model = bundle.to_bytes().map_err(|error| unusable(error.to_string()))?;
        let id = Bundle::id_of(&model);
        if !bundle.id.is_empty() && bundle.id != id {
            return Err(unusable(format!("it is named {} and its content is {id}", bundle.id)));
        }
        let card = Card { id: id.clone(), ..bundle.card.clone() };
        let card = serde_json::to_string_pretty(&card).map_err(|error| unusable(error.to_string()))?;
        let id = ModelId::new(&id).map_err(|error| unusable(error.to_string()))?;
        Ok(Self { id, model, card: card + "\n" })
    }

    /// The bundle in the files.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Unusable`].
    pub fn read(&self) -> Result<Bundle, ModelsError> {
        let unusable = |problem: String| ModelsError::Unusable(problem);
        let card: Card = serde_json::from_str(&self.card)
            .map_err(|error| unusable(format!("the card cannot be read: {error}")))?;
        let bundle =
            Bundle::from_bytes(&self.model, card).map_err(|error| unusable(format!("it {error}")))?;
        if bundle.id != self.id.as_str() {
            return Err(unusable(format!("it is named {} and its content is {}", self.id, bundle.id)));
        }
        Ok(bundle)
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.model.len() + self.card.len()) as u64
    }
}

/// Bundles that are kept.
pub(super) struct Library {
    blobs: SharedBlobs,
    /// The last ones used, the newest last.
    kept: Mutex<Vec<Arc<Bundle>>>,
}

impl Library {
    pub(super) fn new(blobs: SharedBlobs) -> Self {
        Self { blobs, kept: Mutex::default() }
    }

    /// Keeps a bundle in memory.
    pub(super) fn remember(&self, bundle: &Arc<Bundle>) {
        let mut kept = self.kept.lock();
        kept.retain(|known| known.id != bundle.id);
        kept.push(Arc::clone(bundle));
        let over = kept.len().saturating_sub(MAX_KEPT);
        kept.drain(..over);
    }

    /// Writes the files of a bundle.
    pub(super) async fn write(&self, files: BundleFiles) -> Result<(), ModelsError> {
        let BundleFiles { id, model, card } = files;
        self.blobs.put_blob(id.as_str(), MODEL_FILE, model).await?;
        self.blobs.put_blob(id.as_str(), CARD_FILE, card.into_bytes()).await?;
        Ok(())
    }

    /// Whether both files of a bundle are there.
    pub(super) async fn has(&self, id: &ModelId) -> Result<bool, ModelsError> {
        let card = self.blobs.blob(id.as_str(), CARD_FILE).await?;
        Ok(card.is_some() && self.blobs.blob(id.as_str(), MODEL_FILE).await?.is_some())
    }

    /// The files of a bundle.
    ///
    /// # Errors
    ///
    /// `UnknownModel`; [`ModelsError::Lost`] when one is not there.
    pub(super) async fn files(&self, id: &ModelId) -> Result<BundleFiles, ModelsError> {
        let unknown = || ModelRefusal::UnknownModel(id.clone());
        let card = self.blobs.blob(id.as_str(), CARD_FILE).await?.ok_or_else(unknown)?;
        let model = self.blobs.blob(id.as_str(), MODEL_FILE).await?.ok_or_else(unknown)?;
        let lost = |problem: &str| ModelsError::Lost { model: id.clone(), problem: problem.to_owned() };
        let card = String::from_utf8(card).map_err(|_| lost("its card is not UTF-8"))?;
        Ok(BundleFiles { id: id.clone(), model, card })
    }

    /// The bundle of that name, from memory where it was used before.
    ///
    /// # Errors
    ///
    /// As [`Library::files`]; [`ModelsError::Lost`] when its bytes are damaged or made for
    /// another version.
    pub(super) async fn bundle(&self, id: &ModelId) -> Result<Arc<Bundle>, ModelsError> {
        let known = self.kept.lock().iter().find(|known| known.id == id.as_str()).cloned();
        if let Some(known) = known {
            self.remember(&known);
            return Ok(known);
        }
        let files = self.files(id).await?;
        let read = tokio::task::spawn_blocking(move || files.read()).await;
        let lost = |problem: String| ModelsError::Lost { model: id.clone(), problem };
        let bundle = match read {
            Ok(Ok(bundle)) => Arc::new(bundle),
            Ok(Err(error)) => return Err(lost(error.to_string())),
            Err(error) => return Err(lost(error.to_string())),
        };
        self.remember(&bundle);
        Ok(bundle)
    }
}
