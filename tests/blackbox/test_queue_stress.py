"""16 workers on one queue while the server is killed every 5 seconds: every item has exactly one decision in force,
tokens strictly grow, the audit chain has one event per decision, and every counter equals a recount.

QUEUE_SECONDS and QUEUE_ITEMS set the size; `make stress-queue` runs 120 seconds and 10,000 items.
"""

import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

import grpc
from conftest import SITE, Server, free_port, run
from google.protobuf import field_mask_pb2
from tamis.v1 import (
    audit_service_pb2,
    comment_pb2,
    decision_pb2,
    queue_item_pb2,
    queue_service_pb2 as Q,
    scoring_service_pb2,
    site_pb2,
    site_service_pb2,
    label_pb2,
)

SECONDS = float(os.environ.get("QUEUE_SECONDS", "20"))
ITEMS = int(os.environ.get("QUEUE_ITEMS", "2000"))
WORKERS, KILL_EVERY, STOPPED = 16, 5.0, 5_000
HERE = pathlib.Path(__file__).resolve().parent


def hold_everything(server):
    """A policy under which every comment waits for a person."""
    thresholds = [
        site_pb2.LabelThresholds(label=label, hold=0.0)
        for label in (
            label_pb2.LABEL_SPAM,
            label_pb2.LABEL_LOW_CONTENT,
            label_pb2.LABEL_OFF_TOPIC,
            label_pb2.LABEL_ABUSE,
        )
    ]
    auth = server.auth("admin")
    site = server.sites.GetSite(site_service_pb2.GetSiteRequest(name=SITE), metadata=auth).site
    site.policy.CopyFrom(site_pb2.Policy(thresholds=site_pb2.Thresholds(labels=thresholds)))
    mask = field_mask_pb2.FieldMask(paths=["policy"])
    server.sites.UpdateSite(site_service_pb2.UpdateSiteRequest(site=site, update_mask=mask), metadata=auth)


def fill(server, count):
    for start in range(0, count, 500):
        items = [
            scoring_service_pb2.BatchScoreCommentsItem(comment=comment_pb2.Comment(body=f"comment number {n}"))
            for n in range(start, min(start + 500, count))
        ]
        request = scoring_service_pb2.BatchScoreCommentsRequest(parent=SITE, items=items)
        answer = server.scoring.BatchScoreComments(request, metadata=server.auth(), timeout=60)
        assert all(result.WhichOneof("result") == "verdict" for result in answer.results)


def start_workers(server, folder, seconds, pause):
    def command(worker):
        log = folder / f"worker-{worker}.jsonl"
        words = [worker, server.port, server.keys["admin"], seconds, "pause" if pause else "go", log]
        return [sys.executable, str(HERE / "queue_stress.py"), *map(str, words)]

    return [subprocess.Popen(command(worker)) for worker in range(WORKERS)]


def everything(server, state):
    token, items = "", []
    while True:
        request = Q.ListQueueItemsRequest(
            parent=SITE, state=state, page_size=500, page_token=token, order=queue_item_pb2.QUEUE_ORDER_OLDEST
        )
        page = server.queue.ListQueueItems(request, metadata=server.auth("admin"), timeout=30)
        items.extend(page.items)
        token = page.next_page_token
        if not token:
            return items


def audit(server):
    token, events = "", []
    while True:
        request = audit_service_pb2.ListAuditEventsRequest(parent=SITE, page_size=500, page_token=token)
        page = server.audit.ListAuditEvents(request, metadata=server.auth("admin"), timeout=30)
        events.extend(page.events)
        token = page.next_page_token
        if not token:
            return events


def test_every_item_gets_exactly_one_decision(tmp_path):
    server = Server(
        tmp_path / "data", "--set", "queue.min_lease_ms=1000", "--set", "limits.in_flight=512", port=free_port()
    )
    hold_everything(server)
    fill(server, ITEMS)
    workers = start_workers(server, tmp_path, SECONDS, pause=True)
    end, kills = time.time() + SECONDS, 0
    while time.time() < end:
        time.sleep(min(KILL_EVERY, max(0.0, end - time.time())))
        server.kill()
        kills += 1
        server.start()
    assert all(worker.wait(timeout=90) == 0 for worker in workers)
    # What is left is decided without pauses, so that every item has its decision.
    rest = start_workers(server, tmp_path, 0, pause=False)
    assert all(worker.wait(timeout=120) == 0 for worker in rest)
    check(server, tmp_path, kills)


def test_a_long_queue_stops_in_time(tmp_path):
    """SIGTERM while moderators work on a long queue: calls in flight are finished, nothing acknowledged is lost."""
    server = Server(tmp_path / "data")
    hold_everything(server)
    fill(server, STOPPED)
    decided, end = [], threading.Event()

    def moderate():
        auth = server.auth("admin")
        ruled = Q.Ruled(disposition=decision_pb2.DISPOSITION_APPROVE)
        try:
            while not end.is_set():
                claim = Q.ClaimQueueItemsRequest(parent=SITE, max_items=10)
                for one in server.queue.ClaimQueueItems(claim, metadata=auth, timeout=10).items:
                    request = Q.DecideQueueItemRequest(name=one.item.name, lease_token=one.lease_token, ruled=ruled)
                    decided.append(server.queue.DecideQueueItem(request, metadata=auth, timeout=10).decision.name)
        except grpc.RpcError as error:
            assert end.is_set(), error

    moderators = [threading.Thread(target=moderate) for _ in range(4)]
    for moderator in moderators:
        moderator.start()
    time.sleep(1)
    end.set()
    started = time.monotonic()
    assert server.stop() == 0
    took = time.monotonic() - started
    for moderator in moderators:
        moderator.join()
    print(f"\n{STOPPED} items, {len(decided)} decisions: stopped in {took:.1f} s")
    assert took < 5 and decided
    server.start()
    stats = server.queue.GetQueueStats(Q.GetQueueStatsRequest(parent=SITE), metadata=server.auth("admin"))
    assert stats.open_count + stats.claimed_count + stats.decided_count == STOPPED
    assert stats.decided_count >= len(decided)
    assert server.stop() == 0


def check_queue(server, folder, count):
    claims, told, refused = collections.defaultdict(list), {}, collections.Counter()
    for path in sorted(folder.glob("worker-*.jsonl")):
        for line in path.read_text().splitlines():
            kind, item, token, *rest = json.loads(line)
            if kind == "claim":
                claims[item].append((token, path.name))
            elif kind == "decided":
                assert told.setdefault(rest[0], (item, token, rest[1])) == (item, token, rest[1]), "a retry differs"
            else:
                refused[rest[0]] += 1

    open_items = everything(server, queue_item_pb2.QUEUE_ITEM_STATE_OPEN)
    claimed = everything(server, queue_item_pb2.QUEUE_ITEM_STATE_CLAIMED)
    decided = everything(server, queue_item_pb2.QUEUE_ITEM_STATE_DECIDED)
    assert (len(open_items), len(claimed), len(decided)) == (0, 0, count)
    assert len({item.name for item in decided}) == count

    events = audit(server)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1)), "the chain has gaps"
    made = [json.loads(event.detail) for event in events if event.action == "decided"]
    per_item = collections.Counter(event["item"] for event in made)
    assert set(per_item.values()) == {1} and len(per_item) == count, "an item was decided twice"
    in_force = {item.decision.rsplit("/", 1)[1] for item in decided}
    assert in_force == {event["decision"] for event in made}, "the audit chain knows other decisions"
    lost = {name for name in told if name.rsplit("/", 1)[1] not in in_force}
    assert not lost, f"acknowledged decisions are gone: {sorted(lost)[:3]}"

    given = collections.defaultdict(list)
    for event in events:
        if event.action == "claimed":
            detail = json.loads(event.detail)
            given[detail["item"]].append(detail["token"])
    for item, tokens in given.items():
        assert tokens == sorted(set(tokens)), f"tokens of {item} do not strictly grow: {tokens}"
    for item, seen in claims.items():
        holders = collections.defaultdict(set)
        for token, worker in seen:
            holders[token].add(worker)
        assert all(len(workers) == 1 for workers in holders.values()), f"two workers hold {item} by one token"
    for name, (item, token, _) in random.Random(7).sample(sorted(told.items()), min(200, len(told))):
        answer = server.queue.GetQueueItem(Q.GetQueueItemRequest(name=item), metadata=server.auth("admin"))
        assert [d.name for d in answer.decisions] == [name] and answer.decisions[0].lease_token == token
        assert token == max(given[item.rsplit("/", 1)[1]]), "an old token decided"

    stats = server.queue.GetQueueStats(Q.GetQueueStatsRequest(parent=SITE), metadata=server.auth("admin"))
    assert (stats.open_count, stats.claimed_count, stats.decided_count) == (0, 0, count)
    assert sum(hour.decision_count for hour in stats.hours) == count
    request = audit_service_pb2.VerifyAuditChainRequest(parent=SITE)
    while True:
        verified = server.audit.VerifyAuditChain(request, metadata=server.auth("admin"), timeout=30)
        assert verified.broken_sequence == 0
        if verified.done:
            break
        request.after_sequence, request.after_hash = verified.head_sequence, verified.head_hash
    assert verified.head_sequence == len(events)
    takes = sum(len(tokens) for tokens in given.values())
    return (
        f"{count} items, {takes} leases, {len(told)} acknowledged decisions, {sum(refused.values())} stale tokens "
        f"refused, {len(events)} audit events: every item decided once"
    )


def check(server, folder, kills):
    figures = check_queue(server, folder, ITEMS)
    assert server.stop() == 0
    for command in (["doctor", "--recount"], ["verify"]):
        done = run(*command, "--data-dir", server.data_dir)
        assert done.returncode == 0, done.stdout + done.stderr
    log = (server.data_dir.parent / "data.log").read_text()
    assert "panicked" not in log, log
    print(f"\n{kills} kills, {figures}")
