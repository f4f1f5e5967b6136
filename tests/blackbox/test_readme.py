"""What the README tells a newcomer to type works as printed."""

import os
import re
import subprocess
import sys

import pytest
from conftest import BINARY, ROOT, Server, environment

README = (ROOT / "README.md").read_text()


def test_the_example_without_a_server():
    line = re.search(r"echo '(\{.*?\})' \\\n\s+\| cargo run --release -- score", README).group(1)
    done = subprocess.run([BINARY, "score"], input=line + "\n", capture_output=True, text=True, env=environment())
    assert done.returncode == 0 and '"action":"HOLD"' in done.stdout.replace(" ", ""), done


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data")
    yield server
    assert server.stop() == 0


def test_the_python_example(server, tmp_path):
    os.symlink(ROOT / "proto", tmp_path / "proto")
    command = re.search(r"`(mkdir [^`]*grpc_tools\.protoc[^`]*)`", README, re.S).group(1).replace("\n", " ")
    command = command.replace("python -m", f"{sys.executable} -m")
    subprocess.run(command, shell=True, check=True, cwd=tmp_path, capture_output=True)
    code = re.search(r"```python\n(.*?)```", README, re.S).group(1)
    code = code.replace("127.0.0.1:50051", f"127.0.0.1:{server.port}").replace("tamis_…", server.keys["cms"])
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "ACTION_HOLD" and len(lines) == 4 and all(line[0] in "+-" for line in lines[1:]), lines


def test_the_grpcurl_example(server):
    """The JSON that a newcomer pastes is a request of the method that stands beside it."""
    from google.protobuf import json_format
    from tamis.v1 import scoring_service_pb2, verdict_pb2

    body, method = re.search(r"-d '(\{.*?\})' 127\.0\.0\.1:50051 (\S+)", README, re.S).groups()
    assert method == "tamis.v1.ScoringService/ScoreComment"
    request = json_format.Parse(body, scoring_service_pb2.ScoreCommentRequest())
    verdict = server.scoring.ScoreComment(request, metadata=server.auth()).verdict
    assert verdict.action == verdict_pb2.ACTION_HOLD, verdict
