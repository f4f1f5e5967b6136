"""Signed posts of decisions: sent in order, tried again, never to hosts that were not allowed."""

import hashlib
import hmac
import http.server
import json
import threading
import time

from conftest import SITE, Server, run, wait_for
from tamis.v1 import comment_pb2, decision_pb2, queue_service_pb2 as Q, scoring_service_pb2
from test_queue_stress import hold_everything


class Receiver(http.server.ThreadingHTTPServer):
    """Answers as it is told; remembers what it took."""

    def __init__(self):
        self.taken, self.answers = [], []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.answers.pop(0) if self.server.answers else 204
        if status == 302:
            self.send_response(302)
            self.send_header("location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        else:
            self.send_response(status)
        if status == 204:
            self.server.taken.append((self.path, dict(self.headers), body))
        self.end_headers()

    def log_message(self, *_):
        pass


def decide_one(server, body):
    comment = comment_pb2.Comment(body=body, comment_id=body.replace(" ", "-"))
    request = scoring_service_pb2.ScoreCommentRequest(parent=SITE, comment=comment)
    server.scoring.ScoreComment(request, metadata=server.auth())
    claim = Q.ClaimQueueItemsRequest(parent=SITE, max_items=1)
    (one,) = server.queue.ClaimQueueItems(claim, metadata=server.auth("admin")).items
    ruled = Q.Ruled(disposition=decision_pb2.DISPOSITION_REJECT, reason_code=decision_pb2.REASON_CODE_SPAM)
    decide = Q.DecideQueueItemRequest(name=one.item.name, lease_token=one.lease_token, ruled=ruled)
    return server.queue.DecideQueueItem(decide, metadata=server.auth("admin")).decision


def test_decisions_are_posted_signed_in_order_and_again(tmp_path):
    receiver = Receiver()
    target = f"webhooks.targets=default=http://127.0.0.1:{receiver.server_port}/hook"
    server = Server(tmp_path / "data", "--set", "webhooks.allowed_hosts=127.0.0.1", "--set", target)
    hold_everything(server)
    time.sleep(1)
    receiver.answers = [500, 302]
    decisions = [decide_one(server, "first remark here"), decide_one(server, "second remark here")]
    wait_for(lambda: len(receiver.taken) == 2, 20)
    secret = (tmp_path / "data" / "webhook.key").read_bytes().strip()
    for (path, headers, body), decision in zip(receiver.taken, decisions):
        assert path == "/hook", "a redirect is not followed"
        told = json.loads(body)
        assert (told["decision"], told["disposition"], told["reason_code"]) == (decision.name, "reject", "spam")
        assert b"remark here" not in body
        stamp, mac = (part.split("=")[1] for part in headers["tamis-signature"].split(","))
        want = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(mac, want) and abs(time.time() - int(stamp)) < 60
        assert headers["tamis-delivery"] == f"default/{told['event']}"
    server.kill()
    server.start()
    third = decide_one(server, "third remark here")
    wait_for(lambda: json.loads(receiver.taken[-1][2])["decision"] == third.name, 20)
    events = [json.loads(body)["event"] for _, _, body in receiver.taken]
    assert events == sorted(events), "posts come in order"
    assert server.stop() == 0
    receiver.shutdown()


def test_only_allowed_hosts_are_configured(tmp_path):
    for target in ("default=https://evil.example/", "default=http://169.254.169.254/"):
        words = ("--data-dir", tmp_path / "x", "--set", "webhooks.allowed_hosts=cms.example", "--set", f"webhooks.targets={target}")
        refused = run("check-config", *words)
        assert refused.returncode == 64 and "allowed_hosts" in refused.stderr, refused
