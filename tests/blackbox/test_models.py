"""The life of a model through the real binary: listed, exported, imported, promoted, rolled back; and the server killed
in between."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import threading
import time

import grpc
import pytest
from conftest import BINARY, ROOT, SITE, Server, environment, make_key, refused, run
from tamis.v1 import comment_pb2, model_pb2, model_service_pb2 as m, model_service_pb2_grpc, scoring_service_pb2

MODEL = (
    '{"id":"a%d","text":"cheap pills casino bonus http://win%d.example","label":"spam","labels":{"spam":1,"low_content":0,'
    '"off_topic":0,"abuse":0}}\n{"id":"b%d","text":"the minister explained the budget number %d yesterday","label":"ham",'
    '"labels":{"spam":0,"low_content":0,"off_topic":0,"abuse":0}}\n'
)


def models(server):
    return model_service_pb2_grpc.ModelServiceStub(server.channel)


def cli(server, *args, role="ops", code=0):
    """Runs `tamis models ...` against the server; what it printed."""
    env = {**environment(), "TAMIS_CLIENT_KEY": server.keys[role], "TAMIS_CLIENT_ADDRESS": f"127.0.0.1:{server.port}"}
    done = subprocess.run([str(BINARY), "models", *map(str, args)], capture_output=True, text=True, timeout=300, env=env)
    assert done.returncode == code, (args, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """A small bundle of its own, as `tamis train` writes it."""
    home = tmp_path_factory.mktemp("bundle")
    data = home / "lines.jsonl"
    data.write_text("".join(MODEL % (n, n, n, n) for n in range(60)))
    done = run("train", "--data", data, "--out", home / "small", "--no-cross")
    assert done.returncode == 0, done.stderr
    return home / "small", re.search(r"model ([0-9a-f]{16})", done.stdout).group(1)


@pytest.fixture
def node(tmp_path):
    server = Server(tmp_path / "data")
    server.stop()
    server.keys |= {role: make_key(server.data_dir, role) for role in ("ops", "lead", "moderator")}
    server.start()
    yield server
    if server.process.poll() is None:
        assert server.stop() == 0
    assert "panicked" not in (tmp_path / "data.log").read_text()


def score(server, body):
    comment = comment_pb2.Comment(body=body)
    request = scoring_service_pb2.ScoreCommentRequest(parent=SITE, comment=comment)
    return server.scoring.ScoreComment(request, metadata=server.auth())


def active(server):
    return json.loads(cli(server, "show", "active", "--json"))["model"]["name"]


def test_a_bundle_is_imported_promoted_and_rolled_back(node, bundle, tmp_path):
    folder, small = bundle
    first = active(node)
    assert first.removeprefix("models/") in node.output, "the first line names the model that scores"
    assert f"{small} is there as candidate" in cli(node, "import", folder)
    assert f"{small} is there as candidate" in cli(node, "import", folder), "again is no error"
    assert "report/measured" in cli(node, "promote", small, code=1), "nothing was measured of it"
    assert active(node) == first
    cli(node, "promote", small, "--override", "report/measured", "--reason", "made by hand")
    assert active(node) == f"models/{small}"
    assert score(node, "cheap pills").verdict.versions.model == small
    cli(node, "rollback", "--reason", "it was a try")
    assert active(node) == first
    assert score(node, "cheap pills").verdict.versions.model == first.removeprefix("models/")
    assert "no model scored before" in cli(node, "rollback", code=1)
    history = [json.loads(line) for line in cli(node, "history", "--json").splitlines()]
    assert [one["kind"] for one in history] == [
        "PROMOTION_KIND_ROLLED_BACK", "PROMOTION_KIND_PROMOTED", "PROMOTION_KIND_CONFIGURED"]
    assert history[1]["overriddenGates"] == ["report/measured"] and history[1]["reason"] == "made by hand"
    paths = [json.loads(line)["path"] for line in cli(node, "diff", small, "--json").splitlines()]
    assert any(path.startswith("weights/text/") for path in paths) and any(p.startswith("data/") for p in paths)
    assert cli(node, "diff", small, "--base", small) == "the bundles do not differ\n"
    cli(node, "export", small, "--out", tmp_path / "out")
    for name in ("model.safetensors",):
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()
    cli(node, "delete", small)
    assert "no model" in cli(node, "show", small, code=1)
    assert not (node.data_dir / "models" / small).exists()


def test_what_was_promoted_scores_after_a_restart_and_after_a_kill(node, bundle):
    folder, small = bundle
    first = active(node)
    cli(node, "import", folder)
    for round in range(6):
        if round % 2 == 0:
            cli(node, "promote", small, "--override", "report/measured", "--reason", "kill test")
            want = f"models/{small}"
        else:
            cli(node, "rollback")
            want = first
        node.kill() if round < 4 else node.stop()
        node.start()
        assert active(node) == want
        assert want.removeprefix("models/") in node.output


def test_a_kill_in_the_middle_leaves_the_old_or_the_new(node, bundle):
    folder, small = bundle
    first = active(node).removeprefix("models/")
    cli(node, "import", folder)
    stub, auth = models(node), node.auth("ops")
    for round in range(8):
        def change():
            try:
                for _ in range(50):
                    stub.PromoteModel(m.PromoteModelRequest(name=f"models/{small}", reason="x", override_gates=["report/measured"]), metadata=auth)
                    stub.RollbackModel(m.RollbackModelRequest(), metadata=auth)
            except grpc.RpcError:
                pass
        thread = threading.Thread(target=change)
        thread.start()
        time.sleep(0.01 + 0.013 * round)
        node.kill()
        thread.join()
        node.start()
        stub = models(node)
        got = active(node).removeprefix("models/")
        assert got in (first, small)
        verdict = score(node, "cheap pills").verdict
        assert verdict.versions.model == got
        if got == small:
            cli(node, "rollback")


def test_damaged_and_foreign_bundles_are_refused(node, bundle, tmp_path):
    folder, small = bundle
    model, card = (folder / "model.safetensors").read_bytes(), (folder / "card.json").read_text()
    stub, auth = models(node), node.auth("ops")
    sha = lambda data: hashlib.sha256(data).hexdigest()

    def send(model, card, **header):
        header = {"name": f"models/{small}", "model_bytes": len(model), "model_sha256": sha(model), "card_json": card,
                  "card_sha256": sha(card.encode()), **header}
        parts = [m.ImportModelRequest(header=m.ModelHeader(**header))]
        parts += [m.ImportModelRequest(chunk=model[at:at + 500_000]) for at in range(0, len(model), 500_000)]
        return stub.ImportModel(iter(parts), metadata=auth)

    bad = grpc.StatusCode.INVALID_ARGUMENT
    refused(bad, "model_sha256", lambda: send(model, card, model_sha256="00"))
    refused(bad, "chunk", lambda: send(model[:-1], card, model_bytes=len(model)))
    damaged = bytearray(model)
    damaged[len(model) // 2] ^= 1
    refused(bad, "MODEL_UNUSABLE", lambda: send(bytes(damaged), card))
    refused(bad, "MODEL_UNUSABLE", lambda: send(b"no bundle", card))
    refused(bad, "MODEL_UNUSABLE", lambda: send(model, "{}"))
    refused(bad, "header", lambda: stub.ImportModel(iter([m.ImportModelRequest(chunk=b"x")]), metadata=auth))
    assert len(cli(node, "list", "--json").splitlines()) == 1
    assert send(model, card).model.stage == model_pb2.MODEL_STAGE_CANDIDATE
    not_found = grpc.StatusCode.NOT_FOUND
    refused(not_found, "MODEL_NOT_FOUND", lambda: stub.PromoteModel(m.PromoteModelRequest(name="models/0000"), metadata=auth))
    stale = m.PromoteModelRequest(name=f"models/{small}", override_gates=["report/measured"], reason="x", expected_sequence=9)
    refused(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", lambda: stub.PromoteModel(stale, metadata=auth))
    needless = m.PromoteModelRequest(name=f"models/{small}", override_gates=["slices/language"], reason="x")
    refused(bad, "override_gates", lambda: stub.PromoteModel(needless, metadata=auth))
    silent = m.PromoteModelRequest(name=f"models/{small}", override_gates=["report/measured"])
    refused(bad, "reason", lambda: stub.PromoteModel(silent, metadata=auth))


def test_models_are_for_operators_of_the_whole_installation(node):
    stub = models(node)
    denied = grpc.StatusCode.PERMISSION_DENIED
    for role in ("cms", "moderator"):
        refused(denied, "KEY_MAY_NOT", lambda: stub.ListModels(m.ListModelsRequest(), metadata=node.auth(role)))
    assert stub.ListModels(m.ListModelsRequest(), metadata=node.auth("lead")).models


def test_changes_of_models_are_in_the_audit_chain_of_the_installation(node, bundle):
    folder, small = bundle
    cli(node, "import", folder)
    cli(node, "promote", small, "--override", "report/measured", "--reason", "for the record")
    env = {**environment(), "TAMIS_CLIENT_KEY": node.keys["ops"], "TAMIS_CLIENT_ADDRESS": f"127.0.0.1:{node.port}",
           "TAMIS_CLIENT_SITE": "_"}
    tell = lambda *args: subprocess.run([str(BINARY), "audit", *args], capture_output=True, text=True, env=env, timeout=60)
    events = [json.loads(line) for line in tell("list", "--json").stdout.splitlines()]
    # The rules that the node began with stand in the same chain.
    of_models = [event["action"] for event in events if event["action"].startswith("model")]
    assert of_models == ["model_added", "model_promoted", "model_added", "model_promoted"]
    assert events[-1]["target"] == f"models/{small}" and "for the record" in events[-1]["detail"]
    assert f"{len(events)} events hold" in tell("verify").stdout
