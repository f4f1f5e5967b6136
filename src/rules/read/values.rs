//! Typed access to TOML tables; whatever does not fit is reported where it stands.
//!
//! May import: nothing of ours.

use std::{borrow::Borrow, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::rules::{
    diagnostic::{At, Problem, Reporter},
    suggest,
};

/// A string of a file.
#[derive(Clone, Debug)]
pub(super) struct Text {
    /// What it says.
    pub(super) value: String,
    /// Where it stands.
    pub(super) at: At,
    /// First byte of its content in the source, when the source shows the
    /// content as it is, without escapes.
    inner: Option<usize>,
}

impl Text {
    /// Reports a problem of its content.
    pub(super) fn report(&self, out: &mut Reporter<'_>, problem: Problem) {
        let bytes = match self.inner {
            Some(start) => start + problem.bytes.start..start + problem.bytes.end,
            None => self.at.bytes.clone(),
        };
        out.problem(&At { source: self.at.source, bytes }, problem);
    }
}

/// Reads values of one source and reports what is wrong with them.
#[derive(Debug)]
pub(super) struct Reader<'r, 's> {
    pub(super) out: &'r mut Reporter<'s>,
    pub(super) source: usize,
}

impl Reader<'_, '_> {
    /// A place in this source.
    pub(super) const fn at(&self, bytes: Range<usize>) -> At {
        At { source: self.source, bytes }
    }

    /// Reports keys that are not `known`.
    pub(super) fn check_keys(&mut self, table: &DeTable<'_>, known: &[&str], of: &str) {
        for key in table.keys() {
            let name: &str = key.borrow();
            if known.contains(&name) {
                continue;
            }
            let at = self.at(key.span());
            let help = match suggest::nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("{of} has {}", known.join(", ")),
            };
            self.out.error_help(&at, "unknown-key", format!("{of} has no key `{name}`"), help);
        }
    }

    /// A string.
    pub(super) fn text(&mut self, table: &DeTable<'_>, key: &str) -> Option<Text> {
        let value = table.get(key)?;
        self.as_text(value, key)
    }

    /// A value that must be a string.
    pub(super) fn as_text(&mut self, value: &Spanned<DeValue<'_>>, what: &str) -> Option<Text> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(value, what, "a string");
            return None;
        };
        let span = value.span();
        let inner = content_start(self.out.text(self.source), span.clone(), text);
        Some(Text { value: text.to_owned(), at: self.at(span), inner })
    }

    /// A string that is there and says something.
    pub(super) fn required_text(
        &mut self,
        table: &DeTable<'_>,
        key: &str,
        header: &Range<usize>,
        help: &str,
    ) -> Option<Text> {
        if !table.contains_key(key) {
            let at = self.at(header.clone());
            self.out.error_help(&at, "missing-key", format!("the rule has no `{key}`"), help);
            return None;
        }
        let text = self.text(table, key)?;
        if text.value.trim().is_empty() {
            self.out.error_help(&text.at, "missing-key", format!("`{key}` is empty"), help);
            return None;
        }
        Some(text)
    }

    /// One of the `choices`; the first of them is not a default.
    pub(super) fn choice<T: Copy>(
        &mut self,
        table: &DeTable<'_>,
        key: &str,
        choices: &[(&str, T)],
        code: &'static str,
    ) -> Option<T> {
        let text = self.text(table, key)?;
        let found = choices.iter().find(|(name, _)| *name == text.value);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let help = match suggest::nearest(&text.value, names.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("one of {}", names.join(", ")),
            };
            self.out.error_help(&text.at, code, format!("`{key}` cannot be \"{}\"", text.value), help);
        }
        found.map(|&(_, value)| value)
    }

    /// A finite number.
    pub(super) fn number(&mut self, value: &Spanned<DeValue<'_>>, what: &str) -> Option<f64> {
        let parsed = match value.get_ref() {
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n as f64)
            }
            DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
            DeValue::String(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.wrong_type(value, what, "a number");
                return None;
            }
        };
        let finite = parsed.filter(|number| number.is_finite());
        if finite.is_none() {
            let at = self.at(value.span());
            self.out.error(&at, "wrong-type", format!("`{what}` must be a finite number"));
        }
        finite
    }

    /// Reports that a value is of another type.
    pub(super) fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, what: &str, wanted: &str) {
        let got = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let at = self.at(value.span());
        self.out.error(&at, "wrong-type", format!("`{what}` must be {wanted}, not {got}"));
    }
}

/// First byte of the content of the string at `span` of `source`, when the
/// content stands there unescaped.
fn content_start(source: &str, span: Range<usize>, content: &str) -> Option<usize> {
    let raw = source.get(span.clone())?;
    ["\"\"\"", "'''", "\"", "'"].into_iter().find_map(|quote| {
        let inner = raw.strip_prefix(quote)?.strip_suffix(quote)?;
        let newline = match inner {
            _ if quote.len() < 3 => 0,
            _ if inner.starts_with("\r\n") => 2,
            _ if inner.starts_with('\n') => 1,
            _ => 0,
        };
        (inner.get(newline..)? == content).then_some(span.start + quote.len() + newline)
    })
}
