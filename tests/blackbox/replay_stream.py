"""`make replay STREAM=FILE`: a labelled stream of comments, in order, with a moderator who looks at the top of the queue.

After every 500 comments the first 20 of the queue are decided by their labels. Where one belongs to a campaign, the
moderator looks at the campaign's card, and decides it whole when every wording shown there has the same label: that is
one look. Prints the recall (share of unwanted
comments that were not let through) and the false positives per window, with and without those decisions, and writes
both curves as target/replay.svg. Lines of FILE: JSON with `text`, `label` ("spam" or "ham"), `author`, `created_at`.
"""

import json
import pathlib
import sys
import tempfile
from datetime import datetime, timezone

from conftest import ROOT, SITE, Server
from google.protobuf import timestamp_pb2
from tamis.v1 import comment_pb2, decision_pb2, queue_service_pb2 as Q, scoring_service_pb2 as S, verdict_pb2

WINDOW, LOOKS = 500, 20


def moment(text):
    at = datetime.fromisoformat(text)
    stamp = timestamp_pb2.Timestamp()
    stamp.FromDatetime(at if at.tzinfo else at.replace(tzinfo=timezone.utc))
    return stamp


def read(path):
    with open(path) as lines:
        rows = [json.loads(line) for line in lines]
    return sorted((row for row in rows if row.get("text", "").strip()), key=lambda row: row.get("created_at", ""))


def comment(at, row):
    fields = {"comment_id": f"c{at}", "body": row["text"]}
    if row.get("author"):
        fields["author"] = comment_pb2.Author(id=row["author"])
    if row.get("created_at"):
        fields["post_time"] = moment(row["created_at"])
    return comment_pb2.Comment(**fields)


def replay(rows, moderated):
    """Per window: unwanted, of those stopped, wanted, of those stopped, decisions made."""
    auth_of, curve = lambda server: server.auth("admin"), []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(pathlib.Path(folder) / "data")
        for start in range(0, len(rows), WINDOW):
            window = rows[start : start + WINDOW]
            items = [S.BatchScoreCommentsItem(comment=comment(start + n, row)) for n, row in enumerate(window)]
            request = S.BatchScoreCommentsRequest(parent=SITE, items=items)
            results = server.scoring.BatchScoreComments(request, metadata=auth_of(server), timeout=60).results
            stopped = [result.verdict.action != verdict_pb2.ACTION_ALLOW for result in results]
            bad = [row["label"] == "spam" for row in window]
            counts = [sum(bad), sum(b and s for b, s in zip(bad, stopped)), len(bad) - sum(bad)]
            counts.append(sum(s and not b for b, s in zip(bad, stopped)))
            counts.append(decide(server, rows, auth_of(server)) if moderated else 0)
            curve.append(counts)
        server.stop()
    return curve


def decide(server, rows, auth):
    claim = Q.ClaimQueueItemsRequest(parent=SITE, max_items=LOOKS)
    claimed = server.queue.ClaimQueueItems(claim, metadata=auth).items
    is_spam, settled = lambda comment_id: rows[int(comment_id[1:])]["label"] == "spam", set()
    for one in claimed:
        spam = is_spam(one.item.comment_id)
        ruled = Q.Ruled(
            disposition=decision_pb2.DISPOSITION_REJECT if spam else decision_pb2.DISPOSITION_APPROVE,
            reason_code=decision_pb2.REASON_CODE_SPAM if spam else 0,
        )
        campaign = one.item.campaign
        if campaign in settled:
            continue
        if campaign:
            card = server.queue.GetCampaign(Q.GetCampaignRequest(name=campaign), metadata=auth)
            shown = [variant.example.verdict.comment.comment_id for variant in card.variants]
            if all(is_spam(name) == spam for name in shown):
                server.queue.DecideCampaign(Q.DecideCampaignRequest(name=campaign, ruled=ruled), metadata=auth)
                settled.add(campaign)
                continue
        request = Q.DecideQueueItemRequest(name=one.item.name, lease_token=one.lease_token, ruled=ruled)
        server.queue.DecideQueueItem(request, metadata=auth)
    return len(claimed)


def share(part, whole):
    return part / whole if whole else float("nan")


def svg(curves, path):
    width, height, left, top = 720, 320, 50, 20
    step = width / max(1, max(len(curve) for _, curve in curves) - 1)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 2 * left}" height="{height + 90}" font-family="sans-serif" font-size="12">']
    for tenth in range(0, 11, 2):
        y = top + height * (1 - tenth / 10)
        parts.append(f'<path d="M{left},{y}h{width}" stroke="#ddd"/><text x="10" y="{y + 4}">{tenth / 10:.1f}</text>')
    for (name, curve), colour, row in zip(curves, ("#1b6ca8", "#b5651d"), (0, 1)):
        points = [(n, share(c[1], c[0])) for n, c in enumerate(curve) if c[0]]
        line = " ".join(f"{left + n * step:.1f},{top + height * (1 - y):.1f}" for n, y in points)
        dashes = ' stroke-dasharray="7 5"' if row else ""
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{4 - 2 * row}"{dashes}/>')
        parts.append(f'<text x="{left}" y="{top + height + 40 + 18 * row}" fill="{colour}">recall {name}</text>')
    parts.append(f'<text x="{left}" y="{top + height + 20}">windows of {WINDOW} comments</text></svg>')
    path.write_text("\n".join(parts))


def main():
    rows = read(sys.argv[1])
    taught, alone = replay(rows, True), replay(rows, False)
    print("window  unwanted  recall taught  recall alone  false positives taught  alone  decisions")
    for n, (a, b) in enumerate(zip(taught, alone)):
        print(
            f"{n:6}  {a[0]:8}  {share(a[1], a[0]):13.3f}  {share(b[1], b[0]):12.3f}"
            f"  {share(a[3], a[2]):22.3f}  {share(b[3], b[2]):5.3f}  {a[4]:9}"
        )
    target = ROOT / "target" / "replay.svg"
    svg([("with decisions", taught), ("without", alone)], target)
    for name, curve in (("with", taught), ("without", alone)):
        total = [sum(column) for column in zip(*curve)]
        print(
            f"{name} decisions: recall {share(total[1], total[0]):.3f}, false positives {share(total[3], total[2]):.3f},"
            f" {total[4]} looks, {len(rows)} comments"
        )
    print(f"curves: {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
