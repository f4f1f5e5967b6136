//! From TOML sources to rules: every key checked, every mistake reported.
//!
//! Decides nothing about comments. May import: `types`, `text`, `features`.

mod common;
mod examples;
mod values;

use std::collections::HashMap;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    text::{Document, ViewKind},
    types::Markup,
};

use super::{
    diagnostic::{At, Reporter, Source},
    expression::Expression,
    facts::lower,
    patterns::Pattern,
    rule::{Boundary, Field, Rule, Targets, Test, Views},
};
use common::Common;
use values::{Reader, Text};

/// Most rules in a set.
const MAX_RULES: usize = 1000;
/// Most terms in a set.
const MAX_TERMS: usize = 10_000;
/// Longest term once folded, in bytes.
const MAX_TERM: usize = 128;
/// Largest source, in bytes.
pub(super) const MAX_SOURCE: usize = 4 << 20;

/// The kinds of rules with their keys besides the common ones.
const KINDS: [(&str, Kind, &[&str]); 3] = [
    ("list", Kind::List, &["terms", "match", "field", "view"]),
    ("pattern", Kind::Pattern, &["regex", "field", "view"]),
    ("expression", Kind::Expression, &["when"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    List,
    Pattern,
    Expression,
}

/// Reads the rules of all sources, in the order in which they stand there.
/// What is wrong goes to `out`; the rules are complete only when nothing does.
pub(super) fn read(sources: &[Source], out: &mut Reporter<'_>) -> Vec<Rule> {
    let mut state = Reading::default();
    for (source, text) in sources.iter().map(|source| source.text.as_str()).enumerate() {
        let mut reader = Reader { out: &mut *out, source };
        if text.len() > MAX_SOURCE {
            let message = format!("the file has {} bytes; at most {MAX_SOURCE} are allowed", text.len());
            reader.out.error(&At { source, bytes: 0..0 }, "file-too-large", message);
            continue;
        }
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = reader.at(error.span().unwrap_or(0..0));
            reader.out.error(&at, "bad-toml", format!("the file is not TOML: {}", error.message()));
        }
        if errors.is_empty() {
            state.file(&mut reader, root.get_ref());
        }
    }
    state.rules
}

/// What has been read so far.
#[derive(Debug, Default)]
struct Reading {
    rules: Vec<Rule>,
    seen_rules: usize,
    seen_terms: usize,
    names: HashMap<String, (String, usize)>,
}

impl Reading {
    fn file(&mut self, reader: &mut Reader<'_, '_>, root: &DeTable<'_>) {
        reader.check_keys(root, &KINDS.map(|(name, ..)| name), "a rule file");
        let mut tables = Vec::new();
        for (name, kind, keys) in KINDS {
            let Some(value) = root.get(name) else { continue };
            let items = match value.get_ref() {
                DeValue::Array(items) => items,
                DeValue::Table(_) => {
                    let at = reader.at(value.span());
                    let message = format!("rules stand in arrays of tables: `[[{name}]]`");
                    reader.out.error_help(&at, "wrong-type", message, "use two brackets");
                    continue;
                }
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => {
                    reader.wrong_type(value, name, &format!("rules, each under `[[{name}]]`"));
                    continue;
                }
            };
            for item in items.iter() {
                match item.get_ref().as_table() {
                    Some(table) => tables.push((item.span(), table, kind, keys)),
                    None => reader.wrong_type(item, name, "an array of tables"),
                }
            }
        }
        tables.sort_by_key(|(span, ..)| span.start);
        for (header, table, kind, keys) in tables {
            self.seen_rules += 1;
            if self.seen_rules == MAX_RULES + 1 {
                let at = reader.at(header.clone());
                reader.out.error(&at, "too-many-rules", format!("a set may have {MAX_RULES} rules"));
            }
            if self.seen_rules <= MAX_RULES {
                let rule = self.rule(reader, &header, table, kind, keys);
                self.rules.extend(rule);
            }
        }
    }

    fn rule(
        &mut self,
        reader: &mut Reader<'_, '_>,
        header: &std::ops::Range<usize>,
        table: &DeTable<'_>,
        kind: Kind,
        keys: &[&str],
    ) -> Option<Rule> {
        let known: Vec<&str> = common::KEYS.iter().chain(keys).copied().collect();
        reader.check_keys(table, &known, "the rule");
        let common = common::read(reader, table, header);
        if let Some(name) = &common.name {
            self.check_duplicate(reader, name);
        }
        let test = match kind {
            Kind::List => self.list(reader, table, header),
            Kind::Pattern => pattern(reader, table, header),
            Kind::Expression => expression(reader, table, header),
        };
        let examples = examples::read(reader, table);
        let Common { name, message, effect, state, site, owner, note, expires, emergency } = common;
        Some(Rule {
            name: name?.value,
            message: message?,
            effect: effect?,
            state,
            site,
            owner,
            note,
            expires,
            emergency,
            test: test?,
            examples,
        })
    }

    fn check_duplicate(&mut self, reader: &mut Reader<'_, '_>, name: &Text) {
        let file_line = |reader: &Reader<'_, '_>| {
            let before = reader.out.text(reader.source).get(..name.at.bytes.start).unwrap_or("");
            before.matches('\n').count() + 1
        };
        let line = file_line(reader);
        let file = reader.out.name(reader.source).to_owned();
        if let Some((file, line)) = self.names.get(&name.value) {
            let message = format!("there is already a rule called `{}`", name.value);
            let help = format!("the other one is at {file}:{line}; rename one of them");
            reader.out.error_help(&name.at, "duplicate-name", message, help);
        } else {
            self.names.insert(name.value.clone(), (file, line));
        }
    }

    fn list(
        &mut self,
        reader: &mut Reader<'_, '_>,
        table: &DeTable<'_>,
        header: &std::ops::Range<usize>,
    ) -> Option<Test> {
        let place = field_and_views(reader, table, Views::Any);
        let boundary = reader.choice(table, "match", &Boundary::NAMES, "bad-match").unwrap_or(Boundary::Word);
        let Some(value) = table.get("terms") else {
            let at = reader.at(header.clone());
            reader.out.error_help(
                &at,
                "missing-key",
                "the rule has no `terms`",
                "terms = [\"one\", \"another\"]",
            );
            return None;
        };
        let written = written_terms(reader, value)?;
        if written.is_empty() {
            let at = reader.at(value.span());
            reader.out.error(&at, "empty-list", "the list has no terms");
            return None;
        }
        let before = self.seen_terms;
        self.seen_terms += written.len();
        if self.seen_terms > MAX_TERMS {
            if before <= MAX_TERMS {
                let at = reader.at(value.span());
                reader.out.error(&at, "too-many-terms", format!("a set may have {MAX_TERMS} terms"));
            }
            return None;
        }
        let (field, views) = place?;
        let mut seen = HashMap::new();
        for (term, at) in written {
            let Some(folded) = fold(reader, field, views, &term, &at) else { continue };
            if let Some(first) = seen.insert(folded, term.clone()) {
                let message = format!("the term \"{term}\" is in the list already");
                reader.out.warn(&at, "duplicate-term", message, format!("it is read like \"{first}\""));
            }
        }
        let mut terms: Vec<String> = seen.into_keys().collect();
        terms.sort_unstable();
        Some(Test::List { field, targets: Targets::new(field, views), boundary, terms })
    }
}

/// Terms as written, with their places: an array, or a text with one a line.
fn written_terms(reader: &mut Reader<'_, '_>, value: &Spanned<DeValue<'_>>) -> Option<Vec<(String, At)>> {
    match value.get_ref() {
        DeValue::Array(items) => {
            let texts = items.iter().filter_map(|item| reader.as_text(item, "a term"));
            Some(texts.map(|text| (text.value, text.at)).collect())
        }
        DeValue::String(text) => {
            let at = reader.at(value.span());
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            Some(lines.map(|line| (line.to_owned(), at.clone())).collect())
        }
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_) => {
            reader.wrong_type(value, "terms", "an array of strings, or a string with one term a line");
            None
        }
    }
}

/// A term as it reads in the text it is sought in.
fn fold(reader: &mut Reader<'_, '_>, field: Field, views: Views, term: &str, at: &At) -> Option<String> {
    let folded = match (field.has_views(), views) {
        (true, Views::One(ViewKind::Original)) => term.to_owned(),
        (true, Views::One(_) | Views::Any) => {
            let mut document = Document::default();
            document.read(term, Markup::Plain);
            document.view(ViewKind::Folded).map_or_else(String::new, |view| view.text().to_owned())
        }
        (false, _) => lower(term).into_owned(),
    };
    let mut folded = folded.split_whitespace().collect::<Vec<_>>().join(" ");
    if field == Field::LinkDomain {
        let bare = folded.trim_start_matches("www.").trim_matches('.').to_owned();
        if bare.contains(['/', ':', '@', ' ', '*']) || !bare.contains('.') {
            let message = format!("\"{term}\" is not a domain");
            reader.out.error_help(at, "bad-term", message, "write only the domain: \"shop.example\"");
            return None;
        }
        folded = bare;
    }
    if folded.is_empty() {
        reader.out.error(at, "bad-term", "the term is empty");
        return None;
    }
    if folded.len() > MAX_TERM {
        let message = format!("the term has {} bytes; at most {MAX_TERM} are allowed", folded.len());
        reader.out.error(at, "bad-term", message);
        return None;
    }
    Some(folded)
}

fn field_and_views(
    reader: &mut Reader<'_, '_>,
    table: &DeTable<'_>,
    default: Views,
) -> Option<(Field, Views)> {
    let field = match table.get("field") {
        Some(_) => reader.choice(table, "field", &Field::NAMES, "bad-field")?,
        None => Field::Body,
    };
    let views = match table.get("view") {
        Some(value) if !field.has_views() => {
            let at = reader.at(value.span());
            reader.out.error_help(
                &at,
                "bad-view",
                "this field has no views",
                "leave out `view`; only body and author_name are read in views",
            );
            return None;
        }
        Some(_) => reader.choice(table, "view", &Views::NAMES, "bad-view")?,
        None if field.has_views() => default,
        None => Views::One(ViewKind::Folded),
    };
    Some((field, views))
}

fn pattern(
    reader: &mut Reader<'_, '_>,
    table: &DeTable<'_>,
    header: &std::ops::Range<usize>,
) -> Option<Test> {
    let place = field_and_views(reader, table, Views::One(ViewKind::Folded));
    let text = reader.required_text(table, "regex", header, "regex = 'expression'")?;
    let (field, views) = place?;
    match Pattern::new(&text.value, views != Views::One(ViewKind::Original)) {
        Ok(pattern) => {
            if pattern.has_unicode_boundary() {
                reader.out.warn(
                    &text.at,
                    "slow-pattern",
                    "`\\b` makes this pattern slow on text that is not ASCII",
                    "write `(?-u:\\b)` where the word's edges are ASCII letters, or use a [[list]]",
                );
            }
            Some(Test::Pattern { targets: Targets::new(field, views), pattern })
        }
        Err(problem) => {
            text.report(reader.out, problem);
            None
        }
    }
}

fn expression(
    reader: &mut Reader<'_, '_>,
    table: &DeTable<'_>,
    header: &std::ops::Range<usize>,
) -> Option<Test> {
    let text = reader.required_text(table, "when", header, "when = \"links_count > 2\"")?;
    match Expression::compile(&text.value) {
        Ok(expression) => Some(Test::Expression(expression)),
        Err(problems) => {
            for problem in problems {
                text.report(reader.out, problem);
            }
            None
        }
    }
}
