//! The messages of `ArticleService`.
//!
//! May import: `types`.

use super::{article, checks::Checks, names, time};
use crate::{
    api::{error::ApiError, pb},
    types::{Article, ArticleFields, ArticleId, SiteId},
};

/// An article to put.
#[derive(Debug)]
pub(in crate::api) struct PutCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) id: ArticleId,
    pub(in crate::api) fields: ArticleFields,
}

impl TryFrom<pb::PutArticleRequest> for PutCall {
    type Error = ApiError;
    fn try_from(request: pb::PutArticleRequest) -> Result<Self, ApiError> {
        let pb::PutArticleRequest { name, content } = request;
        let mut checks = Checks::default();
        let name = checks.take("name", names::article(&name));
        let fields = match content {
            Some(content) => checks.inside("content", |checks| article::read(content, checks)),
            None => checks.take("content", Err("must be there")),
        };
        checks.finish(name.zip(fields).map(|((site, id), fields)| Self { site, id, fields }))
    }
}

/// Reads the name of a request that has nothing else.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_name(name: &str) -> Result<(SiteId, ArticleId), ApiError> {
    let mut checks = Checks::default();
    let name = checks.take("name", names::article(name));
    checks.finish(name)
}

/// Writes an article of a site.
pub(in crate::api) fn write(site: &SiteId, article: Article) -> pb::Article {
    let Article { id, fields, updated_at } = article;
    pb::Article {
        name: names::of_an_article(site, &id),
        content: Some(article::write(fields)),
        update_time: Some(time::write(updated_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::checks::tests::refused, *};

    #[test]
    fn every_violation_is_named() {
        let empty = pb::PutArticleRequest::default();
        assert_eq!(refused(PutCall::try_from(empty)), ["name", "content"]);
        let bad = pb::PutArticleRequest {
            name: "sites/news/articles/a b".to_owned(),
            content: Some(pb::ArticleContent { section: "s".repeat(2049), ..Default::default() }),
        };
        assert_eq!(refused(PutCall::try_from(bad)), ["name", "content.title", "content.section"]);
        assert_eq!(refused(read_name("sites/news")), ["name"]);
        assert!(read_name("sites/news/articles/42").is_ok());
    }
}
