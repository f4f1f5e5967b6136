"""The commands of the operator: import, keys, verify, check-config."""

import json
import re

from conftest import SITE, Server, run
from tamis.v1 import comment_pb2, scoring_service_pb2


def lines(path, *rows):
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_an_import_can_be_run_again(tmp_path):
    data = tmp_path / "data"
    articles = lines(tmp_path / "articles.jsonl", {"id": "a1", "title": "Leaders meet", "text": "They spoke."})
    rows = [{"id": f"c{n}", "text": f"An old remark, number {n}", "label": "ham", "article_id": "a1"} for n in range(450)]
    rows += [{"text": "No id here"}, {"id": "c449", "text": "the same id again"}]
    good = lines(tmp_path / "good.jsonl", *rows)
    flags = ("--data-dir", data, "--articles", articles)
    first = run("import", *flags, good)
    assert first.returncode == 0, first.stderr
    assert "imported 451 comments, 450 labels, 1 articles; 1 comments were there already" in first.stdout, first
    again = run("import", *flags, good)
    assert "imported 0 comments, 0 labels, 1 articles; 452 comments were there already" in again.stdout, again
    bad = lines(tmp_path / "bad.jsonl", {"id": "d1", "text": "fine"}, "{not json", "", {"id": "d2", "text": " "},
                {"id": "d3", "text": "x", "label": "eggs"}, {"id": "d4", "text": "fine too"})
    some = run("import", "--data-dir", data, bad)
    assert some.returncode == 1 and "imported 2 comments" in some.stdout, some
    for number in (2, 4, 5):
        assert f"bad.jsonl:{number}: " in some.stderr, some.stderr
    assert "3 lines could not be imported" in some.stderr
    missing = run("import", "--data-dir", data, tmp_path / "none.jsonl")
    assert missing.returncode == 1 and "none.jsonl" in missing.stderr, missing

    server = Server(data)
    request = scoring_service_pb2.ListVerdictsRequest(
        parent=SITE, filter=scoring_service_pb2.VerdictFilter(comment_id="c7"))
    found = server.scoring.ListVerdicts(request, metadata=server.auth()).verdicts
    assert len(found) == 1 and found[0].comment.article == f"{SITE}/articles/a1"
    assert server.stop() == 0
    verified = run("verify", "--data-dir", data)
    assert verified.returncode == 0, verified.stdout
    assert re.search(r"^default: .*feedback 450.*verdict 453", verified.stdout, re.M), verified.stdout
    assert verified.stdout.strip().endswith("0 problems"), verified.stdout


def test_a_running_server_keeps_other_commands_out(tmp_path):
    server = Server(tmp_path / "data")
    comment = comment_pb2.Comment(body="Well said")
    server.scoring.ScoreComment(
        scoring_service_pb2.ScoreCommentRequest(parent=SITE, comment=comment), metadata=server.auth())
    for command in (["verify"], ["keys", "list"], ["import", "/dev/null"]):
        done = run(*command, "--data-dir", tmp_path / "data")
        assert done.returncode == 1 and "in use by another process" in done.stderr, (command, done)
    assert server.stop() == 0
    done = run("verify", "--data-dir", tmp_path / "data", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["problems"] == [], done


def test_all_mistakes_come_at_once(tmp_path):
    config, rules = tmp_path / "tamis.toml", tmp_path / "rules.toml"
    config.write_text('stor = "sled"\n[limits]\nin_flight = 0\n[log]\nformat = "xml"\n')
    done = run("check-config", "--config", config, "--set", "grpc.listen=nowhere")
    assert done.returncode == 64, done
    for part in ("tamis.toml:1", "did you mean store", "limits.in_flight", "log.format", "grpc.listen"):
        assert part in done.stderr, (part, done.stderr)
    rules.write_text("[[list]]\nname = 7\n")
    config.write_text(f'[model]\ndir = "{tmp_path}"\n[rules]\nfiles = ["{rules}"]\n[grpc.tls]\ncert = "/no/c"\nkey = "/no/k"\n')
    done = run("check-config", "--config", config)
    assert done.returncode == 1, done
    for part in (str(tmp_path), "rules.toml", "/no/c"):
        assert part in done.stderr, (part, done.stderr)
    assert run("check-config").returncode == 0
