//! The table of keys: name, meaning, default, check.
//!
//! May import: nothing of ours.

use std::{fmt::Write as _, net::SocketAddr, path::PathBuf, time::Duration};

use super::{Config, LogFormat, PostgresAddress, StoreKind, TlsFiles};
use crate::{app::webhooks::Target, learning::registry::Schedule, moderation::SessionTerms};

/// One key.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
    pub(super) default: &'static [&'static str],
    /// Whether it takes a list.
    pub(super) list: bool,
    pub(super) set: fn(&mut Draft, &[String]) -> Result<(), String>,
}

/// A configuration being filled.
#[derive(Default)]
pub(super) struct Draft {
    data_dir: PathBuf,
    memory: bool,
    postgres: PostgresAddress,
    postgres_connections: usize,
    postgres_root_certificate: Option<PathBuf>,
    keep_days: u64,
    listen: Option<SocketAddr>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    insecure: bool,
    http_listen: Option<SocketAddr>,
    http_cert: Option<PathBuf>,
    http_key: Option<PathBuf>,
    http_insecure: bool,
    idle_minutes: u64,
    session_hours: u64,
    in_flight: usize,
    connections: usize,
    cache_mib: u64,
    min_lease_ms: u64,
    webhook_hosts: Vec<String>,
    webhook_targets: Vec<String>,
    webhook_ca: Option<PathBuf>,
    webhook_tries: u64,
    model_dir: Option<PathBuf>,
    learning_threads: usize,
    learning_base: Vec<PathBuf>,
    learning_keep: usize,
    learning_schedule: Schedule,
    learning_export: Option<PathBuf>,
    rule_files: Vec<PathBuf>,
    log_level: String,
    json: bool,
    grace: u64,
}

const fn key(
    name: &'static str,
    doc: &'static str,
    default: &'static [&'static str],
    set: fn(&mut Draft, &[String]) -> Result<(), String>,
) -> Key {
    Key { name, doc, default, list: false, set }
}

/// Every key, in the order of the example.
#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    key("data_dir", "Folder of everything that is kept; made at the first start.", &["./tamis-data"], |d, v| {
        d.data_dir = path(v)?.ok_or("must not be empty")?; Ok(())
    }),
    key("store", "`sled` (embedded, durable), `memory` (forgets everything at the end), or postgres://user@host/database for many nodes.", &["sled"], |d, v| {
        let value = one(v)?;
        if value.starts_with("postgres://") || value.starts_with("postgresql://") {
            d.postgres = PostgresAddress(value.to_owned());
            return Ok(());
        }
        d.memory = choice(v, &["sled", "memory"]).map_err(|_| "must be sled, memory or postgres://...")? == 1; Ok(())
    }),
    key("postgres.connections", "Most connections of this node to PostgreSQL, 4 to 500.", &["12"], |d, v| {
        d.postgres_connections = number(v, 4, 500)? as usize; Ok(())
    }),
    key("postgres.root_certificate", "Certificates in PEM form that PostgreSQL's must come from; those of the system when empty.", &[""], |d, v| {
        d.postgres_root_certificate = path(v)?; Ok(())
    }),
    key("postgres.keep_verdicts_days", "Days that PostgreSQL keeps verdicts, whole partitions of 28 days at a time; 0 keeps them for good.", &["0"], |d, v| {
        d.keep_days = number(v, 0, 36_500)?; Ok(())
    }),
    key("grpc.listen", "Address and port of the gRPC door.", &["127.0.0.1:50051"], |d, v| {
        d.listen = Some(one(v)?.parse().map_err(|_| format!("must be an address and port such as 127.0.0.1:50051, got {:?}", v.join(",")))?); Ok(())
    }),
    key("grpc.insecure_beyond_loopback", "Listen beyond loopback without TLS: only behind a proxy that adds it.", &["false"], |d, v| {
        d.insecure = choice(v, &["false", "true"])? == 1; Ok(())
    }),
    key("grpc.tls.cert", "Certificate chain in PEM form; with it the door speaks TLS.", &[""], |d, v| { d.cert = path(v)?; Ok(()) }),
    key("grpc.tls.key", "Private key of the certificate in PEM form.", &[""], |d, v| { d.key = path(v)?; Ok(()) }),
    key("http.listen", "Address and port of the HTTP door: the moderators' console and health; empty for none.", &["127.0.0.1:8080"], |d, v| {
        let text = one(v)?;
        d.http_listen = match text.is_empty() {
            true => None,
            false => Some(text.parse().map_err(|_| format!("must be an address and port such as 127.0.0.1:8080, got {text:?}"))?),
        };
        Ok(())
    }),
    key("http.insecure_beyond_loopback", "Listen beyond loopback without TLS: only behind a proxy that adds it.", &["false"], |d, v| {
        d.http_insecure = choice(v, &["false", "true"])? == 1; Ok(())
    }),
    key("http.tls.cert", "Certificate chain in PEM form; with it the HTTP door speaks TLS.", &[""], |d, v| { d.http_cert = path(v)?; Ok(()) }),
    key("http.tls.key", "Private key of the certificate in PEM form.", &[""], |d, v| { d.http_key = path(v)?; Ok(()) }),
    key("console.idle_minutes", "Minutes without a request after which a moderator signs in again, 5 to 1440.", &["60"], |d, v| {
        d.idle_minutes = number(v, 5, 1_440)?; Ok(())
    }),
    key("console.session_hours", "Hours after which a moderator signs in again in any case, 1 to 72.", &["12"], |d, v| {
        d.session_hours = number(v, 1, 72)?; Ok(())
    }),
    key("limits.in_flight", "Calls worked on at a time, 1 to 100000; more are told to come back.", &["512"], |d, v| {
        d.in_flight = number(v, 1, 100_000)? as usize; Ok(())
    }),
    key("limits.connections", "Connections at a time, 1 to 100000.", &["4096"], |d, v| { d.connections = number(v, 1, 100_000)? as usize; Ok(()) }),
    key("storage.cache_mib", "Page cache of the store in MiB, 16 to 65536.", &["64"], |d, v| { d.cache_mib = number(v, 16, 65_536)?; Ok(()) }),
    key("queue.min_lease_ms", "Shortest lease on a queue item in ms, 100 to 1800000; shorter than 30000 is for tests.", &["30000"], |d, v| {
        d.min_lease_ms = number(v, 100, 1_800_000)?; Ok(())
    }),
    Key {
        name: "webhooks.allowed_hosts", doc: "Hosts that webhooks may reach; without any there is no outgoing connection.", default: &[], list: true,
        set: |d, v| { d.webhook_hosts = v.to_vec(); Ok(()) },
    },
    Key {
        name: "webhooks.targets", doc: "Who is told of decisions by signed posts: site=https://host/path.", default: &[], list: true,
        set: |d, v| { d.webhook_targets = v.to_vec(); Ok(()) },
    },
    key("webhooks.ca", "Certificates of the authorities that webhooks trust, in PEM form; those of the machine when empty.", &[""], |d, v| {
        d.webhook_ca = path(v)?; Ok(())
    }),
    key("webhooks.tries", "Tries before a webhook is put aside, 1 to 20; with 10 that takes up to nine minutes.", &["10"], |d, v| {
        d.webhook_tries = number(v, 1, 20)?; Ok(())
    }),
    key("model.dir", "Folder of a model bundle; the built-in one when empty.", &[""], |d, v| { d.model_dir = path(v)?; Ok(()) }),
    key("learning.threads", "Threads of a training, 1 to 64; changes no byte of what is learnt.", &["1"], |d, v| {
        d.learning_threads = number(v, 1, 64)? as usize; Ok(())
    }),
    Key {
        name: "learning.base_files", doc: "Labelled comments that trainings learn from besides stored ones; the built-in ones when empty.", default: &[], list: true,
        set: |d, v| { d.learning_base = v.iter().map(PathBuf::from).collect(); Ok(()) },
    },
    key("learning.keep_models", "Model bundles kept besides those in use, 0 to 1000; the oldest go first.", &["10"], |d, v| {
        d.learning_keep = number(v, 0, 1_000)? as usize; Ok(())
    }),
    key("learning.schedule", "When trainings begin by themselves: `off`, `daily`, or after this many rulings, 1 to 100000000. People promote.", &["off"], |d, v| {
        d.learning_schedule = match one(v)? {
            "off" => Schedule::Off,
            "daily" => Schedule::Daily,
            _count => Schedule::Every(number(v, 1, 100_000_000).map_err(|_| "must be `off`, `daily` or a whole number from 1 to 100000000")?),
        };
        Ok(())
    }),
    key("learning.export_dir", "Folder into which labelled comments and the active model are written daily; none when empty.", &[""], |d, v| { d.learning_export = path(v)?; Ok(()) }),
    Key {
        name: "rules.files", doc: "Rule files; the built-in starter set when empty.", default: &[], list: true,
        set: |d, v| { d.rule_files = v.iter().map(PathBuf::from).collect(); Ok(()) },
    },
    key("log.level", "Least level told: error, warn, info, debug, trace; or a tracing filter.", &["info"], |d, v| {
        d.log_level = one(v)?.to_owned();
        d.log_level.parse::<tracing_subscriber::EnvFilter>().map(drop).map_err(|_| "is no level and no filter".into())
    }),
    key("log.format", "`text` for people, `json` for machines.", &["text"], |d, v| { d.json = choice(v, &["text", "json"])? == 1; Ok(()) }),
    key("shutdown.grace_seconds", "Seconds a stopping node waits for calls in flight, 0 to 600.", &["10"], |d, v| {
        d.grace = number(v, 0, 600)?; Ok(())
    }),
];

fn one(values: &[String]) -> Result<&str, String> {
    match values {
        [value] => Ok(value),
        _ => Err("takes one value, not a list".into()),
    }
}

fn path(values: &[String]) -> Result<Option<PathBuf>, String> {
    one(values).map(|text| (!text.is_empty()).then(|| PathBuf::from(text)))
}

fn choice(values: &[String], of: &[&str]) -> Result<usize, String> {
    let value = one(values)?;
    of.iter()
        .position(|o| *o == value)
        .ok_or_else(|| format!("must be one of {}, got {value:?}", of.join(", ")))
}

fn number(values: &[String], least: u64, most: u64) -> Result<u64, String> {
    let value = one(values)?;
    let number = value.parse().ok().filter(|n| (least..=most).contains(n));
    number.ok_or_else(|| format!("must be a whole number from {least} to {most}, got {value:?}"))
}

/// Certificate and key of a door: both or none.
fn tls(
    door: &str,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    mistakes: &mut Vec<String>,
) -> Option<TlsFiles> {
    match (cert, key) {
        (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
        (None, None) => None,
        _ => {
            mistakes.push(format!("{door}.tls.cert and {door}.tls.key must be given together"));
            None
        }
    }
}

/// A door beyond loopback must be safe.
fn far(door: &str, listen: Option<SocketAddr>, safe: bool, mistakes: &mut Vec<String>) {
    if let Some(address) = listen
        && !address.ip().is_loopback()
        && !safe
    {
        mistakes.push(format!(
            "{door}.listen {address} reaches beyond loopback: give {door}.tls.cert and {door}.tls.key, or set \
             {door}.insecure_beyond_loopback = true when a proxy adds TLS"
        ));
    }
}

impl Draft {
    /// The configuration, with what only shows when all keys are seen together.
    pub(super) fn finish(self, mistakes: &mut Vec<String>) -> Config {
        let grpc_listen = self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
        let grpc_tls = tls("grpc", self.cert, self.key, mistakes);
        far("grpc", Some(grpc_listen), grpc_tls.is_some() || self.insecure, mistakes);
        let http_tls = tls("http", self.http_cert, self.http_key, mistakes);
        far("http", self.http_listen, http_tls.is_some() || self.http_insecure, mistakes);
        let mut webhooks = Vec::new();
        for text in &self.webhook_targets {
            match Target::read(text, &self.webhook_hosts) {
                Ok(target) => webhooks.push(target),
                Err(problem) => mistakes.push(format!("webhooks.targets: {text:?} {problem}")),
            }
        }
        Config {
            data_dir: self.data_dir,
            store: match (self.memory, self.postgres.as_str()) {
                (true, _) => StoreKind::Memory,
                (false, "") => StoreKind::Sled,
                (false, _) => StoreKind::Postgres,
            },
            postgres: self.postgres,
            postgres_connections: self.postgres_connections,
            postgres_root_certificate: self.postgres_root_certificate,
            keep_verdicts: (self.keep_days > 0).then(|| Duration::from_secs(self.keep_days * 86_400)),
            grpc_listen,
            grpc_tls,
            http_listen: self.http_listen,
            http_tls,
            sessions: SessionTerms {
                idle: Duration::from_secs(self.idle_minutes * 60),
                longest: Duration::from_secs(self.session_hours * 3_600),
            },
            in_flight: self.in_flight,
            connections: self.connections,
            cache_mib: self.cache_mib,
            webhooks,
            webhook_ca: self.webhook_ca,
            webhook_tries: u32::try_from(self.webhook_tries).unwrap_or(1),
            min_lease: Duration::from_millis(self.min_lease_ms),
            model_dir: self.model_dir,
            learning_threads: self.learning_threads,
            learning_base: self.learning_base,
            learning_keep: self.learning_keep,
            learning_schedule: self.learning_schedule,
            learning_export: self.learning_export,
            rule_files: self.rule_files,
            log_level: self.log_level,
            log_format: if self.json { LogFormat::Json } else { LogFormat::Text },
            grace: Duration::from_secs(self.grace),
        }
    }
}

/// The commented example: every key with its meaning and default.
#[must_use]
pub fn example() -> String {
    let mut out =
        String::from("# tamis: every key with its default. Variables: TAMIS_GRPC_LISTEN for grpc.listen.\n");
    let mut section = "";
    for key in KEYS {
        let (table, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        if table != section {
            section = table;
            let _ = write!(out, "\n[{table}]");
        }
        let quoted = |s: &str| match s.parse::<u64>().is_ok() || s == "true" || s == "false" {
            true => s.to_owned(),
            false => format!("{s:?}"),
        };
        let value = match (key.list, key.default) {
            (true, _) => "[]".to_owned(),
            (false, [one]) => quoted(one),
            (false, _) => String::new(),
        };
        let _ = write!(out, "\n# {}\n# {name} = {value}\n", key.doc);
    }
    out
}
