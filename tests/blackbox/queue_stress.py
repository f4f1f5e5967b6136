"""One worker of the queue stress: claims, waits, decides, repeats itself, and writes down what it was told.

Started as a process of its own by test_queue_stress.py; talks to a server that is killed and started again.
"""

import json
import pathlib
import random
import sys
import time
import uuid

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "target" / "stubs"))

from google.protobuf import duration_pb2  # noqa: E402
from tamis.v1 import decision_pb2, queue_service_pb2 as Q, queue_service_pb2_grpc  # noqa: E402

SITE = "sites/default"
CALM = {grpc.StatusCode.ABORTED, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND}


def retried(call, end, times=1):
    """Sends until an answer comes, then `times - 1` more times; the answers, or the refusal."""
    answers = []
    while len(answers) < times:
        try:
            answers.append(call())
        except grpc.RpcError as error:
            if error.code() in CALM:
                return answers, error
            if time.time() > end + 30:
                return answers, error
            time.sleep(random.uniform(0.02, 0.2))
    return answers, None


def work(worker, port, key, seconds, pause, log):
    random.seed(worker)
    auth = [("authorization", f"Bearer {key}")]
    channel = grpc.insecure_channel(
        f"127.0.0.1:{port}",
        options=[
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.min_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 200),
        ],
    )
    queue = queue_service_pb2_grpc.QueueServiceStub(channel)
    end = time.time() + seconds
    idle = 0
    while (time.time() < end if seconds else idle < 3):
        claim = Q.ClaimQueueItemsRequest(
            parent=SITE,
            max_items=random.randint(1, 50),
            lease_duration=duration_pb2.Duration(seconds=1),
            request_id=str(uuid.uuid4()),
        )
        sends = 2 if random.random() < 0.3 else 1
        answers, refusal = retried(lambda: queue.ClaimQueueItems(claim, metadata=auth, timeout=5), end, sends)
        if refusal:
            raise refusal
        for answer in answers:
            for one in answer.items:
                log.write(json.dumps(["claim", one.item.name, one.lease_token]) + "\n")
        items = list(answers[0].items)
        idle = 0 if items else idle + 1
        if not items and not seconds:
            time.sleep(1.1)
        random.shuffle(items)
        late = set(random.sample(range(len(items)), len(items) // 8)) if pause and items else set()
        if pause and random.random() < 0.3:
            time.sleep(random.uniform(0, 3))
        for at, one in enumerate(items):
            if at in late:
                continue
            decide(queue, auth, one, end, log)
        if late:
            time.sleep(random.uniform(0, 3))
        for at in late:
            decide(queue, auth, items[at], end, log)
        log.flush()


def decide(queue, auth, one, end, log):
    reject = random.random() < 0.5
    ruled = Q.Ruled(
        disposition=decision_pb2.DISPOSITION_REJECT if reject else decision_pb2.DISPOSITION_APPROVE,
        reason_code=decision_pb2.REASON_CODE_SPAM if reject else 0,
    )
    request = Q.DecideQueueItemRequest(
        name=one.item.name, lease_token=one.lease_token, ruled=ruled, request_id=str(uuid.uuid4())
    )
    sends = 2 if random.random() < 0.3 else 1
    answers, refusal = retried(lambda: queue.DecideQueueItem(request, metadata=auth, timeout=5), end, sends)
    for answer in answers:
        decision = answer.decision
        log.write(
            json.dumps(["decided", decision.item, decision.lease_token, decision.name, decision.disposition]) + "\n"
        )
    if refusal:
        log.write(json.dumps(["refused", one.item.name, one.lease_token, refusal.code().name]) + "\n")


if __name__ == "__main__":
    worker, port, key, seconds, pause, path = sys.argv[1:]
    with open(path, "a") as log:
        work(int(worker), int(port), key, float(seconds), pause == "pause", log)
