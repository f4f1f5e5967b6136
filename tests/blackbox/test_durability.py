"""SIGKILL under load, and a power cut: every acknowledged verdict is there afterwards."""

import os
import pathlib
import random
import shutil
import subprocess
import threading
import time

import grpc
import pytest
from conftest import SITE, Server, run
from tamis.v1 import comment_pb2, scoring_service_pb2, scoring_service_pb2_grpc

CYCLES = int(os.environ.get("CRASH_CYCLES", "40"))
CUTS = int(os.environ.get("POWER_CUTS", "8"))
WRITERS, RATE = 8, 200
SHIM = pathlib.Path(__file__).with_name("power_loss.c")


def killed_under_load(server, cycle, seconds):
    """Writes about 200 comments a second and kills the server; what it acknowledged."""
    fresh, lock, stop = {}, threading.Lock(), threading.Event()
    auth = server.auth()

    def write(writer):
        with server.connect() as channel:
            stub, n = scoring_service_pb2_grpc.ScoringServiceStub(channel), 0
            while not stop.is_set():
                body = f"cycle {cycle} writer {writer} number {n}"
                request = scoring_service_pb2.ScoreCommentRequest(parent=SITE, comment=comment_pb2.Comment(body=body))
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
    time.sleep(seconds)
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    return fresh


def test_nothing_acknowledged_is_lost(tmp_path):
    server = Server(tmp_path / "data")
    acknowledged, lost, seed = {}, [], random.Random(7)
    for cycle in range(CYCLES):
        fresh = killed_under_load(server, cycle, seed.uniform(0.05, 0.6))
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


class Cut:
    """A server on a disk that forgets everything unsynced when the power goes."""

    def __init__(self, folder, lie=None):
        shim = folder / "power_loss.so"
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", shim, SHIM, "-ldl"], check=True, capture_output=True)
        self.data, self.mirror = folder / "data", folder / "mirror"
        variables = {"LD_PRELOAD": str(shim), "POWER_LOSS_DIR": str(self.data), "POWER_LOSS_MIRROR": str(self.mirror)}
        self.server = Server(self.data, variables={**variables, **({"POWER_LOSS_LIE": lie} if lie else {})})

    def power_returns(self):
        """After the kill: the disk holds what the mirror holds."""
        shutil.rmtree(self.data)
        for part in self.mirror.rglob("*.part"):
            part.unlink()
        shutil.copytree(self.mirror, self.data)
        self.data.chmod(0o700)
        self.server.start()


def test_nothing_acknowledged_is_lost_with_the_page_cache(tmp_path):
    if shutil.which("gcc") is None:
        pytest.skip("gcc is needed to build tests/blackbox/power_loss.c")
    cut, seed, acknowledged = Cut(tmp_path), random.Random(11), {}
    for cycle in range(CUTS):
        fresh = killed_under_load(cut.server, cycle, seed.uniform(0.2, 0.9))
        acknowledged.update(fresh)
        cut.power_returns()
        lost = [name for name, want in acknowledged.items() if not there(cut.server, name, want)]
        assert not lost, f"cut {cycle}: {len(lost)} of {len(acknowledged)} lost"
    assert cut.server.stop() == 0
    assert len(acknowledged) > CUTS
    print(f"\n{CUTS} power cuts, {len(acknowledged)} acknowledged verdicts, 0 lost")
    verified = run("verify", "--data-dir", cut.data)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_missing_sync_would_be_found(tmp_path):
    """The control: a disk that only believes the committer's syncs loses what was acknowledged."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is needed to build tests/blackbox/power_loss.c")
    cut, seen, lost = Cut(tmp_path, lie="tamis-commit"), 0, 0
    for cycle in range(4):
        fresh = killed_under_load(cut.server, cycle, 0.45)
        cut.power_returns()
        seen += len(fresh)
        lost += sum(not there(cut.server, name, want) for name, want in fresh.items())
        if lost:
            break
    cut.server.stop()
    print(f"\nwithout the committer's sync: {lost} of {seen} lost")
    assert lost > 0


def there(server, name, want):
    request = scoring_service_pb2.GetVerdictRequest(name=name)
    try:
        verdict = server.scoring.GetVerdict(request, metadata=server.auth()).verdict
    except grpc.RpcError:
        return False
    return (verdict.comment.body, verdict.probability) == want
