"""Durable comments a second on PostgreSQL with everything on this machine: one by one and in batches, with 1, 2 and 3
nodes; CPU seconds per 1,000 comments of nodes and server; bytes that a comment takes in the database.

Clients are processes with many calls in flight: their CPU is told too, since they share the machine.
"""

import asyncio
import multiprocessing
import os
import pathlib
import random
import resource
import sys
import tempfile
import time

import grpc
from conftest import SITE
from postgres import Postgres
from tamis.v1 import comment_pb2, scoring_service_pb2 as S, scoring_service_pb2_grpc
from test_cluster import Cluster

SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
WORDS = (
    "the a of to and in that it is was for on are with they be at one have this from by not but what all were when we "
    "there can an your which their said if do will each about how up out them then she many some so these would other "
    "into has more her two like him see time could no make than first been its who now people my made over did down "
    "only way find use may water long little very after words called just where most know train city vote tax school"
).split()


def comment(rng, number):
    """Eighty letters or so, by one of 5,000 authors, under one of 200 articles' worth of ids."""
    body = " ".join(rng.choice(WORDS) for _ in range(15)) + f" {number}"
    return comment_pb2.Comment(body=body, comment_id=f"c{number}", author=comment_pb2.Author(id=f"a{rng.randrange(5_000)}"))


async def drive(ports, key, number, seconds, batch, in_flight):
    rng = random.Random(number)
    auth = [("authorization", f"Bearer {key}")]
    options = [("grpc.use_local_subchannel_pool", 1)]
    stubs = [scoring_service_pb2_grpc.ScoringServiceStub(grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options)) for port in ports]
    end, done, held, late, failed = time.monotonic() + seconds, 0, 0, [], 0

    async def client(at):
        nonlocal done, held, failed
        stub, sent = stubs[at % len(stubs)], 0
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                comments = [comment(rng, f"{number}-{at}-{sent + n}-{rng.random()}") for n in range(batch or 1)]
                sent += len(comments)
                if batch:
                    items = [S.BatchScoreCommentsItem(comment=one) for one in comments]
                    answer = await stub.BatchScoreComments(S.BatchScoreCommentsRequest(parent=SITE, items=items), metadata=auth, timeout=30)
                    done += sum(result.WhichOneof("result") == "verdict" for result in answer.results)
                    held += sum(result.verdict.action == 2 for result in answer.results)
                else:
                    answer = await stub.ScoreComment(S.ScoreCommentRequest(parent=SITE, comment=comments[0]), metadata=auth, timeout=30)
                    done += 1
                    held += answer.verdict.action == 2
            except grpc.aio.AioRpcError:
                failed += 1
                await asyncio.sleep(0.05)
            late.append(time.monotonic() - began)

    await asyncio.gather(*(client(at) for at in range(in_flight)))
    late.sort()
    return done, held, failed, late[len(late) // 2] if late else 0, late[int(len(late) * 0.99)] if late else 0


def process(ports, key, number, seconds, batch, in_flight, answers):
    result = asyncio.run(drive(ports, key, number, seconds, batch, in_flight))
    used = resource.getrusage(resource.RUSAGE_SELF)
    answers.put((*result, used.ru_utime + used.ru_stime))


def cpu(process_id):
    fields = pathlib.Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(cluster, postgres, name, batch, in_flight, clients=2):
    ports, key = [node.port for node in cluster.nodes], cluster.nodes[0].keys["cms"]
    answers = multiprocessing.get_context("spawn").Queue()
    make = multiprocessing.get_context("spawn").Process
    before = [cpu(node.process.pid) for node in cluster.nodes], postgres.cpu_seconds()
    rows, size = int(postgres.sql("SELECT count(*) FROM verdicts")), int(postgres.sql("SELECT pg_database_size('tamis')"))
    numbers = [random.randrange(1 << 30) for _ in range(clients)]
    running = [make(target=process, args=(ports, key, number, SECONDS, batch, in_flight // clients, answers)) for number in numbers]
    for one in running:
        one.start()
    results = [answers.get() for _ in running]
    for one in running:
        one.join()
    done = sum(result[0] for result in results)
    nodes = [cpu(node.process.pid) - was for node, was in zip(cluster.nodes, before[0])]
    database = postgres.cpu_seconds() - before[1]
    grown = int(postgres.sql("SELECT pg_database_size('tamis')")) - size
    kept = int(postgres.sql("SELECT count(*) FROM verdicts")) - rows
    assert kept >= done, "acknowledged comments are not in the database"
    per = 1000 / max(done, 1)
    print(
        f"{name}: {done / SECONDS:,.0f} comments/s, p50 {max(r[3] for r in results) * 1e3:.0f} ms, p99 {max(r[4] for r in results) * 1e3:.0f} ms, "
        f"held {sum(r[1] for r in results) / max(done, 1):.1%}, refused {sum(r[2] for r in results)}; CPU seconds per 1,000: nodes "
        f"{' + '.join(f'{one * per:.3f}' for one in nodes)}, database {database * per:.3f}, clients {sum(r[5] for r in results) * per:.3f}; "
        f"{grown / max(kept, 1):,.0f} bytes a comment", flush=True,
    )
    return done / SECONDS


def main():
    with tempfile.TemporaryDirectory(prefix="tamis-bench-") as home:
        home = pathlib.Path(home)
        home.chmod(0o755)
        for count in map(int, os.environ.get("BENCH_NODES", "1,2,3").split(",")):
            postgres = Postgres(home / f"postgres-{count}")
            if os.environ.get("BENCH_ROLE"):
                postgres.sql(f"ALTER ROLE tamis SET {os.environ['BENCH_ROLE']}")
            try:
                cluster = Cluster(home / f"nodes-{count}", postgres.url(), count, "--set", "limits.in_flight=2000")
                measure(cluster, postgres, f"{count} node(s), warm-up", 0, 64)
                measure(cluster, postgres, f"{count} node(s), ScoreComment, 256 in flight", 0, 256)
                measure(cluster, postgres, f"{count} node(s), BatchScoreComments of 100, 32 in flight", 100, 32)
                cluster.stop()
            finally:
                postgres.close()


if __name__ == "__main__":
    main()
