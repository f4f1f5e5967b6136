//! What changed between two rule sets, rule by rule and key by key.
//!
//! Rules are compared as they are written, so that a difference that nobody can see
//! in their effect (a note, an owner) is told too; the order of files and rules, and
//! white space, are no difference. May import: nothing of ours.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::Source;

/// What happened to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
}

/// One key of a rule that says something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The key.
    pub key: String,
    /// What it said, as TOML; empty when it was absent.
    pub before: String,
    /// What it says, as TOML; empty when it is absent.
    pub after: String,
}

/// One rule that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleChange {
    /// Its name.
    pub name: String,
    /// What happened.
    pub change: Change,
    /// What it says differently, by key; all its keys when it is new or gone.
    pub fields: Vec<FieldChange>,
}

/// What `after` says differently from `before`, by the names of rules. Files that are no
/// TOML count as empty: checked sets hold none. `O(n log n)` in rules.
#[must_use]
pub fn diff(before: &[Source], after: &[Source]) -> Vec<RuleChange> {
    let (before, after) = (by_name(before), by_name(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let empty = BTreeMap::new();
    let compare = |name: &&String| {
        let (old, new) = (before.get(*name), after.get(*name));
        let change = match (old, new) {
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            (Some(old), Some(new)) if old == new => return None,
            _ => Change::Changed,
        };
        let fields = fields(old.unwrap_or(&empty), new.unwrap_or(&empty));
        Some(RuleChange { name: (*name).clone(), change, fields })
    };
    names.iter().filter_map(compare).collect()
}

/// A rule as written: key to TOML.
type Written = BTreeMap<String, String>;

fn by_name(sources: &[Source]) -> BTreeMap<String, Written> {
    let mut found = BTreeMap::new();
    for source in sources {
        let file: Table = toml::from_str(&source.text).unwrap_or_default();
        for (kind, rules) in file {
            for rule in rules.as_array().into_iter().flatten() {
                let Some(table) = rule.as_table() else { continue };
                let name = table.get("name").and_then(Value::as_str).unwrap_or_default();
                let mut written: Written =
                    table.iter().map(|(key, value)| (key.clone(), value.to_string())).collect();
                written.insert("kind".to_owned(), kind.clone());
                found.insert(name.to_owned(), written);
            }
        }
    }
    found
}

fn fields(before: &Written, after: &Written) -> Vec<FieldChange> {
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let said = |of: &Written, key: &String| of.get(key).cloned().unwrap_or_default();
    let changes = keys.into_iter().map(|key| FieldChange {
        before: said(before, key),
        after: said(after, key),
        key: key.clone(),
    });
    changes.filter(|field| field.before != field.after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Vec<Source> {
        vec![Source { name: "a.toml".into(), text: text.into() }]
    }

    #[test]
    fn rules_are_compared_by_name_and_key() {
        let before = source(
            "[[list]]\nname = \"a\"\nterms = [\"x\"]\n[[list]]\nname = \"b\"\nterms = [\"y\"]\nnote = \"n\"\n[[list]]\nname = \"c\"\n",
        );
        let after = source(
            "[[list]]\nname = \"b\"\nterms = [\"y\", \"z\"]\n\n# moved\n[[list]]\nname = \"a\"\nterms   = [\"x\"]\n[[pattern]]\nname = \"d\"\n",
        );
        let found = diff(&before, &after);
        let told: Vec<_> = found.iter().map(|rule| (rule.name.as_str(), rule.change)).collect();
        assert_eq!(told, [("b", Change::Changed), ("c", Change::Removed), ("d", Change::Added)]);
        let keys: Vec<_> = found[0].fields.iter().map(|field| field.key.as_str()).collect();
        assert_eq!(keys, ["note", "terms"]);
        assert_eq!(found[0].fields[1].after, "[\"y\", \"z\"]");
        assert!(diff(&after, &after).is_empty());
    }
}
