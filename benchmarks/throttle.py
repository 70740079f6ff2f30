"""Real servers at full throttle, which count their requests themselves."""

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from quickstart.debian import Tree
from tests.live.support import servers

CONNECTIONS = 20
LARGE_BYTES = 256 << 10
SITE = """
keepalive_requests 1000000000;
location /small {{ return 200 "a page of some length"; }}
location /large {{ root {folder}; }}
location /status {{ stub_status; }}
"""
# A client of few instructions, so that the server is what is measured: as many requests at once as it has connections.
CLIENT = """
import socket, sys
request = b"GET %s HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" % sys.argv[2].encode()
sockets = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(4)]
buffer = bytearray(1 << 18)
def take(one):
    head = one.recv(1 << 16)
    end = head.index(b"\\r\\n\\r\\n") + 4
    length = int(head[:end].lower().split(b"content-length: ")[1].split(b"\\r\\n")[0])
    left = length - len(head) + end
    while left > 0:
        left -= one.recv_into(buffer, min(left, len(buffer)))
while True:
    for one in sockets:
        one.send(request)
    for one in sockets:
        take(one)
"""


Pids = Callable[[], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Load:
    """Requests at full throttle.

    Attributes:
        running: runs it; gives what tells the processes of the server and of the load.
        requests: how many requests the server has had by its own count.
    """

    running: Callable[[], AbstractContextManager[Pids]]
    requests: Callable[[], float]


def loads(tree: Tree, folder: Path, running: ExitStack) -> dict[str, Load]:
    """Start the servers; return what they can be asked, by name."""
    redis = running.enter_context(servers.redis(tree, folder / "redis"))
    (folder / "large").write_bytes(b"x" * LARGE_BYTES)
    folder.chmod(0o755)
    nginx = running.enter_context(servers.nginx(tree, folder / "nginx", SITE.format(folder=folder), "access_log off;"))
    postgres = running.enter_context(servers.postgresql(tree, folder / "postgres"))
    return {
        "redis": _redis(tree, redis),
        "redis_pipelined": _redis(tree, redis, "-P", "16"),
        "nginx_small": _nginx(nginx, "/small"),
        "nginx_256k": _nginx(nginx, "/large"),
        "pgbench": _pgbench(tree, postgres),
    }


def _redis(tree: Tree, server: servers.Server, *options: str) -> Load:
    environment = {**os.environ, **tree.environment({})}
    port = ("-p", str(server.port))
    command = [str(tree.binary("redis-benchmark")), *port, "-q", "-t", "get", "-c", str(CONNECTIONS)]

    def requests() -> float:
        asking = [str(tree.binary("redis-cli")), *port, "info", "commandstats"]
        said = subprocess.run(asking, capture_output=True, text=True, check=True, env=environment).stdout
        found = re.search(r"cmdstat_get:calls=(\d+)", said)
        return float(found[1]) if found else 0.0

    return Load(lambda: _run([[*command, "-n", "1000000000", *options]], environment, server.child.pid), requests)


def _nginx(server: servers.Server, path: str) -> Load:
    def requests() -> float:
        asking = http.client.HTTPConnection("127.0.0.1", server.port)
        asking.request("GET", "/status")
        counts = asking.getresponse().read().split()
        asking.close()
        return float(counts[9])  # accepts, handled, requests

    client = [sys.executable, "-c", CLIENT, str(server.port), path]
    return Load(lambda: _run([client, client], os.environ, server.child.pid), requests)


def _pgbench(tree: Tree, server: servers.Server) -> Load:
    environment = {**os.environ, **tree.environment({}), "PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}
    command = [str(tree.binary("pgbench")), "-h", "127.0.0.1", "-p", str(server.port), "-U", "tester"]
    subprocess.run([*command, "-i", "-q", "postgres"], check=True, capture_output=True, env=environment)

    def requests() -> float:
        with psycopg.connect(servers.dsn(server.port)) as connection:
            row = connection.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'").fetchone()
        assert row is not None
        return float(row[0])

    asking = [*command, "-S", "-n", "-c", "8", "-T", "3600", "postgres"]
    return Load(lambda: _run([asking], environment, server.child.pid), requests)


@contextmanager
def _run(commands: Sequence[Sequence[str]], environment: Mapping[str, str], server: int) -> Iterator[Pids]:
    """Run load generators; give what tells their PIDs and those of the server and its workers."""
    with ExitStack() as started:
        pids = []
        for command in commands:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
            started.callback(process.wait)
            started.callback(process.kill)
            pids.append(process.pid)
        yield lambda: [*pids, server, *_children(server)]


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
