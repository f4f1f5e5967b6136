"""Bad input gets a clear, specific error; the server goes on."""

import socket
import uuid

import grpc
import pytest
from conftest import ROOT, SITE, Server, free_port, refused, run
from tamis.v1 import comment_pb2, scoring_service_pb2

C = grpc.StatusCode


def score(server, parent=SITE, request_id="", auth=None, **comment):
    request = scoring_service_pb2.ScoreCommentRequest(
        parent=parent, comment=comment_pb2.Comment(**comment), request_id=request_id
    )
    return server.scoring.ScoreComment(request, metadata=server.auth() if auth is None else auth)


def test_requests(server):
    refused(C.INVALID_ARGUMENT, "comment.body", lambda: score(server, body=""))
    refused(C.INVALID_ARGUMENT, "comment.body", lambda: score(server, body=" \n"))
    refused(C.INVALID_ARGUMENT, "comment.body", lambda: score(server, body="x" * (64 * 1024 + 1)))
    refused(C.INVALID_ARGUMENT, "parent", lambda: score(server, parent="nonsense", body="x"))
    refused(C.NOT_FOUND, "nowhere", lambda: score(server, parent="sites/nowhere", body="x", auth=server.auth("admin")))
    refused(C.NOT_FOUND, "ghost", lambda: score(server, body="x", article=f"{SITE}/articles/ghost"))
    refused(C.UNAUTHENTICATED, "key", lambda: score(server, body="x", auth=[]))
    bad = [("authorization", "Bearer tamis_0123456789abcdef.0123")]
    refused(C.UNAUTHENTICATED, "key", lambda: score(server, body="x", auth=bad))
    with pytest.raises(grpc.RpcError) as caught:
        score(server, body="x" * (1 << 20))
    assert caught.value.code() in (C.INVALID_ARGUMENT, C.OUT_OF_RANGE, C.RESOURCE_EXHAUSTED), caught.value
    score(server, body="still here")


def test_all_violations_come_at_once(server):
    request = scoring_service_pb2.ScoreCommentRequest(
        parent="x", comment=comment_pb2.Comment(body="", ip="nonsense"), request_id="no uuid"
    )
    with pytest.raises(grpc.RpcError) as caught:
        server.scoring.ScoreComment(request, metadata=server.auth("admin"))
    text = caught.value.details() + str(dict(caught.value.trailing_metadata()))
    for field in ("parent", "comment.body", "comment.ip", "request_id"):
        assert field in text, (field, text)


def test_invalid_utf8_on_the_wire(server):
    raw = server.channel.unary_unary(
        "/tamis.v1.ScoringService/ScoreComment", request_serializer=bytes, response_deserializer=bytes
    )
    refused(C.INVALID_ARGUMENT, "", lambda: raw(b"\x0a\x02\xff\xfe", metadata=server.auth()))
    refused(C.INVALID_ARGUMENT, "", lambda: raw(b"\xff" * 50, metadata=server.auth()))
    score(server, body="still here")


def test_request_ids(server):
    request_id = str(uuid.uuid4())
    first = score(server, body="once", request_id=request_id)
    again = score(server, body="once", request_id=request_id)
    assert first.verdict.name == again.verdict.name
    refused(C.INVALID_ARGUMENT, request_id, lambda: score(server, body="twice", request_id=request_id))


def test_bad_bundles_are_refused(tmp_path):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "card.json").write_bytes((ROOT / "models/default/card.json").read_bytes())
    model = bytearray((ROOT / "models/default/model.safetensors").read_bytes())
    model[len(model) // 2] ^= 1
    (bundle / "model.safetensors").write_bytes(model)
    done = run("serve", "--http-listen", "", "--data-dir", tmp_path / "data", "--model-dir", bundle)
    assert done.returncode == 1 and "model.safetensors" in done.stderr, done
    assert "panicked" not in done.stderr


def test_a_corrupt_store_is_told(tmp_path):
    server = Server(tmp_path / "data")
    for i in range(50):
        score(server, body=f"number {i}")
    server.kill()
    for file in (tmp_path / "data" / "store").rglob("*"):
        if file.is_file() and file.name in ("conf", "db"):
            data = bytearray(file.read_bytes())
            data[: len(data) // 2] = b"\xa5" * (len(data) // 2)
            file.write_bytes(data)
    done = run("serve", "--http-listen", "", "--data-dir", tmp_path / "data", "--listen", f"127.0.0.1:{free_port()}")
    assert done.returncode == 1 and str(tmp_path / "data") in done.stderr, done


def test_a_port_in_use_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", "--http-listen", "", "--data-dir", tmp_path / "data", "--listen", address)
    assert done.returncode == 1 and address in done.stderr and "another program listens there" in done.stderr, done
    assert done.stderr.count("in use") == 1, done


def test_unknown_keys_of_the_configuration_are_told(tmp_path):
    config = tmp_path / "tamis.toml"
    config.write_text('[grpc]\nlissten = "127.0.0.1:1"\n[log]\nformat = "xml"\n')
    done = run("check-config", "--config", config)
    assert done.returncode == 64, done
    assert "did you mean grpc.listen" in done.stderr and "log.format" in done.stderr, done.stderr
