//! Comments and articles as JSON lines: what `score`, `train`, `evaluate` and
//! `import` read.
//!
//! Fields that tamis does not know are passed over: data sets carry more than it
//! needs. May import: `types`.

use serde::Deserialize;

use crate::types::{
    ArticleFields, Author, Body, Comment, CommentId, InvalidComment, Label, Markup, PerLabel, Place,
    RequestFacts,
};

/// One comment, with labels where known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Line {
    /// Its id; any text.
    pub id: String,
    /// What was written.
    pub text: String,
    /// Display name of the author.
    pub author: Option<String>,
    /// The author's link.
    pub author_url: Option<String>,
    /// When it was posted, as written.
    pub created_at: Option<String>,
    /// The article's id.
    pub article_id: Option<String>,
    /// The article's title.
    pub article_title: Option<String>,
    /// The article's text.
    pub article_text: Option<String>,
    /// Text of the comment it answers.
    pub parent_text: Option<String>,
    /// The article's address.
    pub url: Option<String>,
    /// BCP 47 tag of the language.
    pub lang: Option<String>,
    /// The article's section or desk.
    pub section: Option<String>,
    /// The article's subject, where a data set tells it instead of a section.
    pub topic: Option<String>,
    /// How the line came about, where a data set tells: figures are broken down by it.
    pub kind: Option<String>,
    /// How the text is written; plain when not told.
    pub markup: Option<Markup>,
    /// `spam` or `ham`.
    pub label: Option<String>,
    /// Labels by name, 0 or 1; others than ours are passed over.
    pub labels: std::collections::BTreeMap<String, serde_json::Value>,
}

/// One article of an articles file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ArticleLine {
    /// The id that comments name.
    pub id: String,
    /// Its title, summary, text and so on.
    #[serde(flatten)]
    pub fields: ArticleFields,
}

impl Line {
    /// The comment. Ids that no CMS could send are left out.
    ///
    /// # Errors
    ///
    /// [`InvalidComment`] for a blank or too long text.
    pub fn comment(&self) -> Result<Comment, InvalidComment> {
        let author = Author { name: self.author.clone(), url: self.author_url.clone(), ..Author::default() };
        Ok(Comment {
            id: CommentId::new(&self.id.replace('/', ":")).ok(),
            body: Body::new(self.text.clone())?,
            markup: self.markup.unwrap_or_default(),
            author,
            place: Place { parent_text: self.parent_text.clone(), ..Place::default() },
            request: RequestFacts::default(),
            posted_at: None,
        })
    }

    /// The article as far as the line tells; `None` when it tells nothing.
    #[must_use]
    pub fn article(&self) -> Option<ArticleFields> {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let fields = ArticleFields {
            title: text(&self.article_title),
            text: text(&self.article_text),
            ..ArticleFields::default()
        };
        (!fields.title.is_empty() || !fields.text.is_empty()).then_some(fields)
    }
}

/// The labels that are known: `label` speaks of spam only; `labels` wins.
///
/// # Errors
///
/// A sentence that names the value which is no label.
pub fn known_labels(line: &Line) -> Result<PerLabel<Option<bool>>, String> {
    let mut known = PerLabel::default();
    match line.label.as_deref() {
        None => {}
        Some("spam") => known[Label::Spam] = Some(true),
        Some("ham") => known[Label::Spam] = Some(false),
        Some(other) => return Err(format!("label must be \"spam\" or \"ham\", got {other:?}")),
    }
    for (name, value) in &line.labels {
        let Some(label) = Label::from_name(name) else { continue };
        known[label] = match value.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => return Err(format!("labels.{name} must be 0 or 1, got {value}")),
        };
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_labels_are_unknown() {
        let check = |json: &str, want: Result<[Option<bool>; 4], ()>| {
            let line: Line = serde_json::from_str(json).expect("JSON");
            assert_eq!(known_labels(&line).map(|l| l.0).map_err(drop), want, "{json}");
        };
        check(r#"{"text":"x"}"#, Ok([None; 4]));
        check(r#"{"text":"x","label":"ham","dup_count":2}"#, Ok([Some(false), None, None, None]));
        check(r#"{"text":"x","labels":{"abuse":1,"hate":0}}"#, Ok([None, None, None, Some(true)]));
        check(r#"{"text":"x","label":"eggs"}"#, Err(()));
        check(r#"{"text":"x","labels":{"spam":0.5}}"#, Err(()));
    }
}
