"""Near-duplicates that many write: one card, one decision, and what comes later inherits it.

TAMIS_COMMENTS names a file of JSON lines with `text` that is used in place of the neutral comments made here.
"""

import itertools
import json
import os
import random
import re

import pytest
from conftest import ROOT, run
from google.protobuf import duration_pb2
from tamis.v1 import (
    article_pb2,
    article_service_pb2,
    comment_pb2,
    queue_item_pb2 as I,
    queue_service_pb2 as Q,
    scoring_service_pb2,
    site_pb2,
    site_service_pb2,
    verdict_pb2,
)
from test_queue import APPROVE, C, NOBODY, SPAM, Room, refused

PLACES = [
    ["Hello", "Hi", "Hey"], ["friends", "all", "everybody"], ["earn", "make", "get"], ["500", "700", "900"],
    ["dollars", "euros", "bucks"], ["a day", "daily", "every day"], ["from home", "at home", "online"],
    ["no experience needed", "no skills needed", "without experience"], ["write to", "message", "contact"],
    ["today", "now", "quickly"],
]


def spun(n):
    """The n-th spinning of an advert: one of three wordings at each of ten places."""
    words = []
    for place in PLACES:
        words.append(place[n % 3])
        n //= 3
    return " ".join(words) + " on the quick cash desk dot example, ask for Maria Invest Team"


def neutral(count):
    """Texts that share no wording: words of our own documentation in any order, with small words between them."""
    random.seed(7)
    prose = " ".join(page.read_text() for page in sorted((ROOT / "docs").glob("*.md")))
    words = sorted({word.lower() for word in re.findall(r"\b[A-Za-z][a-z]{3,}\b", prose)})
    small = ["the", "of", "and", "a", "to", "in", "it", "that", "is", "was", "for", "with", "as", "my", "not", "but", "or"]

    def text():
        parts = [part for _ in range(random.randint(5, 14)) for part in (random.choice(words), random.choice(small))]
        return " ".join(parts[:-1]).capitalize() + "."

    assert len(words) > 800
    return [text() for _ in range(count)]


def comments(count):
    path = os.environ.get("TAMIS_COMMENTS")
    if not path:
        return neutral(count)
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in itertools.islice(lines, count)]


class Crowd(Room):
    """A site where the filter holds nothing by itself: what goes, goes by people."""

    def __init__(self, server, hold=1.0, **rules):
        super().__init__(server)
        site = server.sites.GetSite(site_service_pb2.GetSiteRequest(name=self.site), metadata=server.auth("admin")).site
        labels = [site_pb2.LabelThresholds(label=row.label, hold=hold) for row in site.policy.effective]
        site.policy.thresholds.CopyFrom(site_pb2.Thresholds(labels=labels))
        rules = {"sample_share": 0.0} | rules
        site.queue_rules.CopyFrom(site_pb2.QueueRules(**rules))
        request = site_service_pb2.UpdateSiteRequest(site=site)
        request.update_mask.paths.extend(["policy", "queue_rules"])
        self.rules = server.sites.UpdateSite(request, metadata=server.auth("lead")).site.queue_rules

    def many(self, bodies):
        """Scores (body, author, article) in batches and answers the verdicts."""
        verdicts = []
        for at in range(0, len(bodies), 100):
            made = []
            for body, author, article in bodies[at:at + 100]:
                place = {"article": f"{self.site}/articles/{article}"} if article else {}
                author = comment_pb2.Author(id=author, name=author)
                comment = comment_pb2.Comment(body=body, author=author, **place)
                made.append(scoring_service_pb2.BatchScoreCommentsItem(comment=comment))
            request = scoring_service_pb2.BatchScoreCommentsRequest(parent=self.site, items=made)
            answer = self.server.scoring.BatchScoreComments(request, metadata=self.server.auth("admin"))
            for result in answer.results:
                assert result.verdict.name, result.error
                verdicts.append(result.verdict)
        return verdicts

    def campaigns(self, **fields):
        return self.call("ListCampaigns", Q.ListCampaignsRequest(parent=self.site, **fields)).campaigns

    def card(self, name, **fields):
        return self.call("GetCampaign", Q.GetCampaignRequest(name=name, **fields))

    def members(self, name):
        found, token = [], ""
        while True:
            page = self.card(name, page_size=120, page_token=token)
            found += page.members
            token = page.next_page_token
            if not token:
                return found

    def rule(self, name, ruled=SPAM, by="lead", **fields):
        return self.call("DecideCampaign", Q.DecideCampaignRequest(name=name, ruled=ruled, **fields), by)


def test_three_hundred_variants_are_one_campaign_and_one_decision_ends_it(server):
    crowd = Crowd(server, sample_share=0.05)
    for n in range(20):
        content = article_pb2.ArticleContent(title=f"The council met for the {n}th time", text="It spoke of the harbour.")
        request = article_service_pb2.PutArticleRequest(name=f"{crowd.site}/articles/a{n}", content=content)
        server.articles.PutArticle(request, metadata=server.auth("admin"))
    real = [(text, f"reader {n % 700}", f"a{n % 20}") for n, text in enumerate(comments(2_000))]
    adverts = [(spun(n * 197), f"bot {n % 250}", f"a{n % 20}") for n in range(300)]
    stream = list(real)
    for n, advert in enumerate(adverts):
        stream.insert((n + 1) * len(stream) // 301, advert)
    verdicts = crowd.many(stream)
    by_text = {text for text, *_ in adverts}
    of_advert = {v.name for v, (text, *_) in zip(verdicts, stream) if text in by_text}
    assert len(of_advert) == 300

    listed = crowd.campaigns()
    biggest = max(listed, key=lambda one: one.member_count)
    members = crowd.members(biggest.name)
    names = {member.verdict.name for member in members}
    inside = len(names & of_advert)
    print(f"{inside} of 300 variants in one campaign, {len(names - of_advert)} other comments; {len(listed)} campaigns")
    assert inside >= 285 and names <= of_advert
    assert biggest.member_count == len(members) and biggest.author_count == 64

    card = crowd.card(biggest.name)
    assert card.campaign.earliest_verdict == members[0].verdict.name == card.earliest.verdict.name
    assert card.looked_at_count == len(members) and card.variant_count > 200 and len(card.variants) == 16
    example = card.variants[1].example.verdict.comment.body
    changed = [example.encode()[span.start:span.end].decode() for span in card.variants[1].changes]
    assert changed and all(part in example for part in changed)
    assert sum(span.member_count for span in card.spread.spans) == len(members)
    assert len(card.spread.authors) == len(card.spread.articles) == 20 == card.campaign.article_count
    outcomes = card.outcomes
    assert outcomes.allowed_count + outcomes.waiting_count == len(members)

    would = crowd.rule(biggest.name, validate_only=True)
    assert would.decided_count == len(members) and not would.batch and len(would.sample) == 10
    assert would.changed_count == outcomes.allowed_count
    assert crowd.card(biggest.name).campaign.waiting_count == outcomes.waiting_count, "nothing happened"

    ruled = crowd.rule(biggest.name)
    assert (ruled.decided_count, ruled.failed_count, ruled.next_page_token) == (len(members), 0, "")
    after = crowd.card(biggest.name)
    assert (after.outcomes.rejected_count, after.campaign.waiting_count) == (len(members), 0)
    assert after.campaign.ruling.live and after.campaign.ruling.cap == 1_000

    verdict = crowd.score(spun(301 * 197), author="bot 999")
    assert verdict.action == verdict_pb2.ACTION_REJECT
    assert verdict.reasons[0].code == "campaign/rejected" and "rejected as spam" in verdict.reasons[0].message
    assert crowd.card(biggest.name).campaign.ruling.inherited_count == 1
    for text in comments(20):
        assert crowd.score(text, author="somebody new").action == verdict_pb2.ACTION_ALLOW

    undo = crowd.call("UndoDecision", Q.UndoDecisionRequest(name=ruled.batch), "lead")
    assert len(undo.results) == len(members)
    again = crowd.card(biggest.name).campaign
    assert not again.HasField("ruling") and again.waiting_count == len(members) + 1, "who inherited it waits too"
    assert crowd.score(spun(302 * 197), author="bot 998").action == verdict_pb2.ACTION_ALLOW


def test_a_cap_a_time_and_a_check(server):
    crowd = Crowd(server, campaign_cap=3, campaign_check_share=1.0, campaign_duration=duration_pb2.Duration(seconds=3600))
    assert crowd.rules.campaign_cap == 3 and crowd.rules.campaign_check_share == 1.0
    crowd.many([(spun(n * 197), f"bot {n}", None) for n in range(5)])
    (campaign,) = crowd.campaigns()
    assert campaign.member_count == 5
    crowd.rule(campaign.name)
    later = crowd.many([(spun(n * 197), f"bot {n}", None) for n in range(5, 11)])
    actions = [verdict.action for verdict in later]
    assert actions.count(verdict_pb2.ACTION_REJECT) == 3, "also in one call no more than the cap"
    ruling = crowd.card(campaign.name).campaign.ruling
    assert (ruling.inherited_count, ruling.beyond_count, ruling.live) == (3, 3, False)
    checks = crowd.items(filter=I.QueueItemFilter(cause=I.QUEUE_CAUSE_CAMPAIGN))
    assert len(checks) == 3 and all(item.campaign == campaign.name for item in checks)
    # A person's word on one member stands above what is ruled on all.
    (one,) = crowd.claim(items=[checks[0].name], max_items=0)
    crowd.decide(one, APPROVE)
    again = crowd.rule(campaign.name, inherit_cap=0)
    assert again.settled_count == 6 and again.decided_count == 2 and again.agreeing_count == 3
    assert not again.campaign.ruling.live


def test_campaigns_refuse_what_they_cannot(server):
    crowd = Crowd(server, hold=0.0)
    crowd.many([(spun(n * 197), f"bot {n}", None) for n in range(4)])
    (campaign,) = crowd.campaigns(view=Q.CAMPAIGN_VIEW_WAITING)
    assert campaign.waiting_count == 4
    assert not crowd.campaigns(view=Q.CAMPAIGN_VIEW_RULED)
    refused(lambda: crowd.rule(campaign.name, by="moderator"), C.PERMISSION_DENIED, "KEY_MAY_NOT")
    nobody = f"{crowd.site}/campaigns/{NOBODY}"
    refused(lambda: crowd.rule(nobody), C.NOT_FOUND, "CAMPAIGN_NOT_FOUND")
    refused(lambda: crowd.card(nobody), C.NOT_FOUND, "CAMPAIGN_NOT_FOUND")
    (held,) = crowd.claim()
    ruled = crowd.rule(campaign.name, request_id="6f2c1f3e-7d5a-4b6e-9c1d-0a1b2c3d4e5f")
    assert (ruled.decided_count, ruled.held_count) == (3, 1)
    same = crowd.rule(campaign.name, request_id="6f2c1f3e-7d5a-4b6e-9c1d-0a1b2c3d4e5f")
    assert (same.batch, same.decided_count) == (ruled.batch, 3)
    assert same.campaign.ruling.create_time == ruled.campaign.ruling.create_time
    assert held.item.campaign == campaign.name


def test_little_and_common_texts_are_no_campaign(server):
    crowd = Crowd(server)
    crowd.many([("So true!", f"reader {n}", None) for n in range(20)])
    crowd.many([("fix or repair daily", f"reader {n}", None) for n in range(20)])
    assert not crowd.campaigns()
    crowd.many([("cheap followers at quick cash desk", f"bot {n}", None) for n in range(5)])
    (short,) = crowd.campaigns()
    assert short.member_count == 5, "a short text is known by its exact copies"


def test_campaigns_from_a_terminal(server):
    crowd = Crowd(server, hold=0.0)
    crowd.many([(spun(n * 197), f"bot {n}", None) for n in range(6)])
    (campaign,) = crowd.campaigns()
    last = campaign.name.rsplit("/", 1)[-1]
    words = ("--address", f"127.0.0.1:{server.port}", "--site", crowd.id, "--key", server.keys["lead"])
    listed = run("queue", "campaigns", "--view", "waiting", *words)
    assert last in listed.stdout and listed.returncode == 0, listed
    shown = run("queue", "campaign", "show", last, *words)
    assert "6 members" in shown.stdout and "wordings (6)" in shown.stdout and "[" in shown.stdout, shown
    dry = run("queue", "campaign", "decide", last, "--reject", "spam", "--dry-run", *words)
    assert "6 would be decided" in dry.stdout, dry
    done = run("queue", "campaign", "decide", last, "--reject", "spam", "--inherit-for", "1d", "--cap", "5", *words)
    assert "6 decided" in done.stdout and "inherited by 0 of 5" in done.stdout, done
    batch = done.stdout.split("tamis queue undo ")[1].split()[0]
    back = run("queue", "undo", batch, *words)
    assert "6 undone" in back.stdout, back


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_samples_are_drawn_by_the_sites_own_share(server, share):
    crowd = Crowd(server, sample_share=share)
    crowd.many([(text, f"reader {n}", None) for n, text in enumerate(neutral(60))])
    drawn = crowd.items(filter=I.QueueItemFilter(cause=I.QUEUE_CAUSE_SAMPLED), page_size=100)
    assert len(drawn) == round(60 * share)
