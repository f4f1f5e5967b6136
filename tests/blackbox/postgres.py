"""A PostgreSQL cluster of its own in a temporary directory, from Debian's packages: started, stopped hard, paused,
copied as a streaming replica and promoted."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess


def programs():
    """Where Debian keeps the programs of the server."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert found, "PostgreSQL is not installed: make tools-test does it"
    return found[-1].parent


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postgres:
    """One server. It refuses to run as root: then it runs as nobody."""

    def __init__(self, folder, durable=True, copy_of=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.port = free_port()
        self.durable = durable
        self.user = []
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self.folder.chmod(0o755)
            for parent in self.folder.parents:
                if parent == pathlib.Path("/tmp") or parent == parent.parent:
                    break
                parent.chmod(parent.stat().st_mode | 0o055)
            self.user = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
        self.data = self.folder / "data"
        if copy_of is None:
            self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
            with open(self.data / "postgresql.conf", "a") as conf:
                conf.write("max_connections = 200\nshared_buffers = 128MB\nmax_wal_size = 2GB\nwal_keep_size = 256MB\n")
                conf.write(f"fsync = {'on' if durable else 'off'}\n")
        else:
            self.run("pg_basebackup", "-h", "127.0.0.1", "-p", copy_of.port, "-U", "postgres", "-D", self.data, "-R", "-X", "stream", "-c", "fast")
        self.start()
        if copy_of is None:
            self.sql("CREATE ROLE tamis LOGIN NOSUPERUSER NOBYPASSRLS", "postgres")
            self.sql("CREATE DATABASE tamis OWNER tamis", "postgres")

    def run(self, program, *args):
        done = subprocess.run(
            [*self.user, str(programs() / program), *map(str, args)], cwd=self.folder, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def start(self):
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.folder}"
        self.run("pg_ctl", "start", "-s", "-w", "-t", "60", "-D", self.data, "-l", self.folder / "log", "-o", options)

    def stop(self, mode="immediate"):
        self.run("pg_ctl", "stop", "-s", "-w", "-m", mode, "-D", self.data)

    def restart(self, mode="immediate"):
        # Without a log of its own the server would keep the pipe of whoever called.
        self.run("pg_ctl", "restart", "-s", "-w", "-t", "60", "-m", mode, "-D", self.data, "-l", self.folder / "log")

    def promote(self):
        self.run("pg_ctl", "promote", "-s", "-w", "-D", self.data)

    def processes(self):
        """The server's own process and its children."""
        head = int((self.data / "postmaster.pid").read_text().split()[0])
        children = pathlib.Path(f"/proc/{head}/task/{head}/children").read_text().split()
        return [head, *map(int, children)]

    def signal(self, what):
        for process in self.processes():
            try:
                os.kill(process, what)
            except ProcessLookupError:
                pass

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def cpu_seconds(self):
        """What the server has used so far, ended processes of it included."""
        ticks = 0
        for process in self.processes():
            try:
                fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            except FileNotFoundError:
                continue
            ticks += int(fields[11]) + int(fields[12])
            if process == self.processes()[0]:
                ticks += int(fields[13]) + int(fields[14])
        return ticks / os.sysconf("SC_CLK_TCK")

    def url(self, *others):
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (self, *others))
        return f"postgres://tamis@{hosts}/tamis?sslmode=disable"

    def sql(self, text, database="tamis", role="postgres"):
        return self.run("psql", "-qtAX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", self.port, "-U", role, "-d", database, "-c", text)

    def close(self):
        try:
            self.resume()
            self.stop()
        except (AssertionError, FileNotFoundError):
            pass
        shutil.rmtree(self.folder, ignore_errors=True)
