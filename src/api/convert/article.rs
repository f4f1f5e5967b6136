//! What an article says.
//!
//! May import: `types`.

use super::checks::{Checks, at_most};
use crate::{
    api::pb,
    types::{ArticleFields, MAX_FIELD_BYTES},
};

/// Most bytes of a summary.
const MAX_SUMMARY_BYTES: usize = 16 * 1024;
/// Most bytes of a text: a very long report.
const MAX_TEXT_BYTES: usize = 256 * 1024;
/// Most keywords, and bytes of one.
const MAX_TAGS: usize = 64;
const MAX_TAG_BYTES: usize = 256;
/// BCP 47 allows more, but no tag in use comes near.
const MAX_LANGUAGE_BYTES: usize = 35;

/// Reads an article; `None` when something is wrong with it.
pub(super) fn read(content: pb::ArticleContent, checks: &mut Checks) -> Option<ArticleFields> {
    let pb::ArticleContent { url, title, summary, text, section, tags, language } = content;
    if [&title, &summary, &text].iter().all(|part| part.trim().is_empty()) {
        checks.fail("title", "must be there unless a summary or text is");
    }
    checks.require("tags", tags.len() <= MAX_TAGS, format_args!("must be at most {MAX_TAGS}"));
    let long = tags.iter().take(MAX_TAGS).position(|tag| tag.len() > MAX_TAG_BYTES);
    if let Some(at) = long {
        checks.fail(&format!("tags[{at}]"), format_args!("must be at most {MAX_TAG_BYTES} bytes"));
    }
    let url = checks.take("url", at_most(url, MAX_FIELD_BYTES));
    let title = checks.take("title", at_most(title, MAX_FIELD_BYTES));
    let summary = checks.take("summary", at_most(summary, MAX_SUMMARY_BYTES));
    let text = checks.take("text", at_most(text, MAX_TEXT_BYTES));
    let section = checks.take("section", at_most(section, MAX_FIELD_BYTES));
    let lang =
        checks.take("language", if language.is_empty() { Ok(language) } else { language_tag(language) });
    Some(ArticleFields {
        url: url?,
        title: title?,
        summary: summary?,
        text: text?,
        section: section?,
        tags,
        lang: lang?,
    })
}

/// Writes an article.
pub(super) fn write(fields: ArticleFields) -> pb::ArticleContent {
    let ArticleFields { url, title, summary, text, section, tags, lang } = fields;
    pb::ArticleContent { url, title, summary, text, section, tags, language: lang }
}

/// The text if it has the shape of a BCP 47 tag; whether it is registered is not
/// looked up.
///
/// # Errors
///
/// What the field must be.
pub(super) fn language_tag(text: String) -> Result<String, &'static str> {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if starts && text.len() <= MAX_LANGUAGE_BYTES && text.split('-').all(part) {
        return Ok(text);
    }
    Err("must be a BCP 47 language tag such as en or pt-BR")
}

#[cfg(test)]
mod tests {
    use super::{super::checks::tests::refused, *};

    fn fields(content: pb::ArticleContent) -> Vec<String> {
        let mut checks = Checks::default();
        let value = read(content, &mut checks);
        refused(checks.finish(value))
    }

    #[test]
    fn every_violation_is_named() {
        let titled = || pb::ArticleContent { title: "Summit".to_owned(), ..Default::default() };
        #[rustfmt::skip]
        let cases: Vec<(&str, pb::ArticleContent, &[&str])> = vec![
            ("nothing to read",   pb::ArticleContent { url: "https://a.example".into(), ..Default::default() }, &["title"]),
            ("blank to read",     pb::ArticleContent { text: " \n".into(), ..Default::default() }, &["title"]),
            ("a long url",        pb::ArticleContent { url: "u".repeat(2049), ..titled() }, &["url"]),
            ("a long title",      pb::ArticleContent { title: "t".repeat(2049), ..titled() }, &["title"]),
            ("a long summary",    pb::ArticleContent { summary: "s".repeat(16_385), ..titled() }, &["summary"]),
            ("a long text",       pb::ArticleContent { text: "t".repeat(262_145), ..titled() }, &["text"]),
            ("a long section",    pb::ArticleContent { section: "s".repeat(2049), ..titled() }, &["section"]),
            ("many tags",         pb::ArticleContent { tags: vec!["t".into(); 65], ..titled() }, &["tags"]),
            ("a long tag",        pb::ArticleContent { tags: vec!["t".into(), "t".repeat(257)], ..titled() }, &["tags[1]"]),
            ("no language tag",   pb::ArticleContent { language: "English!".into(), ..titled() }, &["language"]),
            ("two at once",       pb::ArticleContent { language: "-".into(), url: "u".repeat(2049), ..titled() }, &["url", "language"]),
        ];
        for (name, content, want) in cases {
            assert_eq!(fields(content), want, "{name}");
        }
    }

    #[test]
    fn articles_come_back() {
        let content = pb::ArticleContent {
            url: "https://news.example/1".to_owned(),
            title: "Summit".to_owned(),
            summary: "Two leaders meet.".to_owned(),
            text: "They met.".to_owned(),
            section: "world".to_owned(),
            tags: vec!["diplomacy".to_owned()],
            language: "en-GB".to_owned(),
        };
        let mut checks = Checks::default();
        assert_eq!(write(read(content.clone(), &mut checks).unwrap()), content);
    }
}
