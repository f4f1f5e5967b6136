//! From a configuration to the parts of a node: no sockets, no tasks.
//!
//! May import: `types`, `learning`, `rules`, `scoring`, `store`, `moderation`.

use std::{fs, sync::Arc};

use arc_swap::ArcSwap;

use crate::{
    learning::{default_bundle, load_bundle},
    moderation::{Articles, Desk, FeedbackDesk, Intake, Keys, PseudonymKey, Services, Sites},
    rules::{RuleSet, Source},
    scoring::Snapshot,
    store::{
        SharedStore, StoreError,
        memory::MemoryStore,
        sled::{DIRECTORY, SledOptions, SledStore},
    },
    types::SystemClock,
};

use super::{Config, StartError, StoreKind};

/// The model and rules that a configuration names.
///
/// # Errors
///
/// [`StartError::Model`], [`StartError::Rules`] with every diagnostic.
pub fn load_snapshot(config: &Config) -> Result<Snapshot, StartError> {
    let bundle =
        config.model_dir.as_deref().map_or_else(default_bundle, load_bundle).map_err(StartError::Model)?;
    let rules = if config.rule_files.is_empty() {
        RuleSet::starter()
    } else {
        let mut sources = Vec::new();
        for path in &config.rule_files {
            let text = fs::read_to_string(path)
                .map_err(|error| StartError::Rules(format!("{}: {error}", path.display())))?;
            sources.push(Source { name: path.display().to_string(), text });
        }
        RuleSet::parse(&sources).map_err(|diagnostics| {
            let all: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            StartError::Rules(all.join("\n"))
        })?
    };
    Ok(Snapshot { bundle: Arc::new(bundle), rules: Arc::new(rules) })
}

/// Opens the store that a configuration names.
///
/// # Errors
///
/// What the store says.
pub fn open_store(config: &Config) -> Result<SharedStore, StoreError> {
    Ok(match config.store {
        StoreKind::Memory => Arc::new(MemoryStore::new()),
        StoreKind::Sled => {
            let options = SledOptions { cache_bytes: config.cache_mib << 20, ..SledOptions::default() };
            Arc::new(SledStore::open(&config.data_dir.join(DIRECTORY), options)?)
        }
    })
}

/// The use cases over a store.
#[must_use]
pub fn services(store: SharedStore, snapshot: Snapshot, secret: PseudonymKey) -> Services {
    let desk = Desk { store, clock: Arc::new(SystemClock) };
    let articles = Arc::new(Articles::new(desk.clone()));
    let snapshot = Arc::new(ArcSwap::from_pointee(snapshot));
    Services {
        intake: Arc::new(Intake::new(desk.clone(), Arc::clone(&articles), snapshot, secret)),
        articles,
        sites: Arc::new(Sites::new(desk.clone())),
        feedback: Arc::new(FeedbackDesk::new(desk.clone())),
        keys: Arc::new(Keys::new(desk)),
    }
}
