"""`make bench-queue`: one queue of ITEMS items on the embedded store, then 200 decisions a second on it.

Prints p50 and p99 of a list page, a claim and a decision as the client sees them, the rate reached, the server's memory,
and how long it takes to stop and to start again. Exits 1 when a p99 is 20 ms or more, when memory passes the configured
cache by more than 200 MiB, or when stopping takes longer than calls in flight are waited for.
"""

import os
import pathlib
import random
import sys
import tempfile
import threading
import time

from conftest import SITE, Server
from tamis.v1 import (
    comment_pb2,
    decision_pb2,
    queue_item_pb2,
    queue_service_pb2 as Q,
    scoring_service_pb2,
)
from test_queue_stress import hold_everything

ITEMS = int(os.environ.get("QUEUE_ITEMS", "1000000"))
SECONDS = float(os.environ.get("QUEUE_SECONDS", "30"))
RATE, WORKERS, PER_CLAIM, CACHE_MIB, BATCH = 200, 8, 10, 64, 200
LIMIT_MS, EXTRA_MIB, STOP_SECONDS = 20.0, 200, 10.0


def rss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def fill(server, count):
    """Fills with several batches in flight, so that durable writes are shared."""
    numbers, lock, words = iter(range(0, count, BATCH)), threading.Lock(), "gas rail grain trade war peace visit".split()
    filled = []

    def send():
        while True:
            with lock:
                start = next(numbers, None)
            if start is None:
                return
            items = []
            for n in range(start, min(start + BATCH, count)):
                body = f"comment {n} on {random.choice(words)} and {random.choice(words)}"
                author = comment_pb2.Author(id=f"author-{n % 50000}")
                items.append(
                    scoring_service_pb2.BatchScoreCommentsItem(
                        comment=comment_pb2.Comment(comment_id=f"comment-{n}", body=body, author=author)
                    )
                )
            request = scoring_service_pb2.BatchScoreCommentsRequest(parent=SITE, items=items)
            answer = server.scoring.BatchScoreComments(request, metadata=server.auth(), timeout=300)
            filled.append(sum(result.WhichOneof("result") == "verdict" for result in answer.results))

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(filled) == count, f"only {sum(filled)} of {count} items were taken"


class Times:
    def __init__(self):
        self.ms, self.lock = {"list": [], "claim": [], "decide": []}, threading.Lock()

    def take(self, what, call):
        start = time.perf_counter()
        answer = call()
        took = 1000 * (time.perf_counter() - start)
        with self.lock:
            self.ms[what].append(took)
        return answer

    def at(self, what, share):
        values = sorted(self.ms[what])
        return values[min(len(values) - 1, int(share * len(values)))]


def moderate(server, times, end):
    auth = server.auth("admin")
    pause = WORKERS / RATE
    while time.time() < end:
        claim = Q.ClaimQueueItemsRequest(parent=SITE, max_items=PER_CLAIM)
        items = times.take("claim", lambda: server.queue.ClaimQueueItems(claim, metadata=auth, timeout=30)).items
        page = Q.ListQueueItemsRequest(parent=SITE, order=random.choice(list(queue_item_pb2.QueueOrder.values())))
        times.take("list", lambda: server.queue.ListQueueItems(page, metadata=auth, timeout=30))
        for one in items:
            started = time.time()
            request = Q.DecideQueueItemRequest(
                name=one.item.name,
                lease_token=one.lease_token,
                ruled=Q.Ruled(disposition=decision_pb2.DISPOSITION_APPROVE),
            )
            times.take("decide", lambda: server.queue.DecideQueueItem(request, metadata=auth, timeout=30))
            time.sleep(max(0.0, pause - (time.time() - started)))


def main():
    with tempfile.TemporaryDirectory(dir=os.environ.get("QUEUE_DIR")) as folder:
        server = Server(pathlib.Path(folder) / "data", "--set", f"storage.cache_mib={CACHE_MIB}")
        hold_everything(server)
        start = time.time()
        fill(server, ITEMS)
        print(f"filled {ITEMS} items in {time.time() - start:.0f} s, {rss_mib(server.process.pid):.0f} MiB", flush=True)
        times, end = Times(), time.time() + SECONDS
        threads = [threading.Thread(target=moderate, args=(server, times, end)) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rss = rss_mib(server.process.pid)
        start = time.time()
        server.stop()
        stopping, start = time.time() - start, time.time()
        server.start()
        page = server.queue.ListQueueItems(Q.ListQueueItemsRequest(parent=SITE), metadata=server.auth("admin"), timeout=30)
        starting = time.time() - start
        again = rss_mib(server.process.pid)
        assert page.items, "the queue is there after a restart"
        server.stop()
    fine = max(rss, again) <= CACHE_MIB + EXTRA_MIB and stopping < STOP_SECONDS
    for what in ("list", "claim", "decide"):
        p99 = times.at(what, 0.99)
        fine = fine and p99 < LIMIT_MS
        print(f"{what}: p50 {times.at(what, 0.5):.1f} ms, p99 {p99:.1f} ms, {len(times.ms[what])} calls")
    rate = len(times.ms["decide"]) / SECONDS
    print(f"{rate:.0f} decisions/s on {ITEMS} items; RSS {rss:.0f} MiB, cache {CACHE_MIB} MiB")
    print(f"stopped in {stopping:.1f} s; first page {starting:.1f} s after starting again, RSS {again:.0f} MiB")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
