"""Rules through the binary: the command line, a kill at any moment, the gate, metrics."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest

from conftest import SITE, Server, environment, run
from tamis.v1 import (
    comment_pb2,
    rule_service_pb2,
    rule_service_pb2_grpc,
    rule_set_pb2,
    scoring_service_pb2,
    verdict_pb2,
)

RULE = """[[list]]
name = "casino"
message = "Names a casino."
terms = ["casino"]
action = "{action}"
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("rules") / "data")
    server.http = re.search(r"console on http://([^/]+)/", server.output).group(1)
    yield server
    server.stop()


def tamis(server, *args):
    return run("rules", *args, "--address", f"127.0.0.1:{server.port}", "--key", server.keys["admin"])


def score(server, body, author="a"):
    comment = comment_pb2.Comment(body=body, author=comment_pb2.Author(id=author))
    request = scoring_service_pb2.ScoreCommentRequest(parent=SITE, comment=comment)
    return server.scoring.ScoreComment(request, metadata=server.auth("admin")).verdict


def write(folder, action):
    folder.mkdir(exist_ok=True)
    (folder / "site.toml").write_text(RULE.format(action=action))
    return folder


def test_a_directory_is_pushed_published_and_taken_back(node, tmp_path):
    rules = write(tmp_path / "rules", "HOLD")
    dry = tamis(node, "push", rules, "--dry-run")
    assert dry.returncode == 0 and "+ casino" in dry.stdout and "was not kept" in dry.stdout, dry
    assert tamis(node, "list").stdout.count("\n") <= 2
    pushed = tamis(node, "push", rules, "--note", "first")
    assert pushed.returncode == 0, pushed
    assert "+ casino" in tamis(node, "diff").stdout
    backtest = tamis(node, "backtest")
    assert backtest.returncode == 0 and "may be published" in backtest.stdout, backtest
    assert tamis(node, "publish", "--reason", "wave").returncode == 0
    assert score(node, "a casino by the sea").action == verdict_pb2.ACTION_HOLD
    tamis(node, "push", write(tmp_path / "rules", "ALLOW"), "--note", "milder")
    assert 'action: "HOLD" -> "ALLOW"' in tamis(node, "diff").stdout
    assert tamis(node, "publish", "--reason", "too hard").returncode == 0
    assert score(node, "a casino by the sea").action == verdict_pb2.ACTION_ALLOW
    assert tamis(node, "rollback", "--reason", "was right").returncode == 0
    assert score(node, "a casino by the sea").action == verdict_pb2.ACTION_HOLD
    shown = json.loads(tamis(node, "show", "--json").stdout)
    assert shown["rules"][0]["name"] == "casino" and shown["ruleSet"]["state"] == "RULE_SET_STATE_LIVE"
    report = json.loads(tamis(node, "report", "--json").stdout)
    assert {r["rule"]["name"]: int(r.get("hitCount", 0)) for r in report["rules"]}["casino"] >= 3


def test_mistakes_are_shown_where_they_stand(node, tmp_path):
    (tmp_path / "bad.toml").write_text('[[list]]\nname = "a"\nterms = []\n')
    refused = tamis(node, "push", tmp_path / "bad.toml")
    assert refused.returncode == 1 and "bad.toml:3:9" in refused.stdout and "nothing was sent" in refused.stdout


def test_what_was_published_survives_a_kill(tmp_path):
    server = Server(tmp_path / "data")
    for round in range(6):
        stub = rule_service_pb2_grpc.RuleServiceStub(server.channel)
        text = RULE.format(action="HOLD" if round % 2 == 0 else "REJECT") + f"# {round}\n"
        files = [rule_set_pb2.RuleFile(name="site.toml", text=text)]
        push = rule_service_pb2.PushRulesRequest(parent=SITE, files=files)
        name = stub.PushRules(push, metadata=server.auth("admin")).rule_set.name
        publish = rule_service_pb2.PublishRulesRequest(name=name, reason="r")
        stub.PublishRules(publish, metadata=server.auth("admin"))
        server.kill()
        server.start()
        stub = rule_service_pb2_grpc.RuleServiceStub(server.channel)
        get = rule_service_pb2.GetRulesRequest(name=f"{SITE}/ruleSets/live")
        assert stub.GetRules(get, metadata=server.auth("admin")).rule_set.name == name
        want = verdict_pb2.ACTION_HOLD if round % 2 == 0 else verdict_pb2.ACTION_REJECT
        assert score(server, f"a casino by the sea {round}").action == want
    assert server.stop() == 0


def test_a_verdict_is_explained_to_the_bit_after_a_restart(tmp_path):
    server = Server(tmp_path / "data")
    verdicts = [score(server, text) for text in ("Win big at http://casino.example now", "Well said", "ok ok ok")]
    server.kill()
    server.start()
    for verdict in verdicts:
        request = scoring_service_pb2.ExplainVerdictRequest(name=verdict.name)
        answer = server.scoring.ExplainVerdict(request, metadata=server.auth("admin"))
        assert answer.identical and not answer.differences, answer
        assert answer.verdict.log_odds == verdict.log_odds and answer.verdict.action == verdict.action
    assert server.stop() == 0


def page(server, key=None, accept=None):
    request = urllib.request.Request(f"http://{server.http}/metrics")
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    if accept:
        request.add_header("Accept", accept)
    return urllib.request.urlopen(request, timeout=10)


def test_metrics_are_a_page_that_prometheus_reads(node):
    score(node, "a quiet evening")
    with pytest.raises(urllib.error.HTTPError) as refused:
        page(node)
    assert refused.value.code == 401
    text = page(node, node.keys["admin"]).read().decode()
    assert re.search(r'tamis_verdicts_total\{site="default",action="\w+",label="\w+"\} \d', text), text
    assert 'tamis_calls_total{method="/tamis.v1.ScoringService/ScoreComment",code="OK"}' in text
    assert "tamis_commit_seconds_bucket" in text and "tamis_ready 1" in text and "quiet evening" not in text
    assert page(node, node.keys["admin"], "application/openmetrics-text").read().decode().endswith("# EOF\n")
    if promtool := shutil.which("promtool"):
        checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, env=environment())
        assert checked.returncode == 0 and not checked.stderr.strip(), checked
