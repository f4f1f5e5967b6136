//! Every English word of the console, from one file that pages and scripts share, so
//! that a translation is another file.
//!
//! May import: nothing of ours.

use std::{collections::HashMap, sync::LazyLock};

/// The words, by key.
pub(super) const SOURCE: &str = include_str!("assets/strings.json");

static WORDS: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| serde_json::from_str(SOURCE).expect("assets/strings.json holds texts by key"));

/// The words of a key; the key itself where there are none, which a test forbids.
pub(super) fn t(key: &str) -> &str {
    WORDS.get(key).map_or(key, String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys named by a source: `t("a.b")`, where `t` is a name of its own.
    fn named(source: &str) -> impl Iterator<Item = &str> {
        source.match_indices("t(\"").filter_map(|(at, call)| {
            let before = source[..at].chars().next_back().unwrap_or(' ');
            let key = source[at + call.len()..].split('"').next()?;
            (!before.is_alphanumeric()).then_some(key)
        })
    }

    #[test]
    fn every_key_that_is_named_has_words() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/http/console");
        let mut seen = 0;
        for sub in ["templates", "assets", "."] {
            for file in std::fs::read_dir(folder.join(sub)).unwrap().map(|file| file.unwrap().path()) {
                let kind = file.extension().and_then(|kind| kind.to_str()).unwrap_or("");
                if !matches!(kind, "html" | "js" | "rs") || file.ends_with("strings.rs") {
                    continue;
                }
                let source = std::fs::read_to_string(&file).unwrap();
                for key in named(&source).filter(|key| key.contains('.') && !key.contains([' ', '/'])) {
                    seen += 1;
                    assert!(WORDS.contains_key(key), "{}: {key}", file.display());
                }
            }
        }
        assert!(seen > 100, "the scan found too little: {seen}");
    }
}
