"""The moderators' queue as a client sees it: every method, what it answers and what it refuses."""

import json
import threading
import uuid

import grpc
import pytest
from conftest import ARTICLE, run
from google.protobuf import duration_pb2, field_mask_pb2
from google.rpc import error_details_pb2, status_pb2
from tamis.v1 import (
    article_pb2,
    article_service_pb2,
    audit_service_pb2,
    comment_pb2,
    decision_pb2 as D,
    feedback_pb2,
    feedback_service_pb2,
    label_pb2,
    queue_item_pb2 as I,
    queue_service_pb2 as Q,
    scoring_service_pb2,
    site_pb2,
    site_service_pb2,
    verdict_pb2,
)

C = grpc.StatusCode
APPROVE = Q.Ruled(disposition=D.DISPOSITION_APPROVE)
SPAM = Q.Ruled(disposition=D.DISPOSITION_REJECT, reason_code=D.REASON_CODE_SPAM, note="casino")
NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"
LABELS = (label_pb2.LABEL_SPAM, label_pb2.LABEL_LOW_CONTENT, label_pb2.LABEL_OFF_TOPIC, label_pb2.LABEL_ABUSE)


class Room:
    """A site of the test's own where every comment waits for a person."""

    def __init__(self, server):
        self.server = server
        self.id = f"s{uuid.uuid4().hex[:12]}"
        thresholds = [site_pb2.LabelThresholds(label=label, hold=0.0) for label in LABELS]
        policy = site_pb2.Policy(thresholds=site_pb2.Thresholds(labels=thresholds))
        request = site_service_pb2.CreateSiteRequest(site_id=self.id, site=site_pb2.Site(policy=policy))
        self.site = server.sites.CreateSite(request, metadata=server.auth("admin")).site.name

    def score(self, body, **fields):
        author = fields.pop("author", None)
        comment = comment_pb2.Comment(body=body, author=author and comment_pb2.Author(id=author), **fields)
        request = scoring_service_pb2.ScoreCommentRequest(parent=self.site, comment=comment)
        return self.server.scoring.ScoreComment(request, metadata=self.server.auth("admin")).verdict

    def call(self, method, request, by="moderator", **options):
        return getattr(self.server.queue, method)(request, metadata=self.server.auth(by), **options)

    def items(self, **fields):
        return self.call("ListQueueItems", Q.ListQueueItemsRequest(parent=self.site, **fields)).items

    def claim(self, by="moderator", **fields):
        fields = {"max_items": 1} | fields
        return self.call("ClaimQueueItems", Q.ClaimQueueItemsRequest(parent=self.site, **fields), by).items

    def decide(self, claimed, ruled=APPROVE, by="moderator", **fields):
        request = Q.DecideQueueItemRequest(
            name=claimed.item.name, lease_token=claimed.lease_token, ruled=ruled, **fields
        )
        return self.call("DecideQueueItem", request, by).decision

    def stats(self):
        return self.call("GetQueueStats", Q.GetQueueStatsRequest(parent=self.site))


@pytest.fixture
def room(server):
    return Room(server)


def refused(call, code, reason):
    """The metadata of the refusal."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error = caught.value
    details = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    for detail in details.details:
        detail.Unpack(info)
    assert (error.code(), info.reason) == (code, reason), error.details()
    return dict(info.metadata)


def test_a_held_comment_waits_with_its_reasons(room):
    verdict = room.score("Fix or repair daily", comment_id="c1", author="ann")
    assert verdict.action == verdict_pb2.ACTION_HOLD
    (item,) = room.items()
    assert (item.verdict, item.comment_id, item.state) == (verdict.name, "c1", I.QUEUE_ITEM_STATE_OPEN)
    assert list(item.causes) == [I.QUEUE_CAUSE_HELD] and item.position.explanation
    assert item.body == "" and not item.reasons, "lists carry no texts unless asked"
    (item,) = room.items(read_mask=field_mask_pb2.FieldMask(paths=["body", "author"]))
    assert (item.body, item.author.id, item.comment_id) == ("Fix or repair daily", "ann", "")
    answer = room.call("GetQueueItem", Q.GetQueueItemRequest(name=room.items()[0].name))
    assert answer.item.body == "Fix or repair daily" and not answer.decisions


def test_lists_page_filter_and_order(room):
    for n in range(7):
        room.score(f"number {n} of seven comments", author="ann" if n % 2 else "bob")
    seen, token = [], ""
    while True:
        request = Q.ListQueueItemsRequest(parent=room.site, page_size=3, page_token=token, order=I.QUEUE_ORDER_OLDEST)
        page = room.call("ListQueueItems", request)
        seen += [item.name for item in page.items]
        token = page.next_page_token
        if not token:
            break
    assert len(seen) == len(set(seen)) == 7
    newest = [item.name for item in room.items(order=I.QUEUE_ORDER_NEWEST)]
    assert newest == seen[::-1]
    assert len(room.items(filter=I.QueueItemFilter(author_id="ann"))) == 3
    assert not room.items(filter=I.QueueItemFilter(min_probability=1.0))
    assert not room.items(state=I.QUEUE_ITEM_STATE_DECIDED)
    other = Q.ListQueueItemsRequest(parent=room.site, page_size=3, page_token="nonsense")
    refused(lambda: room.call("ListQueueItems", other), C.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


def test_two_reviewers_never_get_the_same_item(room):
    for n in range(10):
        room.score(f"number {n} of ten comments")
    found, lock = [], threading.Lock()

    def take(by):
        for _ in range(5):
            items = room.claim(by=by, max_items=2)
            with lock:
                found.extend(one.item.name for one in items)

    threads = [threading.Thread(target=take, args=(by,)) for by in ("moderator", "lead", "admin")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(set(found)) == 10
    stats = room.stats()
    assert (stats.open_count, stats.claimed_count) == (0, 10)


def test_a_decision_ends_it_and_a_retry_says_the_same(room):
    room.score("Buy cheap watches", comment_id="w")
    (claimed,) = room.claim()
    assert claimed.lease_token > 0 and claimed.item.body == "Buy cheap watches"
    id = str(uuid.uuid4())
    decision = room.decide(claimed, SPAM, request_id=id)
    assert decision == room.decide(claimed, SPAM, request_id=id)
    assert decision.dsa_category == "STATEMENT_CATEGORY_SCAMS_AND_FRAUD" and decision.note == "casino"
    refused(lambda: room.decide(claimed, APPROVE, request_id=id), C.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
    instead = refused(lambda: room.decide(claimed, APPROVE), C.ABORTED, "LEASE_LOST")
    assert (instead["disposition"], instead["reason_code"]) == ("REJECT", "SPAM") and instead["reviewer"]
    answer = room.call("GetQueueItem", Q.GetQueueItemRequest(name=claimed.item.name))
    assert [d.name for d in answer.decisions] == [decision.name] == [answer.item.decision]
    again = room.score("Buy cheap watches", comment_id="w")
    assert (again.action, again.reasons[0].code) == (verdict_pb2.ACTION_REJECT, "person/rejected")


def test_bad_decisions_name_every_field(room):
    room.score("A comment to decide")
    (claimed,) = room.claim()
    bad = Q.DecideQueueItemRequest(name="x", ruled=Q.Ruled(disposition=D.DISPOSITION_REJECT, note="n" * 3000))
    with pytest.raises(grpc.RpcError) as caught:
        room.call("DecideQueueItem", bad)
    details = status_pb2.Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
    fields = error_details_pb2.BadRequest()
    assert any(detail.Unpack(fields) for detail in details.details)
    named = {violation.field for violation in fields.field_violations}
    assert named == {"name", "lease_token", "ruled.reason_code", "ruled.note"}
    unknown = Q.DecideQueueItemRequest(name=f"{room.site}/queueItems/{NOBODY}", lease_token=1, ruled=APPROVE)
    refused(lambda: room.call("DecideQueueItem", unknown), C.NOT_FOUND, "QUEUE_ITEM_NOT_FOUND")
    stale = Q.DecideQueueItemRequest(name=claimed.item.name, lease_token=claimed.lease_token + 7, ruled=APPROVE)
    refused(lambda: room.call("DecideQueueItem", stale), C.ABORTED, "LEASE_LOST")


def test_leases_are_renewed_and_given_back(room):
    room.score("A comment to hold on to")
    (claimed,) = room.claim()
    renew = Q.RenewLeaseRequest(
        name=claimed.item.name, lease_token=claimed.lease_token, lease_duration=duration_pb2.Duration(seconds=1800)
    )
    longer = room.call("RenewLease", renew).lease_expire_time
    assert longer.seconds > claimed.lease_expire_time.seconds
    renew.lease_duration.seconds = 1
    refused(lambda: room.call("RenewLease", renew), C.INVALID_ARGUMENT, "FIELDS_INVALID")
    one = Q.ReleaseQueueItemsItem(name=claimed.item.name, lease_token=claimed.lease_token)
    release = Q.ReleaseQueueItemsRequest(parent=room.site, items=[one])
    assert not room.call("ReleaseQueueItems", release).results[0].HasField("error")
    assert room.call("ReleaseQueueItems", release).results[0].error.reason == "LEASE_LOST"
    assert room.stats().open_count == 1


def test_a_batch_is_tried_decided_and_undone(room):
    for n in range(5):
        room.score(f"Buy watches number {n}", author="seller")
    room.score("A decent remark", author="ann")
    batch = Q.BatchDecideQueueItemsRequest(
        parent=room.site, filter=I.QueueItemFilter(author_id="seller"), ruled=SPAM, validate_only=True
    )
    refused(lambda: room.call("BatchDecideQueueItems", batch), C.PERMISSION_DENIED, "KEY_MAY_NOT")
    tried = room.call("BatchDecideQueueItems", batch, "lead")
    assert (tried.decided_count, tried.batch, len(tried.sample)) == (5, "", 5)
    assert room.stats().open_count == 6
    batch.validate_only = False
    batch.request_id = str(uuid.uuid4())
    done = room.call("BatchDecideQueueItems", batch, "lead")
    assert (done.decided_count, done.failed_count, done.more) == (5, 0, False)
    retried = room.call("BatchDecideQueueItems", batch, "lead")
    assert (retried.batch, retried.decided_count) == (done.batch, 5)
    assert room.stats().open_count == 1
    undo = Q.UndoDecisionRequest(name=done.batch, note="all wrong")
    refused(lambda: room.call("UndoDecision", undo), C.PERMISSION_DENIED, "KEY_MAY_NOT")
    assert len(room.call("UndoDecision", undo, "lead").results) == 5
    assert room.stats().open_count == 6
    everything = Q.BatchDecideQueueItemsRequest(parent=room.site, filter=I.QueueItemFilter(), ruled=SPAM)
    refused(lambda: room.call("BatchDecideQueueItems", everything, "lead"), C.INVALID_ARGUMENT, "FIELDS_INVALID")


def test_undoing_takes_everything_back(room):
    room.score("A comment that is judged twice", author="ann", comment_id="t")
    (claimed,) = room.claim()
    decision = room.decide(claimed, SPAM)
    undo = Q.UndoDecisionRequest(name=decision.name)
    (result,) = room.call("UndoDecision", undo).results
    assert (result.decision.disposition, result.decision.reverses) == (D.DISPOSITION_UNDO, decision.name)
    refused(lambda: room.call("UndoDecision", undo), C.FAILED_PRECONDITION, "DECISION_NOT_STANDING")
    context = room.call("GetDecisionContext", Q.GetDecisionContextRequest(name=claimed.item.name))
    assert (context.author.approved_count, context.author.rejected_count) == (0, 0)
    assert context.item.state == I.QUEUE_ITEM_STATE_OPEN and len(context.decisions) == 2
    unknown = Q.UndoDecisionRequest(name=f"{room.site}/decisions/{NOBODY}")
    refused(lambda: room.call("UndoDecision", unknown), C.NOT_FOUND, "DECISION_NOT_FOUND")


def test_a_context_has_all_a_person_needs(room, server):
    name = f"{room.site}/articles/42"
    put = article_service_pb2.PutArticleRequest(name=name, content=article_pb2.ArticleContent(**ARTICLE))
    server.articles.PutArticle(put, metadata=server.auth("admin"))
    room.score("What do they want?", article=name, comment_id="p", author="bob")
    room.score("An earlier remark on gas", article=name, author="ann")
    room.score("Fr\u0435\u0435 c\u0430sin\u043e now", article=name, author="ann", parent_comment_id="p", comment_id="x")
    (item,) = [i for i in room.items() if i.comment_id == "x"]
    context = room.call("GetDecisionContext", Q.GetDecisionContextRequest(name=item.name))
    assert context.article.title == ARTICLE["title"] and context.article.text == ""
    assert context.parent.verdict.comment.body == "What do they want?"
    assert [n.verdict.comment.body for n in context.author_comments] == ["An earlier remark on gas"]
    assert len(context.neighbours) == 2 and context.author.seen_count == 2
    assert context.verdict.reasons and context.item.body == "Fr\u0435\u0435 c\u0430sin\u043e now"
    assert any("free casino now" in view.text for view in context.views), context.views
    for view in context.views:
        for one in view.spans:
            assert view.text.encode()[one.span.start:one.span.end] and one.reason < len(context.verdict.reasons)
    # What becomes of ann's other comments shows here: ruled in the queue, or reported by the CMS.
    (first,) = room.claim(items=[i.name for i in room.items() if not i.comment_id], max_items=0)
    room.decide(first, SPAM)
    feedback = feedback_service_pb2.ReportFeedbackRequest(
        parent=room.site, comment_id="p", ruling=feedback_pb2.RULING_APPROVE, source=feedback_pb2.FEEDBACK_SOURCE_OWNER)
    server.feedback.ReportFeedback(feedback, metadata=server.auth("admin"))
    room.score("See https://shop.example/cheap", article=name, author="ann", comment_id="l")
    context = room.call("GetDecisionContext", Q.GetDecisionContextRequest(name=item.name))
    (theirs,) = [c for c in context.author_comments if c.verdict.comment.body == "An earlier remark on gas"]
    assert theirs.outcome == D.DISPOSITION_REJECT and theirs.decision.reason_code == D.REASON_CODE_SPAM
    assert context.parent.outcome == D.DISPOSITION_APPROVE and not context.parent.decision.name
    assert (context.author.seen_count, context.author.rejected_count) == (3, 1)
    assert context.author.rejection_rate == pytest.approx(2 / 3)
    (linked,) = [i for i in room.items() if i.comment_id == "l"]
    context = room.call("GetDecisionContext", Q.GetDecisionContextRequest(name=linked.name))
    domains = [(r.value, r.seen_count) for r in context.reputations if r.kind == Q.REPUTATION_KIND_DOMAIN]
    assert domains == [("shop.example", 1)], context.reputations
    gone = Q.GetDecisionContextRequest(name=f"{room.site}/queueItems/{NOBODY}")
    refused(lambda: room.call("GetDecisionContext", gone), C.NOT_FOUND, "QUEUE_ITEM_NOT_FOUND")


def test_authors_are_banned_and_pardoned(room):
    rule = Q.SetAuthorRuleRequest(parent=room.site, author_id="Troll", action=D.AUTHOR_ACTION_BAN)
    refused(lambda: room.call("SetAuthorRule", rule), C.PERMISSION_DENIED, "KEY_MAY_NOT")
    room.call("SetAuthorRule", rule, "lead")
    verdict = room.score("A remark on trade and gas", author="troll")
    assert (verdict.action, verdict.reasons[0].code) == (verdict_pb2.ACTION_REJECT, "author/banned")
    rule.action = D.AUTHOR_ACTION_UNSPECIFIED
    room.call("SetAuthorRule", rule, "lead")
    assert room.score("A remark on trade and gas", author="troll").action == verdict_pb2.ACTION_HOLD
    room.score("Another one", author="hothead", comment_id="h")
    (item,) = [i for i in room.items() if i.comment_id == "h"]
    (claimed,) = room.claim(items=[item.name], max_items=0)
    ban = Q.Ruled(disposition=D.DISPOSITION_REJECT, reason_code=D.REASON_CODE_HATE, author_action=D.AUTHOR_ACTION_BAN)
    refused(lambda: room.decide(claimed, ban), C.PERMISSION_DENIED, "KEY_MAY_NOT")


def test_named_queues(room):
    queue = I.Queue(
        display_name="Ann", filter=I.QueueItemFilter(author_id="ann"), order=I.QUEUE_ORDER_OLDEST,
        target_age=duration_pb2.Duration(seconds=3600),
    )
    create = Q.CreateQueueRequest(parent=room.site, queue_id="ann", queue=queue)
    refused(lambda: room.call("CreateQueue", create), C.PERMISSION_DENIED, "KEY_MAY_NOT")
    made = room.call("CreateQueue", create, "lead").queue
    refused(lambda: room.call("CreateQueue", create, "lead"), C.ALREADY_EXISTS, "QUEUE_EXISTS")
    room.score("From ann", author="ann")
    room.score("From bob", author="bob")
    listed = room.call("ListQueueItems", Q.ListQueueItemsRequest(parent=made.name)).items
    assert len(listed) == 1 and listed[0].position.order == I.QUEUE_ORDER_OLDEST
    claim = Q.ClaimQueueItemsRequest(parent=made.name, max_items=10)
    assert len(room.call("ClaimQueueItems", claim).items) == 1
    made.display_name = "Annie"
    mask = field_mask_pb2.FieldMask(paths=["display_name"])
    changed = room.call("UpdateQueue", Q.UpdateQueueRequest(queue=made, update_mask=mask), "lead").queue
    assert changed.display_name == "Annie" and changed.etag != made.etag
    stale = Q.UpdateQueueRequest(queue=made, update_mask=mask)
    refused(lambda: room.call("UpdateQueue", stale, "lead"), C.ABORTED, "ETAG_MISMATCH")
    assert room.call("GetQueue", Q.GetQueueRequest(name=made.name)).queue == changed
    assert list(room.call("ListQueues", Q.ListQueuesRequest(parent=room.site)).queues) == [changed]
    old = Q.DeleteQueueRequest(name=made.name, etag=made.etag)
    refused(lambda: room.call("DeleteQueue", old, "lead"), C.ABORTED, "ETAG_MISMATCH")
    room.call("DeleteQueue", Q.DeleteQueueRequest(name=made.name, etag=changed.etag), "lead")
    refused(lambda: room.call("GetQueue", Q.GetQueueRequest(name=made.name)), C.NOT_FOUND, "QUEUE_NOT_FOUND")


def test_a_watch_goes_on_where_it_was_cut(room):
    def watch(token, count):
        stream = room.server.queue.WatchQueue(
            Q.WatchQueueRequest(parent=room.site, resume_token=token), metadata=room.server.auth("moderator"), timeout=20
        )
        events = []
        for event in stream:
            if not event.kind:
                first = event.resume_token
                if not token and not events:
                    threading.Thread(target=happen).start()
                continue
            events.append(event)
            if len(events) == count:
                stream.cancel()
                return events
        raise AssertionError(f"the stream ended after {len(events)} of {count}; {first}")

    def happen():
        room.score("Something to watch")
        (claimed,) = room.claim()
        room.decide(claimed, SPAM)

    K = Q.QueueEventKind.Value
    kinds = [K("QUEUE_EVENT_KIND_ADDED"), K("QUEUE_EVENT_KIND_CLAIMED"), K("QUEUE_EVENT_KIND_DECIDED")]
    events = watch("", 3)
    assert [event.kind for event in events] == kinds
    assert events[2].decision.reason_code == D.REASON_CODE_SPAM
    assert watch(events[0].resume_token, 2) == events[1:]
    bad = Q.WatchQueueRequest(parent=room.site, resume_token="x")
    refused(lambda: next(room.call("WatchQueue", bad)), C.INVALID_ARGUMENT, "FIELDS_INVALID")


def test_a_cms_is_told_what_people_decided(room, server):
    W = feedback_service_pb2.WatchVerdictsRequest
    stream = server.feedback.WatchVerdicts(W(parent=room.site), metadata=server.auth("admin"), timeout=20)
    start = next(stream).resume_token
    verdict = room.score("Tell me what becomes of it", comment_id="c9")
    (claimed,) = room.claim()
    decision = room.decide(claimed)
    told = next(message for message in stream if message.verdict)
    stream.cancel()
    assert (told.comment_id, told.verdict, told.decision.name) == ("c9", verdict.name, decision.name)
    again = server.feedback.WatchVerdicts(W(parent=room.site, resume_token=start), metadata=server.auth("admin"), timeout=20)
    assert next(message for message in again if message.verdict) == told
    again.cancel()
    bad = W(parent=room.site, resume_token="x")
    refused(lambda: next(server.feedback.WatchVerdicts(bad, metadata=server.auth("admin"))), C.INVALID_ARGUMENT, "FIELDS_INVALID")


def report(room, verdict, reader):
    F = feedback_pb2
    request = feedback_service_pb2.ReportFeedbackRequest(
        parent=room.site, verdict=verdict, ruling=F.RULING_REJECT, labels=[label_pb2.LABEL_ABUSE],
        source=F.FEEDBACK_SOURCE_READER, reporter_id=reader,
    )
    return room.server.feedback.ReportFeedback(request, metadata=room.server.auth("admin"))


def test_readers_reports_reopen_by_weight(room):
    verdict = room.score("A remark that readers dislike")
    (claimed,) = room.claim()
    room.decide(claimed)
    for reader in ("r1", "r1", "r1"):
        report(room, verdict.name, reader)
    assert room.stats().open_count == 0, "one reader counts once"
    report(room, verdict.name, "r2")
    (item,) = room.items()
    assert I.QUEUE_CAUSE_REPORTED in item.causes and item.report_weight == pytest.approx(1.0)
    context = room.call("GetDecisionContext", Q.GetDecisionContextRequest(name=item.name))
    assert len(context.reports) == 2


def test_an_appeal_needs_somebody_else(room, server):
    F = feedback_service_pb2
    appeal = F.OpenAppealRequest(parent=room.site, comment_id="a1", statement="I meant the car")
    open_appeal = lambda: server.feedback.OpenAppeal(appeal, metadata=server.auth("admin"))
    refused(open_appeal, C.NOT_FOUND, "COMMENT_NOT_FOUND")
    room.score("Fix or repair daily", comment_id="a1")
    (claimed,) = room.claim()
    room.decide(claimed, SPAM)
    opened = open_appeal().appeal
    refused(open_appeal, C.FAILED_PRECONDITION, "APPEAL_OPEN")
    assert not room.claim(), "who decided is passed over"
    (other,) = room.claim(by="lead")
    context = room.call("GetDecisionContext", Q.GetDecisionContextRequest(name=other.item.name))
    assert context.appeal_statement == "I meant the car"
    watch = F.WatchVerdictsRequest(parent=room.site)
    stream = server.feedback.WatchVerdicts(watch, metadata=server.auth("admin"), timeout=20)
    next(stream)
    room.decide(other, APPROVE, by="lead")
    told = next(message for message in stream if message.verdict)
    stream.cancel()
    assert (told.appeal, told.appeal_outcome) == (opened.name, F.APPEAL_OUTCOME_OVERTURNED)
    get = F.GetAppealRequest(name=opened.name)
    ended = server.feedback.GetAppeal(get, metadata=server.auth("admin")).appeal
    assert ended.outcome == F.APPEAL_OUTCOME_OVERTURNED
    gone = F.GetAppealRequest(name=f"{room.site}/appeals/{NOBODY}")
    refused(lambda: server.feedback.GetAppeal(gone, metadata=server.auth("admin")), C.NOT_FOUND, "APPEAL_NOT_FOUND")


def test_the_audit_chain_is_listed_watched_and_verified(room, server):
    room.score("Something to audit")
    (claimed,) = room.claim()
    room.decide(claimed)
    A, auth = audit_service_pb2, server.auth("ops")
    events = server.audit.ListAuditEvents(A.ListAuditEventsRequest(parent=room.site), metadata=auth).events
    assert [event.action for event in events] == ["added", "claimed", "decided"]
    assert events[1].previous_hash == events[0].hash and json.loads(events[2].detail)["kind"] == "decided"
    one = server.audit.GetAuditEvent(A.GetAuditEventRequest(name=events[1].name), metadata=auth).event
    assert one == events[1]
    gone = A.GetAuditEventRequest(name=f"{room.site}/auditEvents/99")
    refused(lambda: server.audit.GetAuditEvent(gone, metadata=auth), C.NOT_FOUND, "AUDIT_EVENT_NOT_FOUND")
    verified = server.audit.VerifyAuditChain(A.VerifyAuditChainRequest(parent=room.site), metadata=auth)
    assert (verified.verified_count, verified.broken_sequence, verified.done) == (3, 0, True)
    assert verified.head_hash == events[2].hash
    forged = A.VerifyAuditChainRequest(parent=room.site, after_sequence=1, after_hash="00" * 32)
    assert server.audit.VerifyAuditChain(forged, metadata=auth).broken_sequence == 2
    stream = server.audit.WatchAuditEvents(A.WatchAuditEventsRequest(parent=room.site, after_sequence=1), metadata=auth, timeout=20)
    told = (message for message in stream if message.HasField("event"))
    assert [next(told).event.sequence for _ in range(2)] == [2, 3]
    stream.cancel()
    refused(
        lambda: server.audit.ListAuditEvents(A.ListAuditEventsRequest(parent=room.site), metadata=server.auth("moderator")),
        C.PERMISSION_DENIED, "KEY_MAY_NOT",
    )


def cli(room, *args, by="moderator"):
    server = room.server
    words = ("--address", f"127.0.0.1:{server.port}", "--key", server.keys[by], "--site", room.id)
    return run(args[0], *words, *args[1:])


def test_the_terminal_moderates(room):
    room.score("Buy \u001b[31mcheap watches", author="seller")
    listed = cli(room, "queue", "list")
    assert listed.returncode == 0 and "\x1b" not in listed.stdout and "cheap watches" in listed.stdout, listed
    (item,) = (json.loads(line) for line in cli(room, "queue", "list", "--json").stdout.splitlines())
    id = item["name"].rsplit("/", 1)[1]
    shown = cli(room, "queue", "show", id)
    assert "cheap watches" in shown.stdout and "to be removed" in shown.stdout, shown
    decided = cli(room, "queue", "decide", id, "--reject", "spam", "--json")
    decision = json.loads(decided.stdout)
    assert (decision["disposition"], decision["reasonCode"]) == ("DISPOSITION_REJECT", "REASON_CODE_SPAM")
    again = cli(room, "queue", "decide", id, "--approve")
    assert again.returncode == 1 and "decided already" in again.stderr, again
    undone = cli(room, "queue", "undo", decision["name"].rsplit("/", 1)[1])
    assert undone.returncode == 0 and "1 undone" in undone.stdout, undone
    assert "open 1" in cli(room, "queue", "stats").stdout
    claimed = json.loads(cli(room, "queue", "claim", "--json").stdout)
    released = cli(room, "queue", "release", id, "--token", claimed["leaseToken"])
    assert released.returncode == 0, released
    tried = cli(room, "queue", "batch", "--author", "seller", "--reject", "spam", "--dry-run", by="lead")
    assert "1 would be decided" in tried.stdout, tried
    assert cli(room, "audit", "verify", by="ops").returncode == 0
    assert "decided" in cli(room, "audit", "list", by="ops").stdout
    assert cli(room, "queue", "stats", by="cms").returncode == 1
