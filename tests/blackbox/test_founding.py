"""The case tamis exists for, and its neighbours."""

import pytest
from conftest import ARTICLE, SITE
from tamis.v1 import article_pb2, article_service_pb2, comment_pb2, label_pb2, scoring_service_pb2, verdict_pb2

ALLOW, HOLD = verdict_pb2.ACTION_ALLOW, verdict_pb2.ACTION_HOLD
REFUSED = {verdict_pb2.ACTION_REJECT, verdict_pb2.ACTION_DISCARD}
THOUGHTFUL = (
    "I think this meeting shows how far Russia has slid into dependence on Chinese trade. The gas deal is cheap for "
    "Beijing, and Moscow has nowhere else to sell. In ten years we may look back on this visit as the moment when the "
    "balance between the two neighbours tipped for good."
)


@pytest.fixture(scope="module")
def score(server):
    name = f"{SITE}/articles/xi-putin"
    content = article_pb2.ArticleContent(**ARTICLE)
    server.articles.PutArticle(
        article_service_pb2.PutArticleRequest(name=name, content=content), metadata=server.auth()
    )

    def score(body):
        comment = comment_pb2.Comment(body=body, article=name)
        request = scoring_service_pb2.ScoreCommentRequest(parent=SITE, comment=comment)
        return server.scoring.ScoreComment(request, metadata=server.auth()).verdict

    return score


def test_the_founding_comment_is_held_and_says_why(score):
    verdict = score("Fix or repair daily")
    assert verdict.action == HOLD, verdict
    assert verdict.reasons[0].label in (label_pb2.LABEL_LOW_CONTENT, label_pb2.LABEL_OFF_TOPIC), verdict
    assert any("relate to the article" in r.message or "article" in r.message for r in verdict.reasons[:5]), verdict
    assert verdict.article_read == verdict_pb2.ARTICLE_READ_TEXT


@pytest.mark.parametrize("body", ["Well said", "Putin is right", THOUGHTFUL])
def test_honest_comments_pass(score, body):
    verdict = score(body)
    assert verdict.action == ALLOW, verdict


@pytest.mark.parametrize(
    "body",
    [
        "Cheap Rolex watches! Luxury replica watches 80% off, buy now at https://best-watch-deals24.shop",
        "W h a t s A p p me on + 4 4 7 7 0 0 9 0 0 1 2 3 to earn money daily, guaranteed profit with my trader",
        "Best \u0441\u0430\u0455\u0456n\u043e b\u043enu\u0455 fr\u0435\u0435 \u0455\u0440\u0456n\u0455, register now at https://lucky-spin-win.xyz",
    ],
)
def test_adverts_are_refused(score, body):
    verdict = score(body)
    assert verdict.action in REFUSED, verdict


def test_contributions_add_up_exactly(score):
    for body in ["Fix or repair daily", "Cheap watches at https://best-watch-deals24.shop", THOUGHTFUL]:
        verdict = score(body)
        for label in verdict.labels:
            listed = sum(r.log_odds for r in verdict.reasons if r.label == label.label)
            assert label.base + label.rest + listed == label.log_odds, (body, label)
