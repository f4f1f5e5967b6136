//! `tamis keys`: API keys of a data folder.
//!
//! Opens the store, so no server may run on it meanwhile. May import: `types`,
//! `moderation`, `app`.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::{
    app::{Config, lease_terms, load_snapshot, open_store, secret_key, services},
    moderation::Services,
    types::{Clock as _, KeyId, Role, SiteId, SystemClock},
};

use super::settings::Settings;

/// Makes, lists and revokes API keys. Stop the server first: one process opens a data folder.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tamis keys create --role cms --site default --note 'WordPress'")]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Makes a key and shows it, once.
    #[command(after_help = "Examples:\n  tamis keys create --role cms --site default --note 'WordPress'\n  \
        tamis keys create --role moderator --expires-in 90d --note 'Ann'")]
    Create {
        #[command(flatten)]
        settings: Settings,
        /// cms, moderator, lead, ops or admin.
        #[arg(long, value_parser = role)]
        role: Role,
        /// The site it is bound to; every site when left out.
        #[arg(long, value_parser = site)]
        site: Option<SiteId>,
        /// Whose it is.
        #[arg(long, default_value = "")]
        note: String,
        /// How long it works: 90d, 12h, 30m or 10s; for good when left out.
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires_in: Option<Duration>,
    },
    /// Lists keys, without their secrets.
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Revokes a key by its id: the part between `tamis_` and the dot.
    Revoke {
        #[command(flatten)]
        settings: Settings,
        /// The key's id.
        id: String,
    },
}

pub(super) fn role(text: &str) -> Result<Role, String> {
    Role::from_name(text).ok_or_else(|| "must be cms, moderator, lead, ops or admin".to_owned())
}

/// Reads a time such as 90d: a whole number and a unit.
fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a whole number and d, h, m or s, such as 90d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        'd' => 24 * 60 * 60,
        'h' => 60 * 60,
        'm' => 60,
        's' => 1,
        _ => return Err(wrong()),
    };
    let count: u64 =
        text.strip_suffix(unit).and_then(|n| n.parse().ok()).filter(|n| *n > 0).ok_or_else(wrong)?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

pub(super) fn site(text: &str) -> Result<SiteId, String> {
    SiteId::new(text).map_err(|error| error.to_string())
}

/// The use cases over the store of a configuration, and a runtime to call them on.
///
/// # Errors
///
/// The store cannot be opened, the model or rules are bad.
pub(super) fn open(
    config: &Config,
) -> Result<(Services, crate::store::SharedStore, tokio::runtime::Runtime)> {
    let snapshot = load_snapshot(config)?;
    let secret =
        secret_key(&config.data_dir).with_context(|| format!("cannot use {}", config.data_dir.display()))?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(16 << 20).build()?;
    let store = open_store(config)
        .with_context(|| format!("cannot open the store in {}", config.data_dir.display()))?;
    Ok((services(store.clone(), snapshot, secret, lease_terms(config)), store, runtime))
}

/// Runs it.
///
/// # Errors
///
/// The store cannot be opened; no such site or key.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run(args: &KeysArgs) -> Result<()> {
    let settings = match &args.command {
        KeysCommand::Create { settings, .. }
        | KeysCommand::List { settings }
        | KeysCommand::Revoke { settings, .. } => settings,
    };
    let (services, store, runtime) = open(&settings.config()?)?;
    let result = runtime.block_on(async {
        match &args.command {
            KeysCommand::Create { role, site, note, expires_in, settings: _ } => {
                if let Some(site) = site {
                    services.sites.get(site).await?;
                }
                let end = expires_in.map(|time| SystemClock.now().plus(time));
                let (key, secret) = services.keys.create(*role, site.clone(), note.clone(), end).await?;
                println!("{}  {secret}\nShown once: keep it.", key.role.name());
            }
            KeysCommand::List { .. } => {
                for key in services.keys.list().await? {
                    let state = match key.revoked_at {
                        Some(_) => "revoked",
                        None if key.is_live(SystemClock.now()) => "live",
                        None => "expired",
                    };
                    let site = key.site.as_ref().map_or("every site", SiteId::as_str);
                    println!("{:<18} {:<10} {:<8} {site:<20} {}", key.id, key.role.name(), state, key.note);
                }
            }
            KeysCommand::Revoke { id, .. } => {
                let key = services.keys.revoke(&KeyId::new(id)?).await?;
                println!("revoked {}", key.id);
            }
        }
        Ok(())
    });
    runtime.block_on(store.close());
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_read() {
        for (text, want) in [("90d", 90 * 86_400), ("12h", 43_200), ("30m", 1_800), ("10s", 10)] {
            assert_eq!(lifetime(text), Ok(Duration::from_secs(want)), "{text}");
        }
        for bad in ["", "d", "0d", "-1d", "1.5h", "7", "7w", "99999999999999999999d", "999999999999999999d"] {
            assert!(lifetime(bad).is_err(), "{bad}");
        }
    }
}
