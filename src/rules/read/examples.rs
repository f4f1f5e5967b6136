//! Examples of a rule: comments it must match and comments it must let pass.
//!
//! An example is a body, or a table of what an expression can name; signals not
//! stated are absent. May import: `types`, `features`.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    features::signals::Signals,
    rules::{
        expression::{Symbol, Type},
        rule::Example,
    },
    types::{Body, Comment},
};

use super::values::Reader;

/// Most examples of one kind in a rule.
const MAX_EXAMPLES: usize = 50;
/// Stands for a body that an example does not state.
const SOME_BODY: &str = "A comment.";

/// Reads `examples.match` and `examples.pass`.
pub(super) fn read(reader: &mut Reader<'_, '_>, rule: &DeTable<'_>) -> Vec<Example> {
    let Some(value) = rule.get("examples") else { return Vec::new() };
    let Some(table) = value.get_ref().as_table() else {
        reader.wrong_type(value, "examples", "a table with `match` and `pass`");
        return Vec::new();
    };
    reader.check_keys(table, &["match", "pass"], "examples");
    let mut examples = Vec::new();
    for (key, matches) in [("match", true), ("pass", false)] {
        let Some(value) = table.get(key) else { continue };
        let Some(items) = value.get_ref().as_array() else {
            reader.wrong_type(value, key, "an array of comments");
            continue;
        };
        if items.len() > MAX_EXAMPLES {
            let at = reader.at(value.span());
            reader.out.error(&at, "bad-example", format!("at most {MAX_EXAMPLES} examples are allowed"));
        }
        examples.extend(items.iter().take(MAX_EXAMPLES).filter_map(|item| example(reader, item, matches)));
    }
    examples
}

fn example(reader: &mut Reader<'_, '_>, item: &Spanned<DeValue<'_>>, matches: bool) -> Option<Example> {
    let at = reader.at(item.span());
    let mut example = Example {
        at,
        matches,
        comment: Comment::of(Body::new(SOME_BODY.to_owned()).ok()?),
        signals: Signals::default(),
        language: None,
        article_read: None,
    };
    match item.get_ref() {
        DeValue::String(_) => set(reader, &mut example, Symbol::Body, Type::Text, item)?,
        DeValue::Table(table) => {
            for (key, value) in table {
                let name: &str = key.get_ref();
                let Some((known, kind)) = Symbol::find(name).filter(|(known, _)| *known != Symbol::Folded)
                else {
                    let at = reader.at(key.span());
                    let help = Symbol::nearest(name).map_or_else(
                        || "a field, or a signal `family/name` as `family_name`".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    );
                    reader.out.error_help(&at, "bad-example", format!("there is no `{name}` to state"), help);
                    return None;
                };
                set(reader, &mut example, known, kind, value)?;
            }
        }
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_) => {
            reader.wrong_type(
                item,
                "an example",
                "a body, or a table such as { body = \"...\", links_count = 2 }",
            );
            return None;
        }
    }
    Some(example)
}

/// States one thing about the comment.
fn set(
    reader: &mut Reader<'_, '_>,
    example: &mut Example,
    name: Symbol,
    kind: Type,
    value: &Spanned<DeValue<'_>>,
) -> Option<()> {
    match kind {
        Type::Bool => match value.get_ref().as_bool() {
            Some(filled) => example.comment.request.honeypot_filled = Some(filled),
            None => {
                reader.wrong_type(value, "the example's value", "true or false");
                return None;
            }
        },
        Type::Int | Type::Double => {
            let number = reader.number(value, "the example's value")? as f32;
            match name {
                Symbol::Signal(id) => example.signals.set(id, number),
                Symbol::FormSeconds => example.comment.request.form_seconds = Some(number),
                Symbol::Body
                | Symbol::Folded
                | Symbol::AuthorName
                | Symbol::AuthorUrl
                | Symbol::AuthorEmail
                | Symbol::UserAgent
                | Symbol::Language
                | Symbol::ArticleRead
                | Symbol::Honeypot => {}
            }
        }
        Type::Text => {
            let text = reader.as_text(value, "the example's value")?;
            set_text(reader, example, name, &text)?;
        }
    }
    Some(())
}

fn set_text(
    reader: &mut Reader<'_, '_>,
    example: &mut Example,
    name: Symbol,
    text: &super::values::Text,
) -> Option<()> {
    let value = text.value.clone();
    match name {
        Symbol::Body => match Body::new(value) {
            Ok(body) => example.comment.body = body,
            Err(error) => {
                reader.out.error(&text.at, "bad-example", format!("the body {error}"));
                return None;
            }
        },
        Symbol::AuthorName => example.comment.author.name = Some(value),
        Symbol::AuthorUrl => example.comment.author.url = Some(value),
        Symbol::AuthorEmail => example.comment.author.email = Some(value),
        Symbol::UserAgent => example.comment.request.user_agent = Some(value),
        Symbol::Language => example.language = Some(value),
        Symbol::ArticleRead => example.article_read = Some(value),
        Symbol::Folded | Symbol::Honeypot | Symbol::FormSeconds | Symbol::Signal(_) => {}
    }
    Some(())
}
