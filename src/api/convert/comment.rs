//! A comment as a CMS sends it.
//!
//! May import: `types`.

use std::net::IpAddr;

use super::{
    article,
    checks::{Checks, at_most, known, some},
    names, time,
};
use crate::{
    api::pb::{self, comment::ArticleSource},
    types::{
        Author, Body, Comment, CommentId, MAX_BODY_BYTES, MAX_FIELD_BYTES, Markup, Place, RequestFacts,
        SiteId,
    },
};

/// Reads the comment of a request; `site` is the request's own, when that was right.
pub(super) fn read(
    comment: Option<pb::Comment>,
    site: Option<&SiteId>,
    checks: &mut Checks,
) -> Option<Comment> {
    let Some(comment) = comment else {
        checks.fail("comment", "must be there");
        return None;
    };
    checks.inside("comment", |checks| fields(comment, site, checks))
}

fn fields(comment: pb::Comment, site: Option<&SiteId>, checks: &mut Checks) -> Option<Comment> {
    let pb::Comment {
        comment_id,
        body,
        markup,
        author,
        article_source,
        parent_comment_id,
        parent_text,
        ip,
        user_agent,
        referrer,
        honeypot_filled,
        form_seconds,
        post_time,
    } = comment;
    let id = checks.maybe("comment_id", some(comment_id).map(|id| CommentId::new(&id)));
    let body = checks.take("body", Body::new(body));
    let markup = checks.take("markup", known(markup)).map(read_markup);
    let author = checks.inside("author", |checks| read_author(author.unwrap_or_default(), checks));
    let parent = checks.maybe("parent_comment_id", some(parent_comment_id).map(|id| CommentId::new(&id)));
    let parent_text = checks.maybe("parent_text", some(parent_text).map(|t| at_most(t, MAX_BODY_BYTES)));
    let place = read_source(article_source, site, checks);
    let ip = checks.maybe("ip", some(ip).map(|ip| read_ip(&ip)));
    let user_agent = short(checks, "user_agent", user_agent);
    let referrer = short(checks, "referrer", referrer);
    let form_seconds = checks.maybe("form_seconds", form_seconds.map(read_seconds));
    let posted_at = checks.maybe("post_time", post_time.map(time::read));
    Some(Comment {
        id: id?,
        body: body?,
        markup: markup?,
        author: author?,
        place: Place { parent: parent?, parent_text: parent_text?, ..place? },
        request: RequestFacts {
            ip: ip?,
            user_agent: user_agent?,
            referrer: referrer?,
            honeypot_filled,
            form_seconds: form_seconds?,
        },
        posted_at: posted_at?,
    })
}

fn read_author(author: pb::Author, checks: &mut Checks) -> Option<Author> {
    let pb::Author { id, name, url, email } = author;
    let id = short(checks, "id", id);
    let name = short(checks, "name", name);
    let url = short(checks, "url", url);
    let email = short(checks, "email", email);
    Some(Author { id: id?, name: name?, url: url?, email: email? })
}

fn read_source(source: Option<ArticleSource>, site: Option<&SiteId>, checks: &mut Checks) -> Option<Place> {
    match source {
        None => Some(Place::default()),
        Some(ArticleSource::Article(name)) => {
            let article = checks.take("article", names::of_site(names::article(&name), site))?;
            Some(Place { article: Some(article), ..Place::default() })
        }
        Some(ArticleSource::InlineArticle(content)) => {
            let fields = checks.inside("inline_article", |checks| article::read(content, checks))?;
            Some(Place { inline_article: Some(Box::new(fields)), ..Place::default() })
        }
    }
}

/// How the body is written; unspecified is plain.
fn read_markup(markup: Option<pb::Markup>) -> Markup {
    match markup {
        None | Some(pb::Markup::Unspecified | pb::Markup::Plain) => Markup::Plain,
        Some(pb::Markup::Html) => Markup::Html,
        Some(pb::Markup::Markdown) => Markup::Markdown,
        Some(pb::Markup::Bbcode) => Markup::Bbcode,
    }
}

/// Writes how a body is written.
pub(super) const fn write_markup(markup: Markup) -> pb::Markup {
    match markup {
        Markup::Plain => pb::Markup::Plain,
        Markup::Html => pb::Markup::Html,
        Markup::Markdown => pb::Markup::Markdown,
        Markup::Bbcode => pb::Markup::Bbcode,
    }
}

fn read_ip(text: &str) -> Result<IpAddr, &'static str> {
    text.parse().map_err(|_| "must be an IPv4 or IPv6 address without port")
}

#[expect(clippy::cast_possible_truncation, reason = "a form time needs no more than an f32 holds")]
fn read_seconds(seconds: f64) -> Result<f32, &'static str> {
    let seconds = seconds as f32;
    if seconds.is_finite() && seconds >= 0.0 { Ok(seconds) } else { Err("must be finite and not negative") }
}

#[expect(clippy::option_option, reason = "wrong, absent and present are three answers")]
fn short(checks: &mut Checks, field: &str, text: String) -> Option<Option<String>> {
    checks.maybe(field, some(text).map(|text| at_most(text, MAX_FIELD_BYTES)))
}

#[cfg(test)]
mod tests {
    use super::{super::checks::tests::refused, *};

    fn check(comment: Option<pb::Comment>) -> Vec<String> {
        let site = SiteId::new("news").unwrap();
        let mut checks = Checks::default();
        let value = read(comment, Some(&site), &mut checks);
        refused(checks.finish(value))
    }

    #[test]
    fn every_violation_is_named() {
        let fine = || pb::Comment { body: "Well said".to_owned(), ..Default::default() };
        let long = || "x".repeat(2049);
        let by = |author| pb::Comment { author: Some(author), ..fine() };
        let under = |source| pb::Comment { article_source: Some(source), ..fine() };
        #[rustfmt::skip]
        let cases: Vec<(&str, Option<pb::Comment>, &[&str])> = vec![
            ("no comment",            None, &["comment"]),
            ("an empty body",         Some(pb::Comment::default()), &["comment.body"]),
            ("a blank body",          Some(pb::Comment { body: " \n\t".into(), ..fine() }), &["comment.body"]),
            ("a body over 64 KiB",    Some(pb::Comment { body: "x".repeat(65_537), ..fine() }), &["comment.body"]),
            ("an id with a slash",    Some(pb::Comment { comment_id: "a/b".into(), ..fine() }), &["comment.comment_id"]),
            ("an unknown markup",     Some(pb::Comment { markup: 99, ..fine() }), &["comment.markup"]),
            ("a long author id",      Some(by(pb::Author { id: long(), ..Default::default() })), &["comment.author.id"]),
            ("a long author name",    Some(by(pb::Author { name: long(), ..Default::default() })), &["comment.author.name"]),
            ("a long author url",     Some(by(pb::Author { url: long(), ..Default::default() })), &["comment.author.url"]),
            ("a long author e-mail",  Some(by(pb::Author { email: long(), ..Default::default() })), &["comment.author.email"]),
            ("no article name",       Some(under(ArticleSource::Article("42".into()))), &["comment.article"]),
            ("another site's article", Some(under(ArticleSource::Article("sites/blog/articles/42".into()))), &["comment.article"]),
            ("an empty article",      Some(under(ArticleSource::InlineArticle(pb::ArticleContent::default()))), &["comment.inline_article.title"]),
            ("a bad parent id",       Some(pb::Comment { parent_comment_id: "a b".into(), ..fine() }), &["comment.parent_comment_id"]),
            ("a long parent text",    Some(pb::Comment { parent_text: "x".repeat(65_537), ..fine() }), &["comment.parent_text"]),
            ("no address",            Some(pb::Comment { ip: "127.0.0.1:80".into(), ..fine() }), &["comment.ip"]),
            ("a long user agent",     Some(pb::Comment { user_agent: long(), ..fine() }), &["comment.user_agent"]),
            ("a long referrer",       Some(pb::Comment { referrer: long(), ..fine() }), &["comment.referrer"]),
            ("a negative form time",  Some(pb::Comment { form_seconds: Some(-1.0), ..fine() }), &["comment.form_seconds"]),
            ("a form time of NaN",    Some(pb::Comment { form_seconds: Some(f64::NAN), ..fine() }), &["comment.form_seconds"]),
            ("an endless form time",  Some(pb::Comment { form_seconds: Some(1e300), ..fine() }), &["comment.form_seconds"]),
            ("an impossible moment",  Some(pb::Comment { post_time: Some(prost_types::Timestamp { seconds: 0, nanos: -1 }), ..fine() }), &["comment.post_time"]),
            ("all at once",           Some(pb::Comment { ip: "x".into(), markup: -1, form_seconds: Some(-1.0), ..Default::default() }),
                                      &["comment.body", "comment.markup", "comment.ip", "comment.form_seconds"]),
        ];
        for (name, comment, want) in cases {
            assert_eq!(check(comment), want, "{name}");
        }
    }

    #[test]
    fn a_full_comment_is_read() {
        let site = SiteId::new("news").unwrap();
        let mut checks = Checks::default();
        let comment = pb::Comment {
            comment_id: "c-1".to_owned(),
            body: "Well said".to_owned(),
            markup: pb::Markup::Html.into(),
            author: Some(pb::Author { name: "Ann".to_owned(), ..Default::default() }),
            article_source: Some(ArticleSource::Article("sites/news/articles/42".to_owned())),
            parent_comment_id: "c-0".to_owned(),
            parent_text: "What do you think?".to_owned(),
            ip: "2001:db8::1".to_owned(),
            user_agent: "UA".to_owned(),
            referrer: "https://a.example".to_owned(),
            honeypot_filled: Some(false),
            form_seconds: Some(12.5),
            post_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
        };
        let read = read(Some(comment), Some(&site), &mut checks).unwrap();
        assert_eq!(read.markup, Markup::Html);
        assert_eq!(read.author.name.as_deref(), Some("Ann"));
        assert_eq!(read.author.email, None);
        assert_eq!(read.place.article.unwrap().as_str(), "42");
        assert_eq!(read.place.parent.unwrap().as_str(), "c-0");
        assert_eq!(read.request.honeypot_filled, Some(false));
        assert_eq!(read.request.form_seconds, Some(12.5));
        assert_eq!(read.posted_at.unwrap().micros(), 1_000_000);
    }
}
