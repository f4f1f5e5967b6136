"""Every method of the first services as a CMS uses it: what comes back, page by page, item by item."""

import threading
import time
import uuid

import grpc
import pytest
from conftest import ARTICLE, SITE
from google.protobuf import field_mask_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tamis.v1 import (
    article_pb2,
    article_service_pb2,
    comment_pb2,
    feedback_pb2,
    feedback_service_pb2,
    label_pb2,
    scoring_service_pb2,
    site_pb2,
    site_service_pb2,
    verdict_pb2,
)

C = grpc.StatusCode
S = scoring_service_pb2
ADVERT = "Cheap luxury watches, 80% off, buy now at https://best-watch-deals24.shop"


def code_of(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code()


@pytest.fixture
def site(server):
    """A site of the test's own, so that lists hold what it wrote and nothing else."""
    name = f"s{uuid.uuid4().hex[:12]}"
    request = site_service_pb2.CreateSiteRequest(site_id=name, site=site_pb2.Site(display_name=name))
    return server.sites.CreateSite(request, metadata=server.auth("admin")).site.name


@pytest.fixture
def score(server, site):
    def score(body, **fields):
        request = S.ScoreCommentRequest(parent=site, comment=comment_pb2.Comment(body=body, **fields))
        return server.scoring.ScoreComment(request, metadata=server.auth("admin")).verdict

    return score


def listed(server, site, size, **filter):
    """All verdicts a filter lets through, by pages; asserts that each page keeps its size."""
    token, names = "", []
    while True:
        request = S.ListVerdictsRequest(
            parent=site, page_size=size, page_token=token, filter=S.VerdictFilter(**filter)
        )
        page = server.scoring.ListVerdicts(request, metadata=server.auth("admin"))
        assert len(page.verdicts) <= size
        names += [v.name for v in page.verdicts]
        token = page.next_page_token
        if not token:
            return names


def test_a_verdict_is_read_back_as_it_was_answered(server, site, score):
    answered = score("What a fine piece about gardens", comment_id="c-1")
    request = S.GetVerdictRequest(name=answered.name, view=verdict_pb2.VERDICT_VIEW_FULL)
    read = server.scoring.GetVerdict(request, metadata=server.auth("admin")).verdict
    assert read.comment.body == "What a fine piece about gardens"
    assert (read.name, read.action, read.log_odds) == (answered.name, answered.action, answered.log_odds)
    assert read.labels == answered.labels and read.versions == answered.versions
    missing = S.GetVerdictRequest(name=f"{site}/verdicts/{uuid.uuid4()}")
    assert code_of(lambda: server.scoring.GetVerdict(missing, metadata=server.auth("admin"))) == C.NOT_FOUND


def test_lists_page_through_everything_once_newest_first(server, site, score):
    made = [score(f"remark number {i} on the tram line").name for i in range(23)]
    for size in (1, 7, 23, 100):
        assert listed(server, site, size) == made[::-1]


def test_lists_filter_and_their_tokens_are_bound_to_the_filter(server, site, score):
    adverts = [score(f"{ADVERT}?n={i}").name for i in range(3)]
    mine = score("I rode it this morning and it was on time", comment_id="c-77").name
    refused = listed(server, site, 2, action=verdict_pb2.ACTION_REJECT)
    assert set(refused) | set(listed(server, site, 2, action=verdict_pb2.ACTION_DISCARD)) == set(adverts)
    assert listed(server, site, 10, comment_id="c-77") == [mine]
    request = S.ListVerdictsRequest(parent=site, page_size=1)
    page = server.scoring.ListVerdicts(request, metadata=server.auth("admin"))
    other = S.ListVerdictsRequest(
        parent=site, page_token=page.next_page_token, filter=S.VerdictFilter(comment_id="c-77")
    )
    assert code_of(lambda: server.scoring.ListVerdicts(other, metadata=server.auth("admin"))) == C.INVALID_ARGUMENT
    negative = S.ListVerdictsRequest(parent=site, page_size=-1)
    assert code_of(lambda: server.scoring.ListVerdicts(negative, metadata=server.auth("admin"))) == C.INVALID_ARGUMENT


def test_a_preview_leaves_nothing_behind(server, site):
    request = S.PreviewScoreRequest(parent=site, comment=comment_pb2.Comment(body=ADVERT))
    verdict = server.scoring.PreviewScore(request, metadata=server.auth("admin")).verdict
    assert verdict.action in (verdict_pb2.ACTION_REJECT, verdict_pb2.ACTION_DISCARD)
    assert listed(server, site, 10) == []


def test_a_batch_answers_in_order_and_each_item_for_itself(server, site):
    bodies = ["The second paragraph is wrong about 1998", "", ADVERT, "x" * (64 * 1024 + 1), "I was there that day"]
    items = [S.BatchScoreCommentsItem(comment=comment_pb2.Comment(body=b)) for b in bodies]
    request = S.BatchScoreCommentsRequest(parent=site, items=items)
    results = server.scoring.BatchScoreComments(request, metadata=server.auth("admin")).results
    assert [r.WhichOneof("result") for r in results] == ["verdict", "error", "verdict", "error", "verdict"]
    for error in (results[1].error, results[3].error):
        assert error.code == C.INVALID_ARGUMENT.value[0]
        assert any("body" in v.field for v in error.violations), error
    assert len(listed(server, site, 10)) == 3
    many = S.BatchScoreCommentsRequest(parent=site, items=[items[0]] * 501)
    assert code_of(lambda: server.scoring.BatchScoreComments(many, metadata=server.auth("admin"))) == C.INVALID_ARGUMENT


def test_the_stream_answers_every_item_and_holds_a_reader_that_lags(server, site):
    """A reader that takes nothing must stop the server from taking in without end; then all is answered."""
    total, sent = 4_000, 0
    lock = threading.Lock()

    def requests():
        nonlocal sent
        for i in range(total):
            with lock:
                sent = i + 1
            body = "" if i % 1_000 == 7 else f"remark {i} " + "on a long road through the hills " * 40
            yield S.StreamScoreCommentsRequest(
                parent=site, client_ref=str(i), comment=comment_pb2.Comment(body=body)
            )

    stream = server.scoring.StreamScoreComments(requests(), metadata=server.auth("admin"))
    time.sleep(2)
    with lock:
        taken = sent
    assert taken < total, "the server took in everything although nobody reads its answers"
    answers = list(stream)
    assert sorted(int(a.client_ref) for a in answers) == list(range(total))
    errors = {int(a.client_ref) for a in answers if a.WhichOneof("result") == "error"}
    assert errors == {i for i in range(total) if i % 1_000 == 7}


def test_articles_are_put_read_and_deleted(server, site, score):
    name = f"{site}/articles/a1"
    admin = dict(metadata=server.auth("admin"))
    for content, read in (
        (article_pb2.ArticleContent(title=ARTICLE["title"]), verdict_pb2.ARTICLE_READ_TITLE),
        (article_pb2.ArticleContent(**ARTICLE), verdict_pb2.ARTICLE_READ_TEXT),
    ):
        server.articles.PutArticle(article_service_pb2.PutArticleRequest(name=name, content=content), **admin)
        got = server.articles.GetArticle(article_service_pb2.GetArticleRequest(name=name), **admin).article
        assert got.content == content
        assert score("Putin is right", article=name).article_read == read
    server.articles.DeleteArticle(article_service_pb2.DeleteArticleRequest(name=name), **admin)
    gone = article_service_pb2.GetArticleRequest(name=name)
    assert code_of(lambda: server.articles.GetArticle(gone, **admin)) == C.NOT_FOUND
    again = article_service_pb2.DeleteArticleRequest(name=name)
    assert code_of(lambda: server.articles.DeleteArticle(again, **admin)) == C.NOT_FOUND
    assert code_of(lambda: score("Putin is right", article=name)) == C.NOT_FOUND


def test_a_ruling_changes_the_verdict_on_copies_at_once(server, site, score):
    text = "Our choir sings in the old mill on Friday and everybody may come along"
    first = score(text)
    assert first.action == verdict_pb2.ACTION_ALLOW
    report = feedback_service_pb2.ReportFeedbackRequest(
        parent=site,
        verdict=first.name,
        ruling=feedback_pb2.RULING_REJECT,
        labels=[label_pb2.LABEL_SPAM],
        source=feedback_pb2.FEEDBACK_SOURCE_MODERATOR,
    )
    server.feedback.ReportFeedback(report, metadata=server.auth("admin"))
    copy = score("Our choir sings in the OLD MILL on Friday, and everybody may come along!")
    assert copy.probability > 0.5 > first.probability
    assert any(r.code == "seen/decided" for r in copy.reasons), copy
    report.ruling = feedback_pb2.RULING_APPROVE
    del report.labels[:]
    server.feedback.ReportFeedback(report, metadata=server.auth("admin"))
    assert score(text).action == verdict_pb2.ACTION_ALLOW, "a correction wins"


def test_sites_change_only_from_what_was_read(server, site, score):
    admin = dict(metadata=server.auth("admin"))
    read = server.sites.GetSite(site_service_pb2.GetSiteRequest(name=site), **admin).site
    strict = site_pb2.Policy(preset=site_pb2.POLICY_PRESET_STRICT)
    change = site_service_pb2.UpdateSiteRequest(
        site=site_pb2.Site(name=site, policy=strict, etag=read.etag),
        update_mask=field_mask_pb2.FieldMask(paths=["policy"]),
    )
    changed = server.sites.UpdateSite(change, **admin).site
    assert changed.policy_version == read.policy_version + 1 and changed.etag != read.etag
    assert changed.display_name == read.display_name, "what the mask leaves out stays"
    assert code_of(lambda: server.sites.UpdateSite(change, **admin)) == C.ABORTED, "the etag is stale"
    assert score("I was there").versions.policy == changed.policy_version
    falling = site_pb2.Thresholds(
        labels=[site_pb2.LabelThresholds(label=label_pb2.LABEL_SPAM, hold=0.9, reject=0.5)]
    )
    change.site.policy.CopyFrom(site_pb2.Policy(thresholds=falling))
    change.site.etag = changed.etag
    assert code_of(lambda: server.sites.UpdateSite(change, **admin)) == C.INVALID_ARGUMENT
    taken = site_service_pb2.CreateSiteRequest(site_id=site.removeprefix("sites/"), site=site_pb2.Site())
    assert code_of(lambda: server.sites.CreateSite(taken, **admin)) == C.ALREADY_EXISTS
    names, token = [], ""
    while True:
        page = server.sites.ListSites(site_service_pb2.ListSitesRequest(page_size=2, page_token=token), **admin)
        names += [s.name for s in page.sites]
        token = page.next_page_token
        if not token:
            break
    assert site in names and SITE in names and len(names) == len(set(names))


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_tells_the_public_services(server, version):
    ask = server.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    answers = list(ask(iter([reflection_pb2.ServerReflectionRequest(list_services="")])))
    names = {s.name for a in answers for s in a.list_services_response.service}
    assert {"tamis.v1.ScoringService", "tamis.v1.SiteService", "grpc.health.v1.Health"} <= names


def test_old_reflection_clients_can_list(server):
    stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
    wanted = reflection_pb2.ServerReflectionRequest(file_containing_symbol="tamis.v1.ScoringService")
    answer = next(stub.ServerReflectionInfo(iter([wanted])))
    assert answer.file_descriptor_response.file_descriptor_proto
