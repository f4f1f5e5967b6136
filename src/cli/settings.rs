//! The flags by which a configuration is given; every command that opens the data
//! folder has them.
//!
//! May import: `app`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::app::{Config, config::Given};

/// Under what the flags are listed.
const HEADING: &str = "Configuration";

/// The flags of a configuration.
#[derive(Debug, Args)]
pub(super) struct Settings {
    /// Configuration file, TOML.
    #[arg(long, help_heading = HEADING, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of everything that is kept.
    #[arg(long, help_heading = HEADING, value_name = "DIR")]
    data_dir: Option<String>,
    /// sled, memory, or postgres://user@host/database; better as TAMIS_STORE where it holds a password.
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Address and port of the gRPC door.
    #[arg(long, help_heading = HEADING, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address and port of the HTTP door; empty for none.
    #[arg(long, help_heading = HEADING, value_name = "ADDRESS")]
    http_listen: Option<String>,
    /// Folder of a model bundle.
    #[arg(long, help_heading = HEADING, value_name = "DIR")]
    model_dir: Option<String>,
    /// Any key of the configuration.
    #[arg(long, help_heading = HEADING, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must look like grpc.listen=127.0.0.1:50051")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

impl Settings {
    /// The configuration, checked.
    ///
    /// # Errors
    ///
    /// A file that cannot be read; every mistake.
    pub(super) fn config(&self) -> Result<Config> {
        let mut given = Given::default();
        if let Some(path) = &self.config {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
            given.file(&name, &text);
        }
        let variables = std::env::vars_os();
        given
            .environment(variables.filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))));
        let own = [
            ("data_dir", &self.data_dir),
            ("store", &self.store),
            ("grpc.listen", &self.listen),
            ("http.listen", &self.http_listen),
            ("model.dir", &self.model_dir),
        ];
        for (key, value) in own {
            if let Some(value) = value {
                given.flag(key, value);
            }
        }
        for (key, value) in &self.set {
            given.flag(key, value);
        }
        Ok(Config::check(&given)?)
    }
}
