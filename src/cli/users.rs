//! `tamis users`: people who sign in at the console with a name and a password.
//!
//! Opens the store, so no server may run on it meanwhile. May import: `types`,
//! `moderation`, `app`.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::{
    moderation::{MIN_PASSWORD, NewPerson, Services},
    types::{Clock as _, KeyId, Role, SiteId, SystemClock},
};

use super::{
    keys::{open, role, site},
    settings::Settings,
};

/// Adds, lists and removes people who moderate. Stop the server first: one process opens a data folder.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tamis users add ana --role moderator --display-name 'Ana Lopes'\n\n\
    The password is asked for, or read as one line from the standard input when that is no terminal.")]
pub(super) struct UsersArgs {
    #[command(subcommand)]
    command: UsersCommand,
}

#[derive(Debug, Subcommand)]
enum UsersCommand {
    /// Adds somebody.
    Add {
        #[command(flatten)]
        settings: Settings,
        /// Name at the sign-in: 2 to 15 of a-z and 0-9.
        name: String,
        /// moderator, lead, ops or admin.
        #[arg(long, value_parser = role, default_value = "moderator")]
        role: Role,
        /// The site they are bound to; every site when left out.
        #[arg(long, value_parser = site)]
        site: Option<SiteId>,
        /// Name shown to colleagues.
        #[arg(long, default_value = "")]
        display_name: String,
        /// E-mail address by which an identity provider knows them.
        #[arg(long)]
        email: Option<String>,
        /// Gives no password: they sign in with the identity provider only.
        #[arg(long, requires = "email")]
        no_password: bool,
    },
    /// Gives somebody a new password; their sessions end.
    Password {
        #[command(flatten)]
        settings: Settings,
        /// Name at the sign-in.
        name: String,
    },
    /// Lists everybody.
    List {
        #[command(flatten)]
        settings: Settings,
    },
    /// Removes somebody: they cannot sign in any more, what they decided stays.
    Remove {
        #[command(flatten)]
        settings: Settings,
        /// Name at the sign-in.
        name: String,
    },
}

/// Runs it.
///
/// # Errors
///
/// The store cannot be opened; no such person; a name or password that is none.
pub(super) fn run(args: &UsersArgs) -> Result<()> {
    let settings = match &args.command {
        UsersCommand::Add { settings, .. }
        | UsersCommand::Password { settings, .. }
        | UsersCommand::List { settings }
        | UsersCommand::Remove { settings, .. } => settings,
    };
    let config = settings.config()?;
    let password = match &args.command {
        UsersCommand::Add { no_password: false, .. } | UsersCommand::Password { .. } => Some(ask()?),
        UsersCommand::Add { .. } | UsersCommand::List { .. } | UsersCommand::Remove { .. } => None,
    };
    let (services, store, runtime) = open(&config)?;
    let result = runtime.block_on(act(&services, &args.command, password));
    runtime.block_on(store.close());
    result
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
async fn act(services: &Services, command: &UsersCommand, password: Option<String>) -> Result<()> {
    match command {
        UsersCommand::Add { name, role, site, display_name, email, settings: _, no_password: _ } => {
            if let Some(site) = site {
                services.sites.get(site).await?;
            }
            let new = NewPerson {
                name: name.clone(),
                display_name: display_name.clone(),
                role: *role,
                site: site.clone(),
                password,
                email: email.clone(),
                expires_at: None,
            };
            let added = services.keys.add_person(new).await?;
            println!("added {} ({})", added.id, added.role.name());
        }
        UsersCommand::Password { name, .. } => {
            services.keys.set_password(&KeyId::new(name)?, password.unwrap_or_default()).await?;
            println!("{name} has a new password");
        }
        UsersCommand::List { .. } => {
            for key in services.keys.people().await? {
                let Some(person) = &key.person else { continue };
                let state = if key.is_live(SystemClock.now()) { "live" } else { "removed" };
                let site = key.site.as_ref().map_or("every site", SiteId::as_str);
                let email = person.email.as_deref().unwrap_or("");
                println!(
                    "{:<16} {:<10} {state:<8} {site:<20} {} {email}",
                    key.id,
                    key.role.name(),
                    person.display_name
                );
            }
        }
        UsersCommand::Remove { name, .. } => {
            let id = KeyId::new(name)?;
            if !services.keys.people().await?.iter().any(|key| key.id == id) {
                bail!("nobody is called {name}");
            }
            services.keys.revoke(&id).await?;
            println!("removed {name}");
        }
    }
    Ok(())
}

/// A password, from the terminal without showing it, or one line of the standard input.
fn ask() -> Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let terminal = console::Term::stderr();
    terminal.write_str(&format!("Password ({MIN_PASSWORD} characters or more): "))?;
    let first = terminal.read_secure_line()?;
    terminal.write_str("Once more: ")?;
    if terminal.read_secure_line()? != first {
        bail!("the two passwords differ");
    }
    Ok(first)
}
