"""`make story`: labelled comments are imported, comments moderated, a model trained, its report read, shadowed, promoted and
rolled back, through the real server. DATA=FILE (JSON lines with labels): another stream than the one made up."""

import json
import os
import random
import re
import shutil
import time

import pytest
from comments import articles, lines, write
from conftest import SITE, Server, bearer, make_key, run
from tamis.v1 import (
    comment_pb2, decision_pb2, feedback_pb2, feedback_service_pb2 as F, label_pb2, queue_service_pb2 as Q,
    scoring_service_pb2 as S,
)
from test_models import active, cli

# `make story` takes the full number; every run of the tests a smaller one.
FULL = bool(os.environ.get("STORY_FULL"))
IMPORTED, MODERATED = (3_000, 500) if FULL else (1_000, 150)


def given():
    """The labelled stream: made up, or the one that DATA names."""
    path = os.environ.get("STORY_DATA")
    rows = list(lines(IMPORTED + MODERATED, seed=1)) if not path else [
        json.loads(line) for line in open(path) if line.strip()][: IMPORTED + MODERATED]
    assert len(rows) == IMPORTED + MODERATED, "the stream is too short"
    return rows[:IMPORTED], rows[IMPORTED:]


def node_with(home, rows, roles=("ops", "lead", "moderator"), flags=()):
    """A server on a folder into which labelled comments were imported."""
    data = home / "data"
    server = Server(data, *flags)
    server.stop()
    server.keys |= {role: make_key(data, role) for role in roles}
    write(home / "articles.jsonl", articles())
    write(home / "rows.jsonl", rows)
    done = run("import", "--data-dir", data, "--articles", home / "articles.jsonl", "--", home / "rows.jsonl")
    assert done.returncode == 0, done.stderr
    server.start()
    return server


def carries(row):
    return [name for name, value in row["labels"].items() if value]


def ruled(row):
    """The ruling on a comment as a moderator in the queue gives it."""
    labels = carries(row)
    if not labels:
        return Q.Ruled(disposition=decision_pb2.DISPOSITION_APPROVE)
    codes = dict(spam="SPAM", low_content="LOW_CONTENT", off_topic="OFF_TOPIC", abuse="HARASSMENT")
    code = decision_pb2.ReasonCode.Value(f"REASON_CODE_{codes[labels[0]]}")
    return Q.Ruled(disposition=decision_pb2.DISPOSITION_REJECT, reason_code=code)


def report(server, row, verdict, auth, source=feedback_pb2.FEEDBACK_SOURCE_MODERATOR):
    """Says of a comment what its labels say."""
    labels = [label_pb2.Label.Value(f"LABEL_{name.upper()}") for name in carries(row)]
    ruling = feedback_pb2.RULING_REJECT if labels else feedback_pb2.RULING_APPROVE
    request = F.ReportFeedbackRequest(parent=SITE, verdict=verdict, ruling=ruling, labels=labels, source=source)
    server.feedback.ReportFeedback(request, metadata=auth)


def scored(server, rows):
    """Scores comments; their verdicts in order."""
    found = []
    for start in range(0, len(rows), 100):
        items = [S.BatchScoreCommentsItem(comment=comment_pb2.Comment(
            comment_id=row["id"], body=row["text"], author=comment_pb2.Author(name=row.get("author", "")),
            **({"article": f"{SITE}/articles/{row['article_id']}"} if row.get("article_id") else {})))
            for row in rows[start:start + 100]]
        request = S.BatchScoreCommentsRequest(parent=SITE, items=items)
        found += [r.verdict for r in server.scoring.BatchScoreComments(request, metadata=server.auth(), timeout=60).results]
    return found


def moderate(server, rows):
    """Rules on comments as their labels say: in the queue those that are held, by a report the others."""
    auth, by_verdict = server.auth("moderator"), {}
    for row, verdict in zip(rows, scored(server, rows)):
        by_verdict[verdict.name] = row
    decided = 0
    while True:
        claimed = server.queue.ClaimQueueItems(
            Q.ClaimQueueItemsRequest(parent=SITE, max_items=50), metadata=auth).items
        if not claimed:
            break
        for one in claimed:
            row = by_verdict.pop(one.item.verdict, None)
            if row is None:  # sampled from the import; it was ruled on there
                continue
            server.queue.DecideQueueItem(Q.DecideQueueItemRequest(
                name=one.item.name, lease_token=one.lease_token, ruled=ruled(row)), metadata=auth)
            decided += 1
    for verdict, row in by_verdict.items():
        report(server, row, verdict, auth)
    return decided, len(by_verdict)


def train(server, *flags):
    """Trains a candidate; its id."""
    told = json.loads(cli(server, "train", "--watch", "--json", *flags))
    assert told["state"] == "JOB_STATE_SUCCEEDED", told
    return told["model"].removeprefix("models/")


def gates(server, model):
    shown = json.loads(cli(server, "show", model, "--json"))["model"]
    return {gate["name"]: gate for gate in shown["gates"]}


def close_to(a, b):
    """Equal up to the last digits that JSON keeps."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close_to(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(close_to, a, b))
    return a == b or (isinstance(a, float) and isinstance(b, float) and abs(a - b) < 1e-12)


def test_the_story_of_a_model(tmp_path):
    imported, moderated = given()
    server = node_with(tmp_path, imported)
    first = active(server).removeprefix("models/")
    decided, reported = moderate(server, moderated)
    print(f"\nimported {len(imported)}, decided {decided} in the queue, reported {reported}")
    assert decided + reported == len(moderated) and decided > 0

    began = time.monotonic()
    candidate = train(server)
    print(f"trained {candidate} in {time.monotonic() - began:.1f} s")
    made = json.loads(cli(server, "report", candidate, "--json"))
    data = made["data"]
    assert data["stored"] + sum(data["capped"].values()) == len(imported) + len(moderated)
    assert made["compared_with"] == first and made["model"] == candidate
    text = cli(server, "report", candidate, "--html", tmp_path / "report.html")
    assert "better" in text and "gate" in text and (tmp_path / "report.html").read_text().startswith("<!")

    # The figures of the report are those of `tamis evaluate` on the same split.
    cli(server, "export", candidate, "--measured", "--out", tmp_path / "measured")
    held, under = tmp_path / "site-default.jsonl", tmp_path / "under.jsonl"
    cli(server, "samples", "--model", candidate, "--part", "held-out", "--out", held, "--articles", under)
    assert len(held.read_text().splitlines()) == data["held_out"]
    done = run("evaluate", "--model", tmp_path / "measured", "--data", held, "--articles", under, "--json")
    assert done.returncode == 0, done.stderr
    ours, theirs = made["candidate"]["sets"]["site-default"], json.loads(done.stdout)["sets"]["site-default"]
    for part in ("comments", "labels", "overall", "actions", "slices", "costs"):
        assert close_to(ours[part], theirs[part]), (part, ours[part], theirs[part])
    assert not any(mistake["text"] for mistake in ours["mistakes"]), "a report holds no text"

    # Same rulings, options and seed: the same bytes.
    assert train(server) == candidate
    for name, gate in gates(server, candidate).items():
        print(f"  {'holds' if gate.get('passed') else 'FAILS':6}{name}: {gate['message']}")
    failed = [name for name, gate in gates(server, candidate).items() if not gate.get("passed")]
    assert not failed, failed

    cli(server, "shadow", candidate)
    assert json.loads(cli(server, "show", candidate, "--json"))["model"]["stage"] == "MODEL_STAGE_SHADOW"
    scored(server, list(lines(200, seed=9)))
    assert active(server) == f"models/{first}", "a shadow decides nothing"
    cli(server, "promote", candidate, "--reason", "it knows our readers")
    assert scored(server, list(lines(1, seed=10)))[0].versions.model == candidate
    cli(server, "rollback", "--reason", "the end of the story")
    assert scored(server, list(lines(1, seed=11)))[0].versions.model == first
    assert server.stop() == 0
    assert "panicked" not in (tmp_path / "data.log").read_text()


def words_of(rows):
    """The vocabulary of the good comments: what a dictionary attack aims at."""
    return sorted({word for row in rows if not carries(row) for word in re.findall(r"\w+", row["text"].lower())})


def dictionary(rows, count, seed):
    """Adverts that hold the good readers' vocabulary, so that their words come to mean spam (Nelson et al., 2008)."""
    chance, words = random.Random(seed), words_of(rows)
    return [dict(id=f"poison{seed}-{n}", text=" ".join(chance.sample(words, min(150, len(words)))), author=f"p{n}",
                 article_id="", labels={"spam": 1}) for n in range(count)]


def figures(server, model, name="clean"):
    """Recall, and share of good comments let through, on the frozen set."""
    found = json.loads(cli(server, "evaluate", model, "--set", name))["sets"][name]["overall"]
    return found["recall"], 1 - found["false_positive_rate"]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """A server whose active model learnt from clean rulings; the folder to copy it from."""
    home = tmp_path_factory.mktemp("poison")
    rows = list(lines(IMPORTED, seed=3))
    server = node_with(home, rows, roles=("ops", "lead", "moderator"))
    write(home / "clean.jsonl", lines(1_500, seed=4))
    cli(server, "freeze", "clean", "--data", home / "clean.jsonl", "--articles", home / "articles.jsonl")
    model = train(server)
    failed = [name for name, gate in gates(server, model).items() if not gate.get("passed")]
    cli(server, "promote", model, "--reason", "clean", *[x for name in failed for x in ("--override", name)])
    before = figures(server, model)
    server.stop()
    return server, home, rows, model, before


@pytest.mark.parametrize(
    "percent, way", [(1, "moderator"), (5, "cms"), *([(1, "cms"), (5, "moderator")] if FULL else [])])
def test_dictionary_spam_is_harmless_or_refused(learnt, tmp_path, way, percent):
    """1 % moves recall and good comments by at most a point; 5 % does not pass the gates, and the old model serves on."""
    old, home, rows, model, before = learnt
    shutil.copytree(home / "data", tmp_path / "data")
    keys = [make_key(tmp_path / "data", "cms", "--site", "default") for _ in range(50)] if way == "cms" else []
    server = Server(tmp_path / "data")
    server.keys |= old.keys
    poison = dictionary(rows, IMPORTED * percent // 100, seed=percent)
    verdicts = scored(server, poison)
    for n, (row, verdict) in enumerate(zip(poison, verdicts)):
        if keys:
            report(server, row, verdict.name, bearer(keys[n % len(keys)]), feedback_pb2.FEEDBACK_SOURCE_OWNER)
        else:
            report(server, row, verdict.name, server.auth("moderator"))
    candidate = train(server)
    after, gate = figures(server, candidate), gates(server, candidate)["poison/contradictions"]
    print(f"\n{percent} % by {way}: recall {before[0]:.4f} > {after[0]:.4f}, good let through {before[1]:.4f} > "
          f"{after[1]:.4f}; gate {'holds' if gate.get('passed') else 'fails'}: {gate['message']}")
    if percent == 1:
        assert gate.get("passed"), gate
        assert before[0] - after[0] <= 0.01 and before[1] - after[1] <= 0.01
    else:
        assert not gate.get("passed"), gate
        assert "poison/contradictions" in cli(server, "promote", candidate, code=1)
    assert active(server) == f"models/{model}"
    assert scored(server, list(lines(1, seed=12)))[0].versions.model == model
    assert server.stop() == 0


def test_a_forgotten_author_leaves_no_byte(tmp_path):
    """Training after an author's rulings were withdrawn gives the bundle that never saw them."""
    rows = list(lines(600, seed=5))
    theirs = [row | {"author": "the one who leaves", "id": f"x{n}"} for n, row in enumerate(lines(40, seed=6))]
    with_them, without = [], []
    for name, some in (("with", rows[:300] + theirs + rows[300:]), ("without", rows)):
        (tmp_path / name).mkdir()
        server = node_with(tmp_path / name, some)
        if name == "with":
            seen = train(server, "--without-evasion")
            verdict = server.scoring.ListVerdicts(
                S.ListVerdictsRequest(parent=SITE, page_size=500), metadata=server.auth("lead")).verdicts
            one = next(v for v in verdict if v.comment.author.name == "the one who leaves")
            assert "40 rulings are withdrawn" in cli(server, "forget", one.name.rsplit("/", 1)[1])
            with_them = [seen, train(server, "--without-evasion")]
        else:
            without = train(server, "--without-evasion")
        cli(server, "export", (with_them[-1] if name == "with" else without), "--out", tmp_path / name / "out")
        assert server.stop() == 0
    assert with_them[0] != with_them[1] == without
    ours, theirs = ((tmp_path / name / "out" / "model.safetensors").read_bytes() for name in ("with", "without"))
    assert ours == theirs
