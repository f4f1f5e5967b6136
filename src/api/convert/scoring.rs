//! The messages of `ScoringService`.
//!
//! May import: `types`, `store` (filters), `moderation` (submissions).

use super::{
    checks::{Checks, known, some},
    comment, names, time,
    verdict::{Shape, read_action},
};
use crate::{
    api::{error::ApiError, idempotency::Promise, limits::BATCH_ITEMS, page_token::ListBinding, pb},
    moderation::Submission,
    store::VerdictFilter,
    types::{Comment, CommentId, KeyId, PageRequest, SiteId, VerdictId},
};

pub(in crate::api) use super::verdict::write as write_verdict;

/// Rows of a page when the client does not say, and at most.
const PAGE_DEFAULT: usize = 50;
const PAGE_MAX: usize = 500;
/// Most bytes of a stream's `client_ref`.
const MAX_CLIENT_REF_BYTES: usize = 128;

/// One comment to score and record.
#[derive(Debug)]
pub(in crate::api) struct ScoreCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) comment: Comment,
    pub(in crate::api) promise: Option<Promise>,
}

impl ScoreCall {
    /// The site and what the use case takes.
    pub(in crate::api) fn by(self, key: &KeyId) -> (SiteId, Submission) {
        let request = self.promise.map(|promise| promise.by(key));
        (self.site, Submission { comment: self.comment, request })
    }
}

impl TryFrom<pb::ScoreCommentRequest> for ScoreCall {
    type Error = ApiError;
    fn try_from(request: pb::ScoreCommentRequest) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let call = score_call(request, &mut checks);
        checks.finish(call)
    }
}

/// Batches and streams read their items as unary requests too, so that a retry
/// is recognised whichever way it comes.
fn score_call(mut request: pb::ScoreCommentRequest, checks: &mut Checks) -> Option<ScoreCall> {
    let request_id = std::mem::take(&mut request.request_id);
    let promise = checks.take("request_id", Promise::new("ScoreComment", &request_id, &request));
    let site = checks.take("parent", names::site(&request.parent));
    let comment = comment::read(request.comment, site.as_ref(), checks);
    Some(ScoreCall { site: site?, comment: comment?, promise: promise? })
}

/// One comment to score without recording.
#[derive(Debug)]
pub(in crate::api) struct PreviewCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) comment: Comment,
}

impl TryFrom<pb::PreviewScoreRequest> for PreviewCall {
    type Error = ApiError;
    fn try_from(request: pb::PreviewScoreRequest) -> Result<Self, ApiError> {
        let pb::PreviewScoreRequest { parent, comment } = request;
        let mut checks = Checks::default();
        let site = checks.take("parent", names::site(&parent));
        let comment = comment::read(comment, site.as_ref(), &mut checks);
        checks.finish(site.zip(comment).map(|(site, comment)| Self { site, comment }))
    }
}

/// Many comments of one site; what is wrong with one stands in its place.
#[derive(Debug)]
pub(in crate::api) struct BatchCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) items: Vec<Result<ScoreCall, ApiError>>,
}

impl TryFrom<pb::BatchScoreCommentsRequest> for BatchCall {
    type Error = ApiError;
    fn try_from(request: pb::BatchScoreCommentsRequest) -> Result<Self, ApiError> {
        let pb::BatchScoreCommentsRequest { parent, items } = request;
        let mut checks = Checks::default();
        let fits = (1..=BATCH_ITEMS).contains(&items.len());
        checks.require("items", fits, format_args!("must be 1 to {BATCH_ITEMS}, got {}", items.len()));
        let site = checks.take("parent", names::site(&parent));
        let site = checks.finish(site)?;
        let read = |item| {
            let pb::BatchScoreCommentsItem { comment, request_id } = item;
            ScoreCall::try_from(pb::ScoreCommentRequest { parent: parent.clone(), comment, request_id })
        };
        Ok(Self { site, items: items.into_iter().map(read).collect() })
    }
}

/// One comment of a stream, under the name that its answer gets.
#[derive(Debug)]
pub(in crate::api) struct StreamItem {
    pub(in crate::api) client_ref: String,
    pub(in crate::api) call: Result<ScoreCall, ApiError>,
}

impl From<pb::StreamScoreCommentsRequest> for StreamItem {
    fn from(request: pb::StreamScoreCommentsRequest) -> Self {
        let pb::StreamScoreCommentsRequest { parent, client_ref, comment, request_id } = request;
        let mut checks = Checks::default();
        let fits = (1..=MAX_CLIENT_REF_BYTES).contains(&client_ref.len());
        checks.require("client_ref", fits, format_args!("must be 1 to {MAX_CLIENT_REF_BYTES} bytes"));
        let call = score_call(pb::ScoreCommentRequest { parent, comment, request_id }, &mut checks);
        Self { client_ref, call: checks.finish(call) }
    }
}

/// One verdict to show.
#[derive(Debug)]
pub(in crate::api) struct GetCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) id: VerdictId,
    pub(in crate::api) shape: Shape,
}

impl TryFrom<pb::GetVerdictRequest> for GetCall {
    type Error = ApiError;
    fn try_from(request: pb::GetVerdictRequest) -> Result<Self, ApiError> {
        let pb::GetVerdictRequest { name, view } = request;
        let mut checks = Checks::default();
        let name = checks.take("name", names::verdict(&name));
        let shape = read_view(view, Shape::Full, &mut checks);
        checks.finish(name.zip(shape).map(|((site, id), shape)| Self { site, id, shape }))
    }
}

/// A page of verdicts to show.
#[derive(Debug)]
pub(in crate::api) struct ListCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) filter: VerdictFilter,
    pub(in crate::api) page: PageRequest<VerdictId>,
    pub(in crate::api) shape: Shape,
    pub(in crate::api) binding: ListBinding,
}

impl TryFrom<pb::ListVerdictsRequest> for ListCall {
    type Error = ApiError;
    fn try_from(mut request: pb::ListVerdictsRequest) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let token = std::mem::take(&mut request.page_token);
        let size = checks.take("page_size", page_size(std::mem::take(&mut request.page_size)));
        let shape = read_view(std::mem::take(&mut request.view), Shape::Basic, &mut checks);
        let binding = ListBinding::new("ListVerdicts", &request);
        let site = checks.take("parent", names::site(&request.parent));
        let filter = request.filter.unwrap_or_default();
        let filter = checks.inside("filter", |checks| read_filter(filter, site.as_ref(), checks));
        let all = size.zip(shape).zip(site.zip(filter));
        let ((size, shape), (site, filter)) = checks.finish(all)?;
        let after = binding.read(&token)?.map(verdict_cursor).transpose()?;
        Ok(Self { site, filter, page: PageRequest { size, after }, shape, binding })
    }
}

fn verdict_cursor(bytes: Vec<u8>) -> Result<VerdictId, ApiError> {
    let bytes = bytes.try_into().map_err(|_| ApiError::PageToken("holds no verdict"))?;
    Ok(VerdictId::from_bytes(bytes))
}

fn read_filter(
    filter: pb::VerdictFilter,
    site: Option<&SiteId>,
    checks: &mut Checks,
) -> Option<VerdictFilter> {
    let pb::VerdictFilter { article, comment_id, action, start_time, end_time } = filter;
    let article = some(article).map(|name| names::of_site(names::article(&name), site));
    let article = checks.maybe("article", article);
    let comment = checks.maybe("comment_id", some(comment_id).map(|id| CommentId::new(&id)));
    let action = checks.take("action", known(action));
    let from = checks.maybe("start_time", start_time.map(time::read));
    let until = checks.maybe("end_time", end_time.map(time::read));
    if let (Some(Some(from)), Some(Some(until))) = (from, until) {
        checks.require("end_time", from <= until, "must not be before start_time");
    }
    Some(VerdictFilter {
        article: article?,
        comment: comment?,
        author: None,
        action: action?.and_then(read_action),
        from: from?,
        until: until?,
    })
}

fn read_view(view: i32, default: Shape, checks: &mut Checks) -> Option<Shape> {
    Some(match checks.take("view", known(view))? {
        None | Some(pb::VerdictView::Unspecified) => default,
        Some(pb::VerdictView::Basic) => Shape::Basic,
        Some(pb::VerdictView::Full) => Shape::Full,
    })
}

/// Rows of a page: 0 is the default, too many are cut, negative is an error.
pub(super) fn page_size(asked: i32) -> Result<usize, &'static str> {
    match usize::try_from(asked) {
        Ok(0) => Ok(PAGE_DEFAULT),
        Ok(size) => Ok(size.min(PAGE_MAX)),
        Err(_) => Err("must not be negative"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::checks::tests::refused, *};
    use crate::api::pb::comment::ArticleSource;

    const ID: &str = "7b0c4f9e-3a63-4d2b-9a55-0d6d2a6f1c11";

    fn comment(body: &str) -> Option<pb::Comment> {
        Some(pb::Comment { body: body.to_owned(), ..Default::default() })
    }

    fn request(body: &str) -> pb::ScoreCommentRequest {
        pb::ScoreCommentRequest {
            parent: "sites/news".to_owned(),
            comment: comment(body),
            request_id: ID.to_owned(),
        }
    }

    #[test]
    fn all_violations_of_a_scoring_call_are_told() {
        let bad = pb::ScoreCommentRequest {
            parent: "news".to_owned(),
            comment: Some(pb::Comment {
                ip: "here".to_owned(),
                article_source: Some(ArticleSource::Article("sites/news/articles/1".to_owned())),
                ..Default::default()
            }),
            request_id: "1".to_owned(),
        };
        let want = ["request_id", "parent", "comment.body", "comment.ip"];
        assert_eq!(refused(ScoreCall::try_from(bad.clone())), want);
        let preview = pb::PreviewScoreRequest { parent: bad.parent, comment: bad.comment };
        assert_eq!(refused(PreviewCall::try_from(preview)), ["parent", "comment.body", "comment.ip"]);
    }

    #[test]
    fn a_retry_is_the_same_by_every_way() {
        let unary = ScoreCall::try_from(request("hello")).unwrap().promise;
        let item = pb::BatchScoreCommentsItem { comment: comment("hello"), request_id: ID.to_owned() };
        let batch = pb::BatchScoreCommentsRequest { parent: "sites/news".to_owned(), items: vec![item] };
        let batch = BatchCall::try_from(batch).unwrap().items.remove(0).unwrap().promise;
        let streamed = StreamItem::from(pb::StreamScoreCommentsRequest {
            parent: "sites/news".to_owned(),
            client_ref: "1".to_owned(),
            comment: comment("hello"),
            request_id: ID.to_owned(),
        });
        assert!(unary.is_some());
        assert_eq!(unary, batch);
        assert_eq!(unary, streamed.call.unwrap().promise);
        assert_ne!(unary, ScoreCall::try_from(request("other")).unwrap().promise);
    }

    #[test]
    fn a_bad_item_fails_alone_and_a_bad_batch_as_a_whole() {
        let item = |body| pb::BatchScoreCommentsItem { comment: comment(body), request_id: String::new() };
        let batch = |items| pb::BatchScoreCommentsRequest { parent: "sites/news".to_owned(), items };
        let read = BatchCall::try_from(batch(vec![item("fine"), item("")])).unwrap().items;
        assert!(matches!(read.as_slice(), [Ok(_), Err(ApiError::Fields(_))]));
        assert_eq!(refused(BatchCall::try_from(batch(vec![]))), ["items"]);
        let many = pb::BatchScoreCommentsRequest { parent: "x".to_owned(), items: vec![item("x"); 501] };
        assert_eq!(refused(BatchCall::try_from(many)), ["items", "parent"]);
    }

    #[test]
    fn a_stream_item_needs_its_ref() {
        for client_ref in [String::new(), "r".repeat(129)] {
            let item = StreamItem::from(pb::StreamScoreCommentsRequest { client_ref, ..Default::default() });
            assert_eq!(refused(item.call), ["client_ref", "parent", "comment"]);
        }
    }

    #[test]
    fn every_violation_of_a_list_is_named() {
        let list = || pb::ListVerdictsRequest { parent: "sites/news".to_owned(), ..Default::default() };
        let filtered = |filter| pb::ListVerdictsRequest { filter: Some(filter), ..list() };
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let filter = pb::VerdictFilter::default;
        #[rustfmt::skip]
        let cases: Vec<(&str, pb::ListVerdictsRequest, &[&str])> = vec![
            ("no site",             pb::ListVerdictsRequest::default(), &["parent"]),
            ("a negative page",     pb::ListVerdictsRequest { page_size: -1, ..list() }, &["page_size"]),
            ("an unknown view",     pb::ListVerdictsRequest { view: 9, ..list() }, &["view"]),
            ("a foreign token",     pb::ListVerdictsRequest { page_token: "x".into(), ..list() }, &["page_token"]),
            ("no article name",     filtered(pb::VerdictFilter { article: "1".into(), ..filter() }), &["filter.article"]),
            ("a bad comment id",    filtered(pb::VerdictFilter { comment_id: " ".into(), ..filter() }), &["filter.comment_id"]),
            ("an unknown action",   filtered(pb::VerdictFilter { action: 9, ..filter() }), &["filter.action"]),
            ("a bad start",         filtered(pb::VerdictFilter { start_time: at(i64::MAX), ..filter() }), &["filter.start_time"]),
            ("a bad end",           filtered(pb::VerdictFilter { end_time: at(i64::MAX), ..filter() }), &["filter.end_time"]),
            ("an end before start", filtered(pb::VerdictFilter { start_time: at(2), end_time: at(1), ..filter() }), &["filter.end_time"]),
        ];
        for (name, request, want) in cases {
            assert_eq!(refused(ListCall::try_from(request)), want, "{name}");
        }
    }

    #[test]
    fn pages_go_on_only_in_the_same_list() {
        let list = |action: pb::Action, page_token: String, page_size| pb::ListVerdictsRequest {
            parent: "sites/news".to_owned(),
            filter: Some(pb::VerdictFilter { action: action.into(), ..Default::default() }),
            page_token,
            page_size,
            ..Default::default()
        };
        let first = ListCall::try_from(list(pb::Action::Hold, String::new(), 0)).unwrap();
        assert_eq!((first.page.size, first.page.after), (50, None));
        let id = VerdictId::parse(ID).unwrap();
        let token = first.binding.issue(Some(id.as_bytes()));
        let next = ListCall::try_from(list(pb::Action::Hold, token.clone(), 9999)).unwrap();
        assert_eq!((next.page.size, next.page.after), (500, Some(id)));
        assert_eq!(refused(ListCall::try_from(list(pb::Action::Allow, token, 0))), ["page_token"]);
    }
}
