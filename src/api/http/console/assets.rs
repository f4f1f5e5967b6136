//! Scripts and styles, built into the binary: each under an address that holds a hash of
//! all of them, so that browsers keep them for good and a new version is a new address.
//!
//! May import: nothing of ours.

use std::{io::Write as _, sync::LazyLock};

use axum::{
    extract::Path,
    response::{IntoResponse as _, Response},
};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest as _, Sha256};

use super::strings;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const FOREVER: &str = "public, max-age=31536000, immutable";

/// One asset.
struct Asset {
    name: &'static str,
    kind: &'static str,
    plain: Vec<u8>,
    packed: Vec<u8>,
}

macro_rules! scripts {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("assets/", $name)))),*]
    };
}

/// The scripts; the first is the one that pages name, the others are imported by it.
const SCRIPTS: &[(&str, &str)] = scripts![
    "app.js",
    "api.js",
    "dom.js",
    "keys.js",
    "outbox.js",
    "toast.js",
    "live.js",
    "focus.js",
    "list.js",
    "range.js",
    "settings.js",
    "bulk.js",
    "reasons.js",
    "keepers.js",
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let words = format!("export default {};\n", strings::SOURCE.trim());
    let mut all = vec![asset("app.css", "text/css; charset=utf-8", include_str!("assets/app.css"))];
    all.push(asset("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")));
    all.push(asset("words.js", SCRIPT, &words));
    all.extend(SCRIPTS.iter().map(|(name, text)| asset(name, SCRIPT, text)));
    all
});

/// The hash in every address: of names and contents.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in ASSETS.iter() {
        hash.update(asset.name);
        hash.update([0]);
        hash.update(&asset.plain);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
});

fn asset(name: &'static str, kind: &'static str, text: &str) -> Asset {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    // Writing into memory does not fail.
    let packed = packer.write_all(text.as_bytes()).and_then(|()| packer.finish()).unwrap_or_default();
    Asset { name, kind, plain: text.as_bytes().to_vec(), packed }
}

/// The address of an asset.
pub(super) fn address(name: &str) -> String {
    format!("/console/assets/{}/{name}", *VERSION)
}

/// Addresses of the scripts that the first one imports, to be fetched beside it.
pub(super) fn modules() -> Vec<String> {
    let imported = SCRIPTS.iter().skip(1).map(|(name, _)| *name).chain(["words.js"]);
    imported.map(address).collect()
}

/// `GET /console/assets/{hash}/{name}`. Another version's address is not answered: its
/// page would get scripts that do not fit it.
pub(super) async fn serve(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let asset = ASSETS.iter().find(|asset| asset.name == name && hash == *VERSION);
    let Some(asset) = asset else { return StatusCode::NOT_FOUND.into_response() };
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let common = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, FOREVER),
        (header::VARY, "accept-encoding"),
    ];
    if accepted.contains("gzip") {
        (common, [(header::CONTENT_ENCODING, "gzip")], asset.packed.clone()).into_response()
    } else {
        (common, asset.plain.clone()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_import_is_an_asset() {
        for (name, text) in SCRIPTS {
            for import in text.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(ASSETS.iter().any(|asset| asset.name == import), "{name} imports {import}");
            }
        }
    }

    #[test]
    fn all_of_them_are_light() {
        let packed: usize = ASSETS.iter().map(|asset| asset.packed.len()).sum();
        assert!(packed < 60 * 1024, "{packed} bytes");
    }

    #[test]
    fn no_script_reaches_out_or_writes_markup() {
        for (name, text) in SCRIPTS {
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "http://",
                "https://",
                "new Function",
            ] {
                // The namespace of SVG is a name, not an address.
                let text = text.replace("http://www.w3.org/2000/svg", "");
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
    }
}
