"""SIGKILL under load: every acknowledged verdict is there afterwards."""

import os
import random
import threading
import time

import grpc
from conftest import SITE, Server, run
from tamis.v1 import comment_pb2, scoring_service_pb2

CYCLES = int(os.environ.get("CRASH_CYCLES", "40"))
WRITERS, RATE = 8, 200


def test_nothing_acknowledged_is_lost(tmp_path):
    server = Server(tmp_path / "data")
    acknowledged, lost, seed = {}, [], random.Random(7)
    for cycle in range(CYCLES):
        fresh, lock, stop = {}, threading.Lock(), threading.Event()
        address, auth = f"127.0.0.1:{server.port}", server.auth()

        def write(writer):
            from tamis.v1 import scoring_service_pb2_grpc

            with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
                stub, n = scoring_service_pb2_grpc.ScoringServiceStub(channel), 0
                while not stop.is_set():
                    body = f"cycle {cycle} writer {writer} number {n}"
                    request = scoring_service_pb2.ScoreCommentRequest(
                        parent=SITE, comment=comment_pb2.Comment(body=body)
                    )
                    try:
                        answer = stub.ScoreComment(request, metadata=auth, timeout=5)
                    except grpc.RpcError:
                        return
                    with lock:
                        fresh[answer.verdict.name] = (body, answer.verdict.probability)
                    n += 1
                    time.sleep(WRITERS / RATE)

        threads = [threading.Thread(target=write, args=(w,)) for w in range(WRITERS)]
        for thread in threads:
            thread.start()
        time.sleep(seed.uniform(0.05, 0.6))
        server.kill()
        stop.set()
        for thread in threads:
            thread.join()
        server.start()
        acknowledged.update(fresh)
        # What this cycle wrote, and a sample of what earlier cycles wrote.
        names = list(fresh) + seed.sample(sorted(acknowledged), min(20, len(acknowledged)))
        lost += [name for name in names if not there(server, name, acknowledged[name])]
        assert not lost, f"cycle {cycle}: lost {lost[:3]}"
    lost = [name for name, want in acknowledged.items() if not there(server, name, want)]
    assert server.stop() == 0
    print(f"\n{CYCLES} kills, {len(acknowledged)} acknowledged verdicts, {len(lost)} lost")
    assert not lost and len(acknowledged) > CYCLES
    verified = run("verify", "--data-dir", tmp_path / "data")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def there(server, name, want):
    request = scoring_service_pb2.GetVerdictRequest(name=name)
    try:
        verdict = server.scoring.GetVerdict(request, metadata=server.auth()).verdict
    except grpc.RpcError:
        return False
    return (verdict.comment.body, verdict.probability) == want
