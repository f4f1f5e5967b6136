//! The way from a command to a running server: address, key, and what its errors
//! mean to the person at the terminal.
//!
//! The only place of the command line that knows gRPC. May import: `api` (the
//! generated clients).

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage as _};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use tonic_types::StatusExt as _;

use crate::api::pb::{
    self, audit_service_client::AuditServiceClient, backtest_service_client::BacktestServiceClient,
    model_service_client::ModelServiceClient, queue_service_client::QueueServiceClient,
    rule_service_client::RuleServiceClient,
};

/// How long to try to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The server that a command talks to.
#[derive(Clone, Debug, Args)]
pub(super) struct Remote {
    /// Address of the server: HOST:PORT, or https://HOST:PORT with TLS.
    #[arg(
        long,
        global = true,
        help_heading = "Connection",
        value_name = "ADDRESS",
        env = "TAMIS_CLIENT_ADDRESS",
        default_value = "127.0.0.1:50051"
    )]
    address: String,
    /// The API key; better given as the variable than as a flag that `ps` shows.
    #[arg(
        long,
        global = true,
        help_heading = "Connection",
        value_name = "KEY",
        env = "TAMIS_CLIENT_KEY",
        hide_env_values = true
    )]
    key: Option<String>,
    /// The site.
    #[arg(
        long,
        global = true,
        help_heading = "Connection",
        value_name = "SITE",
        env = "TAMIS_CLIENT_SITE",
        default_value = "default"
    )]
    site: String,
    /// Certificate of the authority that signed the server's, in PEM form.
    #[arg(long, global = true, help_heading = "Connection", value_name = "FILE", env = "TAMIS_CLIENT_CA")]
    ca: Option<PathBuf>,
}

/// Puts the key on every call.
#[derive(Clone, Debug)]
pub(super) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

type Service = InterceptedService<Channel, Bearer>;
/// The queue of a server.
pub(super) type Queue = QueueServiceClient<Service>;
/// The models of a server.
pub(super) type Models = ModelServiceClient<Service>;
/// The rules of a server.
pub(super) type Rules = RuleServiceClient<Service>;
/// The back-tests of a server.
pub(super) type Backtests = BacktestServiceClient<Service>;
/// The audit log of a server.
pub(super) type Audit = AuditServiceClient<Service>;

impl Remote {
    /// The resource name of the site.
    pub(super) fn site(&self) -> String {
        format!("sites/{}", self.site)
    }

    /// The resource name of a thing of the site, given that name or its last part.
    pub(super) fn name(&self, collection: &str, given: &str) -> String {
        if given.contains('/') { given.to_owned() } else { format!("{}/{collection}/{given}", self.site()) }
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// No key was given, the address is none, or nobody answers there.
    pub(super) async fn connect(&self) -> Result<Service> {
        let key =
            self.key.as_deref().ok_or_else(|| anyhow!("no key: set TAMIS_CLIENT_KEY, or give --key"))?;
        let bearer: MetadataValue<Ascii> = format!("Bearer {key}").parse().context("the key is none")?;
        let secure = self.address.starts_with("https://");
        let uri = if self.address.contains("://") {
            self.address.clone()
        } else {
            format!("http://{}", self.address)
        };
        let endpoint =
            Endpoint::from_shared(uri).with_context(|| format!("{} is no address", self.address))?;
        let mut endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT);
        if secure {
            let Some(ca) = &self.ca else {
                bail!("https needs --ca: the authority whose certificates to trust")
            };
            let pem = std::fs::read(ca).with_context(|| format!("cannot read {}", ca.display()))?;
            let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
            endpoint = endpoint.tls_config(tls).context("the certificate cannot be used")?;
        }
        let channel =
            endpoint.connect().await.with_context(|| format!("no server answers at {}", self.address))?;
        Ok(InterceptedService::new(channel, Bearer(bearer)))
    }

    /// Connects to the queue.
    ///
    /// # Errors
    ///
    /// As [`Remote::connect`].
    pub(super) async fn queue(&self) -> Result<Queue> {
        Ok(QueueServiceClient::new(self.connect().await?))
    }

    /// Connects to the models.
    ///
    /// # Errors
    ///
    /// As [`Remote::connect`].
    pub(super) async fn models(&self) -> Result<Models> {
        Ok(ModelServiceClient::new(self.connect().await?).max_decoding_message_size(16 << 20))
    }

    /// Connects to the rules. A set of rules may take the whole of a message.
    ///
    /// # Errors
    ///
    /// As [`Remote::connect`].
    pub(super) async fn rules(&self) -> Result<Rules> {
        Ok(RuleServiceClient::new(self.connect().await?).max_decoding_message_size(16 << 20))
    }

    /// Connects to the back-tests.
    ///
    /// # Errors
    ///
    /// As [`Remote::connect`].
    pub(super) async fn backtests(&self) -> Result<Backtests> {
        Ok(BacktestServiceClient::new(self.connect().await?))
    }

    /// Connects to the audit log.
    ///
    /// # Errors
    ///
    /// As [`Remote::connect`].
    pub(super) async fn audit(&self) -> Result<Audit> {
        Ok(AuditServiceClient::new(self.connect().await?))
    }
}

/// A refused call, in words: what the server said, why, and what happened instead.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The stable reason; empty when there is none.
    pub(super) reason: String,
    words: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Refusal {}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let mut words = super::terminal::tame(status.message());
        if words.is_empty() {
            words = status.code().description().to_owned();
        }
        for violation in details.bad_request().map(|b| b.field_violations.as_slice()).unwrap_or_default() {
            words.push_str(&format!("\n  {}: {}", violation.field, violation.description));
        }
        let (mut reason, mut instead) = (String::new(), Vec::new());
        if let Some(info) = details.error_info() {
            reason.clone_from(&info.reason);
            let mut rest: Vec<_> = info.metadata.iter().collect();
            rest.sort();
            instead = rest.into_iter().map(|(k, v)| format!("{k} {}", super::terminal::tame(v))).collect();
        }
        if !instead.is_empty() {
            words.push_str(&format!("\n  what holds instead: {}", instead.join(", ")));
        }
        Self { reason, words }
    }
}

/// The answer of a call, or the refusal in words.
///
/// # Errors
///
/// [`Refusal`].
pub(super) fn told<T>(answer: Result<tonic::Response<T>, Status>) -> Result<T, Refusal> {
    answer.map(tonic::Response::into_inner).map_err(Refusal::from)
}

/// The next message of a stream; `None` at its end.
///
/// # Errors
///
/// [`Refusal`].
pub(super) async fn next<T>(stream: &mut tonic::Streaming<T>) -> Result<Option<T>, Refusal> {
    stream.message().await.map_err(Refusal::from)
}

/// A message as protobuf's own JSON, one line.
///
/// # Errors
///
/// The built-in descriptors do not know the message: a mistake in this program.
pub(super) fn json(kind: &str, message: &impl prost::Message) -> Result<String> {
    let pool = DescriptorPool::decode(pb::FILE_DESCRIPTOR_SET).context("the built-in descriptors")?;
    let descriptor = pool.get_message_by_name(&format!("tamis.v1.{kind}"));
    let descriptor = descriptor.with_context(|| format!("no message {kind}"))?;
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
    debug_assert_eq!(dynamic.descriptor().name(), kind);
    Ok(serde_json::to_string(&dynamic)?)
}
