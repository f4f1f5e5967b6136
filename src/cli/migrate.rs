//! `tamis migrate`: from one kind of store to another, and back.
//!
//! May import: `types`, `store`, `app`.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    app::open_portable,
    store::{
        StoreError,
        portable::{Portable, Progress, compare, copy},
    },
};

/// Copies everything from one store to another, then reads both and compares them. No server may write to either
/// meanwhile. Broken off, it goes on where it was. Model files are copied with the folder `models`, not by this.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tamis migrate --from sled:/var/lib/tamis --to postgres://tamis@db/tamis\n\n\
    Copy pseudonym.key from the old data folder to that of every new node: authors are counted by it."
)]
pub(super) struct MigrateArgs {
    /// Where everything is: sled:DIR (a data folder) or postgres://...
    #[arg(long, value_name = "STORE")]
    from: String,
    /// Where it goes.
    #[arg(long, value_name = "STORE")]
    to: String,
    /// File that says how far it came; removed at the end.
    #[arg(long, value_name = "FILE", default_value = "tamis-migrate.state")]
    state: PathBuf,
}

fn read(state: &Path) -> Result<Progress> {
    match fs::read(state) {
        Ok(bytes) => {
            rmp_serde::from_slice(&bytes).with_context(|| format!("{} is no state", state.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Progress::default()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", state.display())),
    }
}

fn write(state: &Path, progress: &Progress) -> Result<(), StoreError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Backend {
        doing: "writing down how far it came",
        source,
    };
    let bytes = rmp_serde::to_vec(progress).map_err(|error| failed(error.into()))?;
    let beside = state.with_extension("new");
    let done = fs::File::create(&beside)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, state));
    done.map_err(|error| failed(error.into()))
}

/// Runs it.
///
/// # Errors
///
/// A store cannot be opened, read or written; both sides differ in the end.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run(args: &MigrateArgs) -> Result<()> {
    if args.from == args.to {
        bail!("--from and --to are the same store");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let begun = read(&args.state)?;
    let open = |place: &str| -> Result<Arc<dyn Portable>> {
        open_portable(place).with_context(|| format!("cannot open {}", kind(place)))
    };
    let (from, to) = (open(&args.from)?, open(&args.to)?);
    if begun.records > 0 {
        println!("goes on after {} records", begun.records);
    }
    let compared = runtime.block_on(async {
        let mut told = begun.records;
        let mut note = |progress: &Progress| {
            if progress.records >= told + 50_000 {
                told = progress.records;
                println!("{told} records");
            }
            write(&args.state, progress)
        };
        let done = copy(&*from, &*to, begun, &mut note).await?;
        println!("{} records copied; comparing", done.records);
        let compared = compare(&*from, &*to).await?;
        from.close().await;
        to.close().await;
        Ok::<_, StoreError>(compared)
    })?;
    let mut wrong = 0;
    for one in &compared {
        let (here, there) = one.counts;
        let verdict = if one.same { "same" } else { "DIFFERENT" };
        println!("{:<20} {:<18} {here:>10} {there:>10}  {verdict}", one.site, one.class);
        wrong += usize::from(!one.same);
    }
    if wrong > 0 {
        bail!("{wrong} kinds of records differ: did a server write meanwhile?");
    }
    match fs::remove_file(&args.state) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", args.state.display()))
        }
        _ => Ok(()),
    }
}

/// A place without what may be secret in it.
fn kind(place: &str) -> &str {
    if place.starts_with("postgres") { "PostgreSQL" } else { place }
}
