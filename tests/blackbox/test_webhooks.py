"""Signed posts of decisions: sent in order, tried again, never to hosts that were not allowed."""

import hashlib
import hmac
import http.server
import json
import ssl
import subprocess
import threading
import time

from conftest import SITE, Server, run, wait_for
from tamis.v1 import comment_pb2, decision_pb2, queue_service_pb2 as Q, scoring_service_pb2
from test_queue_stress import hold_everything


class Receiver(http.server.ThreadingHTTPServer):
    """Answers as it is told; remembers what it took."""

    def __init__(self, tls=None):
        self.taken, self.answers, self.tried = [], [], []
        super().__init__(("127.0.0.1", 0), Handler)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.server.tried.append((time.monotonic(), status, json.loads(body)["event"]))
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
        assert told["comment_id"] and told["dsa_category"].startswith("STATEMENT_CATEGORY_") and told["appeal"] is None
    server.kill()
    server.start()
    third = decide_one(server, "third remark here")
    wait_for(lambda: json.loads(receiver.taken[-1][2])["decision"] == third.name, 20)
    events = [json.loads(body)["event"] for _, _, body in receiver.taken]
    assert events == sorted(events), "posts come in order"
    assert server.stop() == 0
    receiver.shutdown()


def authority(folder):
    """A certificate authority of our own, and the TLS of a host that it vouches for."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=Our own authority", "-out", "ca.pem", "-keyout", "ca.key",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-subj", "/CN=localhost", "-out", "host.csr", "-keyout", "host.key")
    (folder / "host.ext").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "host.ext", "-out", "host.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "host.pem", folder / "host.key")
    return folder / "ca.pem", tls


def verified(secret, headers, body):
    """What a receiver does: the signature is right, and not of long ago."""
    stamp, mac = (part.split("=", 1)[1] for part in headers["tamis-signature"].split(","))
    want = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(mac, want) and abs(time.time() - int(stamp)) < 300


def test_posts_over_tls_are_retried_put_aside_and_replayed(tmp_path):
    ca, tls = authority(tmp_path)
    receiver = Receiver(tls)
    target = f"webhooks.targets=default=https://localhost:{receiver.server_port}/hook"
    words = ("--set", "webhooks.allowed_hosts=localhost", "--set", target)
    server = Server(tmp_path / "data", *words, "--set", f"webhooks.ca={ca}", "--set", "webhooks.tries=3")
    hold_everything(server)
    time.sleep(1)
    receiver.answers = [503] * 3
    lost, taken = decide_one(server, "this one is lost at first"), decide_one(server, "this one is taken at once")
    wait_for(lambda: len(receiver.taken) == 1, 30)
    first = [at for at, status, _ in receiver.tried if status == 503]
    assert len(first) == 3 and first[1] - first[0] > 0.4 and first[2] - first[1] > 0.9, "pauses grow"
    secret = (tmp_path / "data" / "webhook.key").read_bytes().strip()
    _, headers, body = receiver.taken[0]
    assert verified(secret, headers, body) and json.loads(body)["decision"] == taken.name
    assert not verified(secret, headers, body + b" ") and not verified(b"x" * 64, headers, body)
    old = headers | {"tamis-signature": "t=1700000000,v1=" + hmac.new(secret, b"1700000000." + body, hashlib.sha256).hexdigest()}
    assert not verified(secret, old, body), "an old post is refused although it was signed"

    aside = run("webhooks", "list", "--data-dir", tmp_path / "data")
    assert "503" in aside.stdout and "default-" in aside.stdout, aside
    assert run("webhooks", "replay", "--data-dir", tmp_path / "data").returncode == 0
    wait_for(lambda: len(receiver.taken) == 2, 30)
    _, headers, body = receiver.taken[1]
    assert verified(secret, headers, body) and json.loads(body)["decision"] == lost.name
    assert "nothing was put aside" in run("webhooks", "list", "--data-dir", tmp_path / "data").stdout
    assert server.stop() == 0

    time.sleep(1)  # the lock of the one before may linger
    # Without our authority nothing is sent to a host that nobody known vouches for.
    before = len(receiver.tried)
    strict = Server(tmp_path / "data", *words, "--set", "webhooks.tries=1")
    strict.keys = server.keys
    decide_one(strict, "nobody vouches for this host")
    wait_for(lambda: "certificate" in run("webhooks", "list", "--data-dir", tmp_path / "data").stdout.lower()
             or "connect" in run("webhooks", "list", "--data-dir", tmp_path / "data").stdout.lower(), 20)
    assert len(receiver.tried) == before
    assert strict.stop() == 0
    receiver.shutdown()


def test_only_allowed_hosts_are_configured(tmp_path):
    for target in ("default=https://evil.example/", "default=http://169.254.169.254/"):
        words = ("--data-dir", tmp_path / "x", "--set", "webhooks.allowed_hosts=cms.example", "--set", f"webhooks.targets={target}")
        refused = run("check-config", *words)
        assert refused.returncode == 64 and "allowed_hosts" in refused.stderr, refused
