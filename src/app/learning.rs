//! What a node does about learning by itself: trainings and exports when they are due.
//!
//! A candidate that was trained by the clock scores nothing: people promote it. May
//! import: `types`, `learning`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{
    Config,
    tasks::{Tasks, tend_models},
};
use crate::{
    learning::{
        Models, ModelsError,
        registry::{BundleFiles, Part, Schedule},
    },
    types::{Clock, SystemClock, Timestamp},
};

/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Between two exports.
const EXPORT_EVERY: Duration = Duration::from_secs(24 * 3_600);
/// Exports kept; the oldest go first.
const KEPT: usize = 14;

/// Starts everything that a node does about models.
pub(super) fn start_learning(tasks: &mut Tasks, models: &Arc<Models>, config: &Config) {
    let tended = Arc::clone(models);
    tasks.start(|stop| tend_models(tended, stop));
    let working = Arc::clone(models);
    tasks.start(|stop| async move { working.work(&stop).await });
    let (scheduled, schedule) = (Arc::clone(models), config.learning_schedule);
    tasks.start(|stop| train_by_schedule(scheduled, schedule, stop));
    if let Some(dir) = config.learning_export.clone() {
        let exported = Arc::clone(models);
        tasks.start(|stop| export_by_schedule(exported, dir, stop));
    }
}

/// Asks for a training whenever one is due.
async fn train_by_schedule(models: Arc<Models>, schedule: Schedule, stop: CancellationToken) {
    if schedule == Schedule::Off {
        return;
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        match models.train_when_due(schedule).await {
            Ok(Some(job)) => tracing::info!(job = %job.id, "a training was due"),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(reason = error.reason(), %error, "a training that is due was not queued")
            }
        }
    }
}

/// Writes labelled comments, their articles and the active bundle into a folder, once a
/// day and at the start when today's are not there.
async fn export_by_schedule(models: Arc<Models>, dir: PathBuf, stop: CancellationToken) {
    loop {
        let day = day_of(SystemClock.now());
        if !dir.join(&day).exists() {
            match export(&models, &dir, &day).await {
                Ok(()) => tracing::info!(day, "labelled comments and the active model were exported"),
                Err(error) => tracing::warn!(%error, "the export failed"),
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY.max(EXPORT_EVERY / 24)) => {}
        }
    }
}

/// The day of a moment: `2026-11-25`.
fn day_of(at: Timestamp) -> String {
    let seconds = at.micros().div_euclid(1_000_000);
    prost_types::Timestamp { seconds, nanos: 0 }.to_string().chars().take(10).collect()
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Models(#[from] ModelsError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the export ended in the middle")]
    Ended,
}

async fn export(models: &Models, dir: &Path, day: &str) -> Result<(), ExportError> {
    let text = models.export(None, Part::All).await?;
    let active = models.files(&models.active_id()?).await?;
    let (dir, day) = (dir.to_owned(), day.to_owned());
    let write = move || -> io::Result<()> {
        let unfinished = dir.join(format!(".{day}.new"));
        let _ = fs::remove_dir_all(&unfinished);
        fs::create_dir_all(&unfinished)?;
        put(&unfinished.join("comments.jsonl"), text.lines.as_bytes())?;
        put(&unfinished.join("articles.jsonl"), text.articles.as_bytes())?;
        let BundleFiles { id, model, card } = active;
        let bundle = unfinished.join(format!("model-{id}"));
        fs::create_dir_all(&bundle)?;
        put(&bundle.join("model.safetensors"), &model)?;
        put(&bundle.join("card.json"), card.as_bytes())?;
        // Whole or not at all: a day's folder is complete.
        fs::rename(&unfinished, dir.join(&day))?;
        fs::File::open(&dir)?.sync_all()?;
        forget_old(&dir)
    };
    tokio::task::spawn_blocking(write).await.map_err(|_| ExportError::Ended)??;
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)?;
    fs::File::open(path)?.sync_all()
}

fn forget_old(dir: &Path) -> io::Result<()> {
    let mut days = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name().into_string().unwrap_or_default();
        let dated = name.len() == 10 && name.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        days.extend(dated.then_some(name));
    }
    days.sort();
    let over = days.len().saturating_sub(KEPT);
    days.into_iter().take(over).try_for_each(|day| fs::remove_dir_all(dir.join(day)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_named_by_date_and_the_oldest_go() {
        assert_eq!(day_of(Timestamp::from_micros(1_795_564_800_000_000)), "2026-11-25");
        let home = tempfile::tempdir().unwrap();
        for day in 10..30 {
            fs::create_dir(home.path().join(format!("2026-11-{day}"))).unwrap();
        }
        fs::create_dir(home.path().join("notes")).unwrap();
        forget_old(home.path()).unwrap();
        let left = |day: &str| home.path().join(day).exists();
        assert!(!left("2026-11-15") && left("2026-11-16") && left("2026-11-29") && left("notes"));
    }
}
