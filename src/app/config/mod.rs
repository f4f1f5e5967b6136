//! What an operator may set, checked as a whole: every mistake is told at once, and
//! a configuration that exists is one that can be served.
//!
//! Order of precedence: flag, then environment (`TAMIS_GRPC_LISTEN`), then file, then
//! default. One table of keys makes the file, the variables and the commented
//! example. May import: `types`.

mod keys;
mod sources;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::webhooks::Target;
use crate::{learning::registry::Schedule, moderation::SessionTerms};

pub use keys::example;
pub use sources::{Given, Origin};

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// Embedded, durable.
    Sled,
    /// Forgets everything at the end: for trying out and tests.
    Memory,
    /// PostgreSQL, for many nodes.
    Postgres,
}

/// The address of a PostgreSQL server. It may hold a password: `Debug` hides it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PostgresAddress(pub(super) String);

impl PostgresAddress {
    /// The address, to connect to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostgresAddress(…)")
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}

/// Certificate and key for TLS, as files in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// A checked configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Which store.
    pub store: StoreKind,
    /// Where PostgreSQL is; empty for other stores.
    pub postgres: PostgresAddress,
    /// Most connections to PostgreSQL.
    pub postgres_connections: usize,
    /// Certificates that PostgreSQL's must come from; those of the system when absent.
    pub postgres_root_certificate: Option<PathBuf>,
    /// How long PostgreSQL keeps verdicts; for good when absent.
    pub keep_verdicts: Option<Duration>,
    /// Address of the gRPC door.
    pub grpc_listen: SocketAddr,
    /// TLS of the gRPC door.
    pub grpc_tls: Option<TlsFiles>,
    /// Address of the HTTP door; `None` keeps it shut.
    pub http_listen: Option<SocketAddr>,
    /// TLS of the HTTP door.
    pub http_tls: Option<TlsFiles>,
    /// How long moderators stay signed in.
    pub sessions: SessionTerms,
    /// Calls worked on at a time.
    pub in_flight: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Page cache of the store, in MiB.
    pub cache_mib: u64,
    /// Who is told of decisions.
    pub webhooks: Vec<Target>,
    /// Authorities that webhooks trust; those of the machine when absent.
    pub webhook_ca: Option<PathBuf>,
    /// Tries before a webhook is put aside.
    pub webhook_tries: u32,
    /// Shortest lease on a queue item.
    pub min_lease: Duration,
    /// Folder of the model bundle; the built-in one when absent.
    pub model_dir: Option<PathBuf>,
    /// Threads of a training.
    pub learning_threads: usize,
    /// Files of labelled comments learnt from besides; the built-in ones when empty.
    pub learning_base: Vec<PathBuf>,
    /// When trainings begin by themselves.
    pub learning_schedule: Schedule,
    /// Folder of daily exports; none when absent.
    pub learning_export: Option<PathBuf>,
    /// Model bundles kept besides those in use.
    pub learning_keep: usize,
    /// Rule files; the built-in starter set when empty.
    pub rule_files: Vec<PathBuf>,
    /// Filter of log lines.
    pub log_level: String,
    /// Form of log lines.
    pub log_format: LogFormat,
    /// How long a stopping node waits for calls in flight.
    pub grace: Duration,
}

/// Everything that is wrong with a configuration, one sentence each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration has {} mistake(s):\n  {}", .0.len(), .0.join("\n  "))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every mistake.
    pub fn check(given: &Given) -> Result<Self, ConfigError> {
        let mut draft = keys::Draft::default();
        let mut mistakes = given.mistakes.clone();
        for key in keys::KEYS {
            let (value, origin) = given.value(key.name);
            let value =
                value.map_or_else(|| key.default.iter().map(|s| (*s).to_owned()).collect(), <[_]>::to_vec);
            if let Err(problem) = (key.set)(&mut draft, &value) {
                mistakes.push(format!("{origin}: {} {problem}", key.name));
            }
        }
        let config = draft.finish(&mut mistakes);
        if mistakes.is_empty() { Ok(config) } else { Err(ConfigError(mistakes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut given = Given::default();
        given.file("tamis.toml", file);
        given.environment(env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        for (key, value) in flags {
            given.flag(key, value);
        }
        Config::check(&given)
    }

    #[test]
    fn flags_beat_variables_beat_the_file() {
        let file = "data_dir = \"/file\"\n[grpc]\nlisten = \"127.0.0.1:1\"\n[log]\nformat = \"json\"";
        let config = check(
            file,
            &[("TAMIS_GRPC_LISTEN", "127.0.0.1:2"), ("TAMIS_DATA_DIR", "/env")],
            &[("data_dir", "/flag")],
        )
        .expect("valid");
        assert_eq!(config.data_dir, PathBuf::from("/flag"));
        assert_eq!(config.grpc_listen.port(), 2);
        assert_eq!(config.log_format, LogFormat::Json);
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let file =
            "dta_dir = \"x\"\nstore = \"redis\"\n[storage]\ncache_mib = 1\n[grpc]\nlisten = \"0.0.0.0:1\"";
        let ConfigError(mistakes) =
            check(file, &[("TAMIS_LOG_FORMAT", "xml")], &[]).expect_err("five mistakes");
        for part in [
            "tamis.toml:1: unknown key dta_dir; did you mean data_dir?",
            "tamis.toml:2: store",
            "tamis.toml:4: storage.cache_mib",
            "TAMIS_LOG_FORMAT: log.format",
            "beyond loopback",
        ] {
            assert!(mistakes.iter().any(|m| m.contains(part)), "{part}\n{mistakes:#?}");
        }
        assert_eq!(mistakes.len(), 5, "{mistakes:#?}");
    }

    #[test]
    fn beyond_loopback_needs_tls_or_a_word() {
        let open = [("grpc.listen", "0.0.0.0:50051")];
        assert!(check("", &[], &open).is_err());
        assert!(check("", &[], &[open[0], ("grpc.insecure_beyond_loopback", "true")]).is_ok());
        assert!(check("", &[], &[open[0], ("grpc.tls.cert", "c.pem"), ("grpc.tls.key", "k.pem")]).is_ok());
        assert!(check("", &[], &[("grpc.tls.cert", "c.pem")]).is_err(), "a certificate without its key");
        assert!(check("", &[], &[("http.listen", "0.0.0.0:8080")]).is_err());
        assert!(
            check("", &[], &[("http.listen", "0.0.0.0:8080"), ("http.insecure_beyond_loopback", "true")])
                .is_ok()
        );
        assert_eq!(check("", &[], &[("http.listen", "")]).map(|config| config.http_listen), Ok(None));
    }

    #[test]
    fn the_example_is_the_defaults() {
        let plain: String =
            example().lines().map(|l| format!("{}\n", l.strip_prefix("# ").unwrap_or(l))).collect();
        let values: String = plain.lines().filter(|l| l.contains(" = ") || l.starts_with('[')).fold(
            String::new(),
            |mut all, line| {
                all.push_str(line);
                all.push('\n');
                all
            },
        );
        assert_eq!(check(&values, &[], &[]), check("", &[], &[]), "{values}");
        let shipped = include_str!("../../../docs/tamis.example.toml");
        assert_eq!(
            shipped,
            example(),
            "docs/tamis.example.toml: write it anew with `tamis check-config --example`"
        );
    }
}
