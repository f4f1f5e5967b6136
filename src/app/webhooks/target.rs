//! Where posts go: checked when the configuration is read.
//!
//! May import: `types`.

use http::Uri;
use sha2::{Digest as _, Sha256};

use crate::types::SiteId;

/// A site's system that is told of decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whose decisions.
    pub site: SiteId,
    /// Where to post them.
    pub uri: Uri,
}

impl Target {
    /// Reads `site=https://host/path`. The host must be one of `allowed`, compared
    /// whole; without TLS only loopback is allowed, for tests and side cars.
    ///
    /// # Errors
    ///
    /// What it must look like.
    pub fn read(text: &str, allowed: &[String]) -> Result<Self, String> {
        let (site, uri) = text.split_once('=').ok_or("must look like site=https://host/path")?;
        let site = SiteId::new(site.trim()).map_err(|error| format!("names a site that {error}"))?;
        let uri: Uri = uri.trim().parse().map_err(|_| format!("{uri:?} is no address"))?;
        let host = uri.host().unwrap_or_default().to_owned();
        let plain = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            _ => return Err(format!("{uri} must begin with https://")),
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("must not hold a user name or password".to_owned());
        }
        if !allowed.iter().any(|one| one.eq_ignore_ascii_case(&host)) {
            return Err(format!("goes to {host}, which webhooks.allowed_hosts does not name"));
        }
        if plain && !matches!(host.as_str(), "127.0.0.1" | "localhost" | "[::1]") {
            return Err(format!("{uri} is not encrypted: only loopback may be reached without https"));
        }
        Ok(Self { site, uri })
    }

    /// A name for files: the site and a digest of the address.
    pub(super) fn file_name(&self) -> String {
        let digest = Sha256::digest(self.uri.to_string());
        let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{short}", self.site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_allowed_hosts_are_reached() {
        let allowed = vec!["cms.example".to_owned(), "127.0.0.1".to_owned()];
        let read = |text: &str| Target::read(text, &allowed);
        assert!(read("news=https://cms.example/hooks/tamis").is_ok());
        assert!(read("news=http://127.0.0.1:8081/").is_ok());
        for bad in [
            "https://cms.example/",
            "NEWS=https://cms.example/",
            "news=https://cms.example.evil.example/",
            "news=https://169.254.169.254/latest",
            "news=http://cms.example/",
            "news=https://cms.example@evil.example/",
            "news=https://user:word@cms.example/",
            "news=ftp://cms.example/",
            "news=/hooks",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_are_named_apart() {
        let allowed = vec!["cms.example".to_owned()];
        let name = |text: &str| Target::read(text, &allowed).unwrap().file_name();
        assert_ne!(name("news=https://cms.example/a"), name("news=https://cms.example/b"));
        assert!(name("news=https://cms.example/a").starts_with("news-"));
    }
}
