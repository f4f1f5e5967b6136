//! Labelled comments as text: the corpus that comes with the program, frozen sets, and
//! what is exported.
//!
//! Knows no file and no store. May import: `types`, `features`.

use std::{collections::HashMap, sync::Arc};

use sha2::{Digest as _, Sha256};

use super::ModelsError;
use crate::{
    features::ArticleProfile,
    learning::{ArticleLine, DataSet, Line, Sample, corpus::digest, known_labels},
    types::{ArticleFields, Label, Markup},
};

/// The comments of models/corpus, one line each.
const CORPUS: &str = include_str!(concat!(env!("OUT_DIR"), "/corpus.jsonl"));
/// The articles they stand under.
const CORPUS_ARTICLES: &str = include_str!(concat!(env!("OUT_DIR"), "/corpus_articles.jsonl"));
/// Name of the set of the corpus.
pub(super) const BASE: &str = "corpus";

/// Articles by id, each read once.
pub(super) type KnownArticles = HashMap<String, (ArticleFields, Arc<ArticleProfile>)>;

/// Reads articles, one a line.
///
/// # Errors
///
/// [`ModelsError::Field`] names the first bad line.
pub(super) fn read_articles(text: &str) -> Result<KnownArticles, ModelsError> {
    let mut found = KnownArticles::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let ArticleLine { id, fields } = serde_json::from_str(line).map_err(|error| bad(at, &error))?;
        let profile = Arc::new(ArticleProfile::new(&fields));
        found.insert(id, (fields, profile));
    }
    Ok(found)
}

fn bad(at: usize, problem: &dyn std::fmt::Display) -> ModelsError {
    ModelsError::Field {
        field: "lines",
        must: format!("must be labelled comments; line {}: {problem}", at + 1),
    }
}

/// Reads labelled comments, one a line, as `tamis evaluate` does.
///
/// # Errors
///
/// [`ModelsError::Field`] names the first bad line.
pub(super) fn read_lines(name: &str, text: &str, articles: &KnownArticles) -> Result<DataSet, ModelsError> {
    let mut samples = Vec::new();
    let mut told: HashMap<(String, String), Arc<ArticleProfile>> = HashMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|error| bad(at, &error))?;
        let labels = known_labels(&line).map_err(|problem| bad(at, &problem))?;
        let Ok(comment) = line.comment() else { continue };
        let known = line.article_id.as_ref().and_then(|id| articles.get(id));
        let article = match line.article() {
            Some(fields) => {
                let key = (fields.title.clone(), fields.text.clone());
                Some(Arc::clone(told.entry(key).or_insert_with(|| Arc::new(ArticleProfile::new(&fields)))))
            }
            None => known.map(|(_, profile)| Arc::clone(profile)),
        };
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let section = line.section.clone().or_else(|| line.topic.clone());
        let group = match (&line.article_id, &line.article_title) {
            (Some(id), _) => digest(id),
            (None, Some(title)) => digest(title),
            (None, None) => digest(&line.text.to_lowercase()),
        };
        samples.push(Sample {
            under: line.article_id.clone().or_else(|| line.article_title.clone()).unwrap_or_default(),
            lang: text(&line.lang),
            section: section.or_else(|| known.map(|(fields, _)| fields.section.clone())).unwrap_or_default(),
            kind: text(&line.kind),
            posted: text(&line.created_at),
            id: line.id,
            comment,
            article,
            labels,
            group,
        });
    }
    Ok(DataSet { name: name.to_owned(), samples, sha256: sha256(text.as_bytes()) })
}

/// The comments that come with the program.
///
/// # Errors
///
/// None in a program that passed its tests.
pub(super) fn base() -> Result<DataSet, ModelsError> {
    read_lines(BASE, CORPUS, &read_articles(CORPUS_ARTICLES)?)
}

/// SHA-256 as hexadecimal digits.
#[must_use]
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A labelled comment as a line that `tamis train`, `evaluate` and `import` read.
#[must_use]
pub(super) fn write_line(sample: &Sample) -> String {
    let Sample { id, comment, labels, under, lang, section, kind, posted, .. } = sample;
    let mut line = serde_json::Map::new();
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() {
            line.insert(name.to_owned(), value.into());
        }
    };
    put("id", id);
    put("text", comment.body.as_str());
    put("author", comment.author.name.as_deref().unwrap_or_default());
    put("author_url", comment.author.url.as_deref().unwrap_or_default());
    put("article_id", under);
    put("parent_text", comment.place.parent_text.as_deref().unwrap_or_default());
    put("lang", lang);
    put("section", section);
    put("kind", kind);
    put("created_at", posted);
    if comment.markup != Markup::Plain {
        line.insert("markup".to_owned(), serde_json::to_value(comment.markup).unwrap_or_default());
    }
    let known = Label::ALL.into_iter().filter_map(|label| Some((label.name(), u8::from(labels[label]?))));
    let known: serde_json::Map<_, _> = known.map(|(name, value)| (name.to_owned(), value.into())).collect();
    line.insert("labels".to_owned(), known.into());
    serde_json::Value::Object(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_read_whole() {
        let base = base().unwrap();
        assert!(base.samples.len() > 5_000);
        assert!(base.samples.iter().filter(|sample| sample.article.is_some()).count() > 5_000);
    }

    #[test]
    fn a_line_reads_back_as_it_was_written() {
        let text = r#"{"id":"7","text":"<b>x</b> y","author":"Ann","article_id":"a","parent_text":"p","lang":"en","section":"sport","markup":"html","labels":{"spam":1,"abuse":0}}"#;
        let articles = read_articles(r#"{"id":"a","title":"T","text":"x"}"#).unwrap();
        let first = read_lines("s", text, &articles).unwrap();
        let again = read_lines("s", &write_line(&first.samples[0]), &articles).unwrap();
        let (a, b) = (&first.samples[0], &again.samples[0]);
        assert_eq!((&a.id, &a.comment, a.labels, a.group), (&b.id, &b.comment, b.labels, b.group));
        assert_eq!((&a.under, &a.lang, &a.section), (&b.under, &b.lang, &b.section));
        assert_eq!(a.comment.markup, Markup::Html);
        assert!(read_lines("s", "{", &articles).is_err());
    }
}
