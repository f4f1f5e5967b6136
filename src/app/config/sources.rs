//! What was given: file, environment and flags, each value with its origin.
//!
//! May import: nothing of ours.

use std::{collections::BTreeMap, fmt};

use toml::de::{DeTable, DeValue};

use super::keys::KEYS;

/// Where a value came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave it.
    #[default]
    Default,
    /// A line of a file.
    File(String, usize),
    /// A variable.
    Variable(String),
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(name, line) => write!(f, "{name}:{line}"),
            Self::Variable(name) => f.write_str(name),
            Self::Flag => f.write_str("command line"),
        }
    }
}

/// Everything given so far; what is added later wins.
#[derive(Clone, Debug, Default)]
pub struct Given {
    values: BTreeMap<String, (Vec<String>, Origin)>,
    pub(super) mistakes: Vec<String>,
}

impl Given {
    /// Adds a file.
    pub fn file(&mut self, name: &str, text: &str) {
        match DeTable::parse(text) {
            Ok(table) => self.table(name, text, "", table.get_ref()),
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                self.mistakes.push(format!("{name}:{line}: {}", error.message()));
            }
        }
    }

    fn table(&mut self, name: &str, text: &str, above: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = if above.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{above}.{}", key.get_ref())
            };
            let line = line_of(text, key.span().start);
            match value.get_ref() {
                DeValue::Table(inner) if !KEYS.iter().any(|k| k.name == path) => {
                    self.table(name, text, &path, inner);
                }
                value @ (DeValue::Table(_)
                | DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Boolean(_)
                | DeValue::Array(_)
                | DeValue::Float(_)
                | DeValue::Datetime(_)) => match plain(value) {
                    Some(values) => self.put(path, values, Origin::File(name.to_owned(), line)),
                    None => self.mistakes.push(format!("{name}:{line}: {path} has a type that no key takes")),
                },
            }
        }
    }

    /// Adds the variables that begin with `TAMIS_`.
    pub fn environment(&mut self, variables: impl Iterator<Item = (String, String)>) {
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix("TAMIS_") else { continue };
            // Those of commands that talk to a server: it may run on the same machine.
            if rest.starts_with("CLIENT_") {
                continue;
            }
            let known = KEYS.iter().find(|k| k.name.replace('.', "_").eq_ignore_ascii_case(rest));
            match known {
                Some(key) => {
                    let values = match key.list {
                        true => value.split(',').map(str::to_owned).collect(),
                        false => vec![value],
                    };
                    self.put(key.name.to_owned(), values, Origin::Variable(name));
                }
                None => self.mistakes.push(format!("{name}: no key has this variable")),
            }
        }
    }

    /// Adds a value of the command line; lists are separated by commas.
    pub fn flag(&mut self, key: &str, value: &str) {
        let list = KEYS.iter().any(|k| k.name == key && k.list);
        let values =
            if list { value.split(',').map(str::to_owned).collect() } else { vec![value.to_owned()] };
        self.put(key.to_owned(), values, Origin::Flag);
    }

    fn put(&mut self, key: String, values: Vec<String>, origin: Origin) {
        if KEYS.iter().any(|k| k.name == key) {
            self.values.insert(key, (values, origin));
            return;
        }
        let near = KEYS.iter().map(|k| (distance(k.name, &key), k.name)).min().filter(|(d, _)| *d <= 3);
        let hint = near.map_or(String::new(), |(_, name)| format!("; did you mean {name}?"));
        self.mistakes.push(format!("{origin}: unknown key {key}{hint}"));
    }

    /// The value given for a key, if any, and where it came from.
    #[must_use]
    pub fn value(&self, key: &str) -> (Option<&[String]>, Origin) {
        self.values.get(key).map_or((None, Origin::Default), |(v, o)| (Some(v), o.clone()))
    }
}

/// A value as text, a list as several.
fn plain(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::String(s) => Some(vec![s.to_string()]),
        DeValue::Integer(n) => Some(vec![n.to_string()]),
        DeValue::Boolean(b) => Some(vec![b.to_string()]),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| plain(item.get_ref()).filter(|v| v.len() == 1));
            items.collect::<Option<Vec<_>>>().map(|v| v.concat())
        }
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

/// Levenshtein distance over bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut before = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, up) in b.bytes().zip(row.iter().skip(1)) {
            left = (before + usize::from(x != y)).min(up + 1).min(left + 1);
            before = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}
