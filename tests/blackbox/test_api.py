"""Every method as a client uses it: sites, articles, lists, batches, streams, feedback."""

import threading
import time
import uuid

import grpc
import pytest
from conftest import ARTICLE, SITE, refused
from google.protobuf import field_mask_pb2
from tamis.v1 import (
    article_pb2,
    article_service_pb2,
    comment_pb2,
    feedback_pb2,
    feedback_service_pb2,
    label_pb2,
    scoring_service_pb2,
    scoring_service_pb2_grpc,
    site_pb2,
    site_service_pb2,
    verdict_pb2,
)

C = grpc.StatusCode
ADVERT = "Cheap Rolex watches! Luxury replica watches 80% off, buy now at https://best-watch-deals24.shop"


@pytest.fixture
def site(server):
    """A site of the test's own."""
    site_id = f"t-{uuid.uuid4().hex[:12]}"
    request = site_service_pb2.CreateSiteRequest(site_id=site_id, site=site_pb2.Site(display_name="Test"))
    return server.sites.CreateSite(request, metadata=server.auth("admin")).site


@pytest.fixture
def call(server):
    """Calls a method by its name with the fields of its request, as admin."""
    methods = {
        **{m: (server.scoring, scoring_service_pb2) for m in
           ("ScoreComment", "PreviewScore", "BatchScoreComments", "GetVerdict", "ListVerdicts")},
        **{m: (server.articles, article_service_pb2) for m in ("PutArticle", "GetArticle", "DeleteArticle")},
        **{m: (server.sites, site_service_pb2) for m in ("CreateSite", "GetSite", "ListSites", "UpdateSite")},
        "ReportFeedback": (server.feedback, feedback_service_pb2),
    }

    def call(method, **fields):
        stub, messages = methods[method]
        request = getattr(messages, f"{method}Request")(**fields)
        return getattr(stub, method)(request, metadata=server.auth("admin"), timeout=20)

    return call


def test_a_site_changes_only_for_who_read_it_last(site, call):
    def update(etag, *paths, **fields):
        changed = site_pb2.Site(name=site.name, etag=etag, **fields)
        return call("UpdateSite", site=changed, update_mask=field_mask_pb2.FieldMask(paths=paths)).site

    changed = update(site.etag, "display_name", display_name="Renamed", languages=["de"])
    assert (changed.display_name, list(changed.languages)) == ("Renamed", []), "only what the mask names"
    assert changed.etag != site.etag and changed.policy_version == site.policy_version + 1
    refused(C.ABORTED, "ETAG_MISMATCH", lambda: update(site.etag, "display_name", display_name="Late"))
    assert call("GetSite", name=site.name).site.display_name == "Renamed"
    refused(C.INVALID_ARGUMENT, "etag", lambda: update("", "display_name", display_name="x"))
    refused(C.INVALID_ARGUMENT, "update_mask", lambda: update(changed.etag, "name"))
    refused(C.INVALID_ARGUMENT, "update_mask", lambda: update(changed.etag))
    strict = site_pb2.Policy(preset=site_pb2.POLICY_PRESET_STRICT)
    assert update(changed.etag, "policy", policy=strict).policy.preset == site_pb2.POLICY_PRESET_STRICT
    wrong = site_pb2.Policy(thresholds=site_pb2.Thresholds(labels=[
        site_pb2.LabelThresholds(label=label_pb2.LABEL_SPAM, hold=0.9, reject=0.2)]))
    newest = call("GetSite", name=site.name).site.etag
    refused(C.INVALID_ARGUMENT, "policy", lambda: update(newest, "policy", policy=wrong))
    ghost = site_pb2.Site(name="sites/nowhere", etag=newest)
    mask = field_mask_pb2.FieldMask(paths=["display_name"])
    refused(C.NOT_FOUND, "SITE_NOT_FOUND", lambda: call("UpdateSite", site=ghost, update_mask=mask))
    refused(C.ALREADY_EXISTS, "SITE_EXISTS", lambda: call("CreateSite", site_id=site.name.split("/")[1]))


def test_sites_are_listed_page_by_page(site, call):
    names, token = [], ""
    while True:
        page = call("ListSites", page_size=2, page_token=token)
        assert len(page.sites) <= 2
        names += [s.name for s in page.sites]
        token = page.next_page_token
        if not token:
            break
    assert {site.name, SITE} <= set(names) and names == sorted(set(names))


def test_two_writers_one_wins(site, call):
    """Sixteen who read the same etag: exactly one changes the site."""
    outcomes, mask = [], field_mask_pb2.FieldMask(paths=["display_name"])

    def write(number):
        changed = site_pb2.Site(name=site.name, etag=site.etag, display_name=f"by {number}")
        try:
            call("UpdateSite", site=changed, update_mask=mask)
            outcomes.append(number)
        except grpc.RpcError as error:
            assert error.code() == C.ABORTED, error

    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert len(outcomes) == 1
    assert call("GetSite", name=site.name).site.display_name == f"by {outcomes[0]}"


def listed(call, site, size=0, **fields):
    """All verdicts, page by page."""
    verdicts, token, pages = [], "", 0
    while True:
        page = call("ListVerdicts", parent=site.name, page_size=size, page_token=token, **fields)
        assert size == 0 or len(page.verdicts) <= size
        verdicts += page.verdicts
        token, pages = page.next_page_token, pages + 1
        if not token:
            return verdicts, pages


def test_verdicts_are_listed_page_by_page_and_filtered(site, call):
    for article in ("a", "b"):
        content = article_pb2.ArticleContent(title=f"About {article}")
        call("PutArticle", name=f"{site.name}/articles/{article}", content=content)
    made, middle = [], None
    for n in range(25):
        comment = comment_pb2.Comment(
            comment_id=f"c{n}", body=ADVERT if n % 5 == 0 else f"A plain remark, number {n}.",
            article=f"{site.name}/articles/{'a' if n % 2 else 'b'}",
        )
        made.append(call("ScoreComment", parent=site.name, comment=comment).verdict)
        middle = made[12].create_time if n == 12 else middle
    names = [v.name for v in reversed(made)]
    for size, pages in ((10, 3), (25, 1), (7, 4), (0, 1)):
        verdicts, seen = listed(call, site, size)
        assert [v.name for v in verdicts] == names and seen == pages, (size, seen)
    full, _ = listed(call, site, view=verdict_pb2.VERDICT_VIEW_FULL)
    basic, _ = listed(call, site)
    assert all(v.reasons and v.comment.body for v in full if v.action != verdict_pb2.ACTION_ALLOW)
    assert not any(v.reasons or v.comment.body for v in basic)

    def only(**fields):
        verdicts, _ = listed(call, site, 4, filter=scoring_service_pb2.VerdictFilter(**fields))
        return [int(v.comment.comment_id[1:]) for v in verdicts]

    assert only(article=f"{site.name}/articles/a") == list(range(23, 0, -2))
    assert only(comment_id="c7") == [7]
    assert only(action=made[0].action) == [20, 15, 10, 5, 0]
    assert only(start_time=middle) == list(range(24, 11, -1))
    assert only(end_time=middle) == list(range(11, -1, -1))
    assert only(article=f"{site.name}/articles/a", action=made[0].action) == [15, 5]
    assert only(comment_id="none") == []
    token = call("ListVerdicts", parent=site.name, page_size=5).next_page_token
    other = scoring_service_pb2.VerdictFilter(comment_id="c1")
    for bad in ({"page_token": "nonsense"}, {"page_token": token, "filter": other}):
        refused(C.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID", lambda: call("ListVerdicts", parent=site.name, **bad))
    refused(C.INVALID_ARGUMENT, "page_size", lambda: call("ListVerdicts", parent=site.name, page_size=-1))


def test_one_verdict_is_read_back(site, call):
    made = call("ScoreComment", parent=site.name, comment=comment_pb2.Comment(body=ADVERT)).verdict
    full = call("GetVerdict", name=made.name).verdict
    assert (full.action, full.probability, list(full.reasons)) == (made.action, made.probability, list(made.reasons))
    assert full.comment.body == ADVERT and not full.comment.ip
    basic = call("GetVerdict", name=made.name, view=verdict_pb2.VERDICT_VIEW_BASIC).verdict
    assert basic.probability == made.probability and not basic.reasons and not basic.comment.body
    ghost = f"{site.name}/verdicts/{uuid.uuid4()}"
    refused(C.NOT_FOUND, "VERDICT_NOT_FOUND", lambda: call("GetVerdict", name=ghost))
    refused(C.INVALID_ARGUMENT, "name", lambda: call("GetVerdict", name="verdicts/1"))


def test_a_batch_answers_item_by_item(site, call):
    item, request_id = scoring_service_pb2.BatchScoreCommentsItem, str(uuid.uuid4())
    bodies = ["fine", "", "also fine", "x" * (64 * 1024 + 1), "the last"]
    items = [item(comment=comment_pb2.Comment(body=body)) for body in bodies]
    items.append(item(comment=comment_pb2.Comment(body="x", article=f"{site.name}/articles/ghost")))
    items.append(item(comment=comment_pb2.Comment(body="once"), request_id=request_id))
    results = call("BatchScoreComments", parent=site.name, items=items).results
    assert [r.WhichOneof("result") for r in results] == [
        "verdict", "error", "verdict", "error", "verdict", "error", "verdict"]
    assert results[1].error.code == 3 and results[1].error.violations[0].field == "comment.body"
    assert results[5].error.code == 5 and results[5].error.reason == "ARTICLE_NOT_FOUND"
    alone = call("ScoreComment", parent=site.name, comment=comment_pb2.Comment(body="once"), request_id=request_id)
    assert alone.verdict.name == results[6].verdict.name, "one memory for both methods"
    again = call("BatchScoreComments", parent=site.name, items=items[6:]).results
    assert again[0].verdict.name == results[6].verdict.name
    assert len(listed(call, site)[0]) == 4
    refused(C.INVALID_ARGUMENT, "items", lambda: call("BatchScoreComments", parent=site.name, items=[]))
    many = [item(comment=comment_pb2.Comment(body="x"))] * 501
    refused(C.INVALID_ARGUMENT, "items", lambda: call("BatchScoreComments", parent=site.name, items=many))


def test_a_stream_slows_a_sender_that_does_not_read(server, site):
    """Nobody reads answers: the server stops taking comments. Then all are answered, each once."""
    total, sent = 4000, [0]
    body = "A remark of some length about nothing at all. " * 40

    def comments():
        for n in range(total):
            sent[0] = n + 1
            yield scoring_service_pb2.StreamScoreCommentsRequest(
                parent=site.name, client_ref=str(n), comment=comment_pb2.Comment(body=f"{n} {body}" if n % 100 else ""))

    channel = server.connect(("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536))
    with channel:
        stub = scoring_service_pb2_grpc.ScoringServiceStub(channel)
        answers = stub.StreamScoreComments(comments(), metadata=server.auth("admin"), timeout=120)
        before, quiet = -1, 0
        while quiet < 3:
            time.sleep(0.5)
            before, quiet = sent[0], quiet + 1 if sent[0] == before else 0
        assert sent[0] < total * 3 // 4, f"{sent[0]} of {total} were taken though no answer was read"
        seen = {}
        for answer in answers:
            assert answer.client_ref not in seen
            seen[answer.client_ref] = answer.WhichOneof("result")
    assert len(seen) == total
    assert [n for n in range(total) if seen[str(n)] == "error"] == list(range(0, total, 100)), "bad ones fail alone"


def test_a_preview_records_and_counts_nothing(site, call):
    comment = comment_pb2.Comment(body=ADVERT, comment_id="p1", author=comment_pb2.Author(id="ann"))
    preview = call("PreviewScore", parent=site.name, comment=comment).verdict
    assert preview.name == "" and preview.reasons
    assert listed(call, site)[0] == []
    scored = call("ScoreComment", parent=site.name, comment=comment).verdict
    assert (scored.probability, scored.action) == (preview.probability, preview.action), "the preview counted nowhere"
    refused(C.INVALID_ARGUMENT, "comment", lambda: call("PreviewScore", parent=site.name))


def test_articles_are_put_read_degraded_and_deleted(site, call):
    name = f"{site.name}/articles/summit"
    score = lambda: call("ScoreComment", parent=site.name, comment=comment_pb2.Comment(body="Well said", article=name)).verdict
    refused(C.NOT_FOUND, "ARTICLE_NOT_FOUND", lambda: call("GetArticle", name=name))
    refused(C.NOT_FOUND, "ARTICLE_NOT_FOUND", score)
    refused(C.INVALID_ARGUMENT, "content", lambda: call("PutArticle", name=name))
    put = call("PutArticle", name=name, content=article_pb2.ArticleContent(title=ARTICLE["title"])).article
    assert put.name == name and put.HasField("update_time")
    assert score().article_read == verdict_pb2.ARTICLE_READ_TITLE, "degraded, and it says so"
    summary = article_pb2.ArticleContent(title=ARTICLE["title"], summary="Two leaders meet in Beijing and sign papers.")
    call("PutArticle", name=name, content=summary)
    assert score().article_read == verdict_pb2.ARTICLE_READ_SUMMARY
    call("PutArticle", name=name, content=article_pb2.ArticleContent(**ARTICLE))
    assert score().article_read == verdict_pb2.ARTICLE_READ_TEXT
    assert call("GetArticle", name=name).article.content == article_pb2.ArticleContent(**ARTICLE)
    kept = score()
    call("DeleteArticle", name=name)
    refused(C.NOT_FOUND, "ARTICLE_NOT_FOUND", lambda: call("DeleteArticle", name=name))
    refused(C.NOT_FOUND, "ARTICLE_NOT_FOUND", score)
    assert call("GetVerdict", name=kept.name).verdict.comment.article == name, "verdicts stay"
    long = article_pb2.ArticleContent(title="x" * 3000)
    refused(C.INVALID_ARGUMENT, "content.title", lambda: call("PutArticle", name=name, content=long))


def test_a_ruling_changes_the_verdict_of_a_copy_at_once(site, call):
    score = lambda body: call("ScoreComment", parent=site.name, comment=comment_pb2.Comment(body=body)).verdict
    body = "My cousin paints garden fences in three colours, ask her about it"

    def report(verdict, ruling, source=feedback_pb2.FEEDBACK_SOURCE_MODERATOR, **fields):
        labels = [label_pb2.LABEL_SPAM] if ruling == feedback_pb2.RULING_REJECT else []
        return call("ReportFeedback", parent=site.name, verdict=verdict.name, ruling=ruling, labels=labels,
                    source=source, **fields).feedback

    first = score(body)
    reader = feedback_pb2.FEEDBACK_SOURCE_READER
    report(first, feedback_pb2.RULING_REJECT, source=reader)
    assert score(body).probability == pytest.approx(first.probability, abs=0.05), "readers do not decide"
    request_id = str(uuid.uuid4())
    kept = report(first, feedback_pb2.RULING_REJECT, request_id=request_id)
    assert report(first, feedback_pb2.RULING_REJECT, request_id=request_id).name == kept.name
    copy = score("MY cousin paints garden-fences in three colours: ask her about it!!")
    assert copy.action != verdict_pb2.ACTION_ALLOW and copy.probability > first.probability + 0.3, copy
    assert any(r.code == "seen/decided" for r in copy.reasons), copy.reasons
    report(first, feedback_pb2.RULING_APPROVE)
    assert score(body).action == verdict_pb2.ACTION_ALLOW, "the newest ruling counts"
    ghost = verdict_pb2.Verdict(name=f"{site.name}/verdicts/{uuid.uuid4()}")
    refused(C.NOT_FOUND, "VERDICT_NOT_FOUND", lambda: report(ghost, feedback_pb2.RULING_APPROVE))
