"""Real data through the stream: the ranking is the one that `tamis evaluate` prints."""

import json
import os
import pathlib

import pytest
from conftest import ROOT, SITE, run
from tamis.v1 import article_pb2, comment_pb2, label_pb2, scoring_service_pb2

DATA = pathlib.Path(os.environ.get("DATA", ROOT.parent / "shared" / "data"))


def roc_auc(scored):
    """Mann-Whitney, ties half."""
    ranked = sorted(scored)
    wins = below = positives = 0.0
    at = 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        p = sum(truth for _, truth in ranked[at:end])
        n = end - at - p
        wins += p * (below + n / 2)
        below, positives, at = below + n, positives + p, end
    return wins / (positives * below)


@pytest.mark.parametrize("name", ["youtube", "sms"])
def test_the_stream_ranks_as_evaluation_does(server, name):
    path = DATA / name / "dev.jsonl"
    if not path.exists():
        pytest.skip(f"no labelled data at {path}: set DATA")
    rows = [json.loads(line) for line in path.read_text().splitlines()]

    def requests():
        for i, row in enumerate(rows):
            comment = comment_pb2.Comment(body=row["text"])
            comment.author.name = row.get("author", "")
            if row.get("article_title"):
                comment.inline_article.CopyFrom(
                    article_pb2.ArticleContent(title=row["article_title"], text=row.get("article_text", ""))
                )
            yield scoring_service_pb2.StreamScoreCommentsRequest(parent=SITE, client_ref=str(i), comment=comment)

    scored = []
    for answer in server.scoring.StreamScoreComments(requests(), metadata=server.auth()):
        assert answer.WhichOneof("result") == "verdict", answer
        row = rows[int(answer.client_ref)]
        spam = next(s for s in answer.verdict.labels if s.label == label_pb2.LABEL_SPAM)
        scored.append((spam.probability, row["label"] == "spam"))
    assert len(scored) == len(rows)
    mine = roc_auc(scored)
    evaluated = run("evaluate", "--data", path, "--json")
    theirs = json.loads(evaluated.stdout)["sets"][name]["labels"]["spam"]["roc_auc"]
    print(f"\n{name}: ROC-AUC {mine:.6f} over the stream, {theirs:.6f} by evaluation")
    assert abs(mine - theirs) < 1e-9
