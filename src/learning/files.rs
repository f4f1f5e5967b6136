//! Bundles on disk, and the one inside the binary.
//!
//! A bundle is a folder with `model.safetensors` and `card.json`. May import:
//! `classifier`.

use std::{fs, path::Path};

use crate::classifier::{Bundle, CARD_FILE, Card, MODEL_FILE};

use super::LearningError;

const DEFAULT_MODEL: &[u8] = include_bytes!("../../models/default/model.safetensors");
const DEFAULT_CARD: &str = include_str!("../../models/default/card.json");

/// The bundle that ships in the binary: a newcomer needs no data.
///
/// # Errors
///
/// None in a binary that passed its tests.
pub fn default_bundle() -> Result<Bundle, LearningError> {
    parse(Path::new("(built in)"), DEFAULT_MODEL, DEFAULT_CARD)
}

/// Reads the bundle of a folder.
///
/// # Errors
///
/// [`LearningError::Io`], [`LearningError::Card`], [`LearningError::Bundle`].
pub fn load_bundle(dir: &Path) -> Result<Bundle, LearningError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| LearningError::Io { path, source }
    };
    let (model, card) = (dir.join(MODEL_FILE), dir.join(CARD_FILE));
    let bytes = fs::read(&model).map_err(io(&model))?;
    let text = fs::read_to_string(&card).map_err(io(&card))?;
    parse(dir, &bytes, &text)
}

fn parse(dir: &Path, model: &[u8], card: &str) -> Result<Bundle, LearningError> {
    let card: Card = serde_json::from_str(card)
        .map_err(|error| LearningError::Card { path: dir.join(CARD_FILE), problem: error.to_string() })?;
    Bundle::from_bytes(model, card)
        .map_err(|source| LearningError::Bundle { path: dir.join(MODEL_FILE), source })
}

/// Writes a bundle into a folder, which is made; returns it with its name.
///
/// Each file is complete or absent: written beside its place, synced, renamed.
///
/// # Errors
///
/// [`LearningError::Io`].
pub fn save_bundle(mut bundle: Bundle, dir: &Path) -> Result<Bundle, LearningError> {
    let bytes =
        bundle.to_bytes().map_err(|source| LearningError::Bundle { path: dir.join(MODEL_FILE), source })?;
    bundle.id = Bundle::id_of(&bytes);
    bundle.card.id.clone_from(&bundle.id);
    write(dir, MODEL_FILE, &bytes)?;
    write_card(&bundle.card, dir)?;
    Ok(bundle)
}

/// File name of the card for people.
const CARD_TEXT_FILE: &str = "CARD.md";

/// Writes the card of a bundle into its folder, for programs and for people; each file
/// whole or not at all.
///
/// # Errors
///
/// [`LearningError::Io`].
pub fn write_card(card: &Card, dir: &Path) -> Result<(), LearningError> {
    let text = serde_json::to_string_pretty(card)
        .map_err(|error| LearningError::Card { path: dir.join(CARD_FILE), problem: error.to_string() })?;
    write(dir, CARD_FILE, format!("{text}\n").as_bytes())?;
    write(dir, CARD_TEXT_FILE, super::card_text(card).as_bytes())
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), LearningError> {
    let (path, beside) = (dir.join(name), dir.join(format!(".{name}.new")));
    let put = || {
        fs::create_dir_all(dir)?;
        fs::write(&beside, bytes)?;
        fs::File::open(&beside)?.sync_all()?;
        fs::rename(&beside, &path)
    };
    put().map_err(|source| LearningError::Io { path: path.clone(), source })
}
