//! The first start on an empty data folder: a secret, a site and the first keys.
//!
//! May import: `types`, `moderation`, `store`.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use crate::{
    moderation::{ModerationError, PseudonymKey, Secret, Services, webhooks::WebhookSecret},
    types::{PageRequest, Policy, QueueRules, Role, SiteId},
};

/// File of the installation's secret in the data folder.
pub(super) const SECRET_FILE: &str = "pseudonym.key";
/// The site that a newcomer finds.
const FIRST_SITE: &str = "default";

/// The installation's secret; made at the first start, readable by the owner only.
///
/// # Errors
///
/// The folder or file cannot be made or read, or holds something else.
pub fn secret_key(data_dir: &Path) -> io::Result<PseudonymKey> {
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    let path = data_dir.join(SECRET_FILE);
    match fs::read(&path) {
        Ok(bytes) => {
            let key = <[u8; 32]>::try_from(bytes.as_slice());
            key.map(PseudonymKey::new)
                .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "must be 32 bytes long"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key: [u8; 32] = rand::random();
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(&key)?;
            file.sync_all()?;
            fs::File::open(data_dir)?.sync_all()?;
            Ok(PseudonymKey::new(key))
        }
        Err(error) => Err(error),
    }
}

/// File of the secret by which receivers of webhooks know us, in the data folder.
pub(super) const WEBHOOK_FILE: &str = "webhook.key";

/// The secret of webhooks: 64 hexadecimal digits, to be handed to receivers; made when
/// first needed, readable by the owner only.
///
/// # Errors
///
/// The file cannot be made or read, or is too short.
pub(super) fn webhook_secret(data_dir: &Path) -> io::Result<WebhookSecret> {
    let path = data_dir.join(WEBHOOK_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key: [u8; 32] = rand::random();
            let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            text
        }
        Err(error) => return Err(error),
    };
    let secret = WebhookSecret::new(text.trim().as_bytes());
    secret.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "must be at least 32 bytes long"))
}

/// The first keys, to be shown once.
pub(super) struct FirstKeys {
    pub(super) admin: Secret,
    pub(super) cms: Secret,
}

/// Makes the first site where there is none yet, and keys where there are no keys:
/// whoever made a key before the first start finds a site all the same.
pub(super) async fn first_keys(services: &Services) -> Result<Option<FirstKeys>, ModerationError> {
    let site = SiteId::new(FIRST_SITE).expect("a site name");
    if services.sites.list(PageRequest { size: 1, after: None }).await?.rows.is_empty() {
        services
            .sites
            .create(site.clone(), "Default site".into(), Vec::new(), Policy::default(), QueueRules::default())
            .await?;
    }
    if !services.keys.list().await?.is_empty() {
        return Ok(None);
    }
    // Keys were lost or never made, and the sites have other names.
    let site = services.sites.get(&site).await.is_ok().then_some(site);
    let (_, cms) = services.keys.create(Role::Cms, site, "made at the first start".into(), None).await?;
    let (_, admin) = services.keys.create(Role::Admin, None, "made at the first start".into(), None).await?;
    Ok(Some(FirstKeys { admin, cms }))
}

/// What a newcomer reads.
pub(super) fn welcome(keys: &FirstKeys, address: &str, tls: bool) -> String {
    let plain = if tls { "" } else { "-plaintext " };
    format!(
        "\nFirst start: these keys are shown once. Keep them.\n\n  cms    {}\n  admin  {}\n\nTry it:\n\n  \
         grpcurl {plain}-H 'authorization: Bearer {}' \\\n    -d '{{\"parent\": \"sites/{FIRST_SITE}\", \
         \"comment\": {{\"body\": \"Fix or repair daily\",\n         \"inline_article\": {{\"title\": \"Xi hosts Putin in \
         Beijing\"}}}}}}' \\\n    {address} tamis.v1.ScoringService/ScoreComment\n\nThe README has the same in Python.\n\n",
        keys.cms, keys.admin, keys.cms
    )
}
