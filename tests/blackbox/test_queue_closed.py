"""Closed queues keep their items from those who may not see them, by whichever way they ask."""

import pytest
from test_queue import C, I, Q, Room, SPAM, refused


@pytest.fixture
def room(server):
    """A site where ann's comments are for somebody who is not the moderator."""
    room = Room(server)
    queue = I.Queue(display_name="Ann", filter=I.QueueItemFilter(author_id="ann"), viewer_key_ids=["0123456789abcdef"])
    room.call("CreateQueue", Q.CreateQueueRequest(parent=room.site, queue_id="ann", queue=queue), "lead")
    return room


def watched(room, by, count):
    """The items of the first events that somebody is told of, from the beginning."""
    stream = room.server.queue.WatchQueue(
        Q.WatchQueueRequest(parent=room.site), metadata=room.server.auth(by), timeout=20)
    next(stream)
    for n in range(3):
        room.score(f"Number {n} of what ann says", author="ann", comment_id=f"ann{n}")
        room.score(f"Number {n} of what bob says", author="bob", comment_id=f"bob{n}")
    events = [next(stream) for _ in range(count)]
    stream.cancel()
    return [room.call("GetQueueItem", Q.GetQueueItemRequest(name=event.item), "lead").item.comment_id for event in events]


def test_a_watch_leaves_out_what_is_kept(room):
    assert watched(room, "moderator", 3) == ["bob0", "bob1", "bob2"]


def test_a_watch_tells_a_lead_everything(room):
    assert watched(room, "lead", 6) == ["ann0", "bob0", "ann1", "bob1", "ann2", "bob2"]


def test_stats_count_what_may_be_seen(room):
    for n in range(4):
        room.score(f"Number {n} of what ann says", author="ann")
    room.score("One thing that bob says", author="bob")
    own = room.stats()
    assert (own.open_count, own.claimed_count, own.estimated) == (1, 0, True)
    assert sum(hour.arrival_count for hour in own.hours) == 1
    (claimed,) = room.claim()
    room.decide(claimed, SPAM)
    assert (room.stats().open_count, room.stats().decided_count) == (0, 1)
    all_of_it = room.call("GetQueueStats", Q.GetQueueStatsRequest(parent=room.site), "lead")
    assert (all_of_it.open_count, all_of_it.decided_count, all_of_it.estimated) == (4, 1, False)


def test_contexts_and_campaigns_leave_out_what_is_kept(room):
    advert = "Earn 500 dollars a day from home, write to Maria on the quick cash desk dot example today"
    room.score(advert, author="ann", comment_id="a")
    room.score(advert, author="bob", comment_id="b")
    room.score(advert, author="eve", comment_id="e")
    (item,) = [item for item in room.items() if item.comment_id == "e"]
    ask = Q.GetDecisionContextRequest(name=item.name)
    assert [mate.verdict.comment.comment_id for mate in room.call("GetDecisionContext", ask).campaign_mates] == ["b"]
    both = room.call("GetDecisionContext", ask, "lead").campaign_mates
    assert [mate.verdict.comment.comment_id for mate in both] == ["a", "b"]
    # The earliest copy is kept from the moderator, and so is the campaign.
    assert not room.call("ListCampaigns", Q.ListCampaignsRequest(parent=room.site)).campaigns
    card = Q.GetCampaignRequest(name=item.campaign)
    refused(lambda: room.call("GetCampaign", card), C.NOT_FOUND, "CAMPAIGN_NOT_FOUND")
    assert room.call("GetCampaign", card, "lead").campaign.member_count == 3
