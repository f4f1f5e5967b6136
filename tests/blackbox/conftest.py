"""Starts the built binary and talks to it with grpcio and stubs generated from proto/."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import grpc
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# TAMIS_BINARY: another build, such as target/debug/tamis.
BINARY = pathlib.Path(os.environ.get("TAMIS_BINARY", ROOT / "target" / "release" / "tamis")).resolve()
sys.path.insert(0, str(ROOT / "target" / "stubs"))

from tamis.v1 import (  # noqa: E402
    article_service_pb2_grpc,
    audit_service_pb2_grpc,
    feedback_service_pb2_grpc,
    queue_service_pb2_grpc,
    scoring_service_pb2_grpc,
    site_service_pb2_grpc,
)

SITE = "sites/default"
ARTICLE = dict(
    title="Xi welcomes Putin in Beijing as leaders pledge closer ties",
    text="""China's president Xi Jinping received Russia's president Vladimir Putin in Beijing on Tuesday, \
with an honour guard on the square and children waving both flags. It was their third meeting this year.

The two leaders signed agreements on gas, grain and rail freight, and spoke for three hours about the war in \
Ukraine. A joint statement criticised sanctions and military blocs in Asia, and named Taiwan as part of China.

Western diplomats said the visit showed how much Moscow now depends on its neighbour. Trade between the two \
countries has doubled since 2021, while Europe has cut most of its imports of Russian energy.""",
    language="en",
)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def environment():
    """The caller's environment without tamis settings."""
    return {k: v for k, v in os.environ.items() if not k.startswith("TAMIS_")}


class Server:
    """One tamis process on a data folder that outlives it."""

    def __init__(self, data_dir, *flags, port=None, root=None, variables=None):
        self.data_dir, self.flags, self.keys = pathlib.Path(data_dir), flags, {}
        self.root = root  # the certificate to trust, in PEM form, when the door speaks TLS
        self.variables = variables or {}
        self.fixed = port
        self.process, self.output = None, ""
        self.start()

    def start(self):
        self.port = self.fixed or free_port()
        log = open(self.data_dir.parent / f"{self.data_dir.name}.log", "ab")
        at = log.tell()
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data-dir", self.data_dir, "--listen", f"127.0.0.1:{self.port}",
             "--http-listen", "127.0.0.1:0", *self.flags],
            stdout=log, stderr=log, env={**environment(), **self.variables},
        )
        self.channel = self.connect()
        try:
            grpc.channel_ready_future(self.channel).result(20)
        finally:
            log.close()
            with open(self.data_dir.parent / f"{self.data_dir.name}.log", "rb") as f:
                f.seek(at)
                self.output = f.read().decode()
        for role, key in re.findall(r"^\s*(\w+)\s+(tamis_[0-9a-z]+\.\w+)$", self.output, re.M):
            self.keys[role] = key
        self.stubs()

    def stubs(self):
        self.scoring = scoring_service_pb2_grpc.ScoringServiceStub(self.channel)
        self.articles = article_service_pb2_grpc.ArticleServiceStub(self.channel)
        self.feedback = feedback_service_pb2_grpc.FeedbackServiceStub(self.channel)
        self.sites = site_service_pb2_grpc.SiteServiceStub(self.channel)
        self.queue = queue_service_pb2_grpc.QueueServiceStub(self.channel)
        self.audit = audit_service_pb2_grpc.AuditServiceStub(self.channel)

    def connect(self, *options):
        """A connection of its own."""
        options = [("grpc.use_local_subchannel_pool", 1), *options]
        if self.root is None:
            return grpc.insecure_channel(f"127.0.0.1:{self.port}", options=options)
        trust = grpc.ssl_channel_credentials(self.root)
        return grpc.secure_channel(f"localhost:{self.port}", trust, options=options)

    def auth(self, role="cms"):
        return [("authorization", f"Bearer {self.keys[role]}")]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.channel.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=15)
        self.channel.close()
        return code


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("node") / "data")
    server.stop()
    server.keys |= {role: make_key(server.data_dir, role) for role in ("moderator", "lead", "ops")}
    server.start()
    yield server
    assert server.stop() == 0
    log = (server.data_dir.parent / "data.log").read_text()
    assert "panicked" not in log, log


def run(*args, **kwargs):
    """Runs the binary to its end."""
    return subprocess.run(
        [str(BINARY), *map(str, args)], capture_output=True, text=True, timeout=60, env=environment(), **kwargs
    )


def wait_for(check, seconds=10):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def make_key(data_dir, role, *flags):
    """Makes a key while no server runs on the folder."""
    done = run("keys", "create", "--data-dir", data_dir, "--role", role, *flags)
    assert done.returncode == 0, done.stderr
    return re.search(r"tamis_[0-9a-z]+\.\w+", done.stdout).group()


def bearer(key):
    return [("authorization", f"Bearer {key}")]


def refused(code, says, call):
    """Checks that a call fails with this code and says this somewhere."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error = caught.value
    assert error.code() == code, (error.code(), error.details())
    details = error.details() + str(dict(error.trailing_metadata() or {}))
    assert says in details, details
    return error
