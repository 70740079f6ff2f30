"""Pages that HAProxy passed on to an application, by its own statistics and its clients' clocks."""

import csv
import http.client
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live.support import loads, packages, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.application import application
from tests.live.support.counted import Counted
from tests.live.support.processes import Command, free_port, running
from tests.live.support.seen import UNSHED, Seen
from tests.live.support.stopwatch import Stopwatch

pytestmark = [pytest.mark.long, pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
PAGES, MISSING, BROKEN = 4000, 120, 60
WORKERS = 2
SEED = 32

CONFIGURATION = """\
global
  stats socket {socket}
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend shop
  bind 127.0.0.1:{port}
  http-request return status 404 if {{ path /missing }}
  http-request return status 500 if {{ path /broken }}
  default_backend application
backend application
  server first 127.0.0.1:{backend}
"""


@contextmanager
def haproxy(folder: Path, backend: int) -> Iterator[int]:
    """Run HAProxy in front of an application; its figures are behind `stats` in the folder."""
    tree = packages.with_programs("haproxy")
    port, configuration = free_port(), folder / "haproxy.cfg"
    configuration.write_text(CONFIGURATION.format(port=port, socket=folder / "stats", backend=backend))
    command = Command(
        (tree.binary("haproxy"), "-db", "-f", configuration), folder / "haproxy.log", tree.environment({})
    )
    # A connection that asks nothing would count as a bad request.
    with running(command, (folder / "stats").exists):
        yield port


def own_counts(folder: Path, watch: Stopwatch) -> Counted:
    """Return what it counted, with the median that its clients measured."""
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile() as answer:
        connection.connect(str(folder / "stats"))
        connection.sendall(b"show stat\n")
        rows = list(csv.DictReader(answer.read().removeprefix("# ").splitlines()))
    (front,) = (row for row in rows if (row["pxname"], row["svname"]) == ("shop", "FRONTEND"))
    errors = int(front["hrsp_4xx"]) + int(front["hrsp_5xx"])
    return Counted(int(front["req_tot"]), errors, watch.median_seconds)


def get(port: int, paths: list[str], watch: Stopwatch) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for path in paths:
        with watch.lap():
            connection.request("GET", path)
            connection.getresponse().read()
    connection.close()


def test_requests_equal_its_statistics(tmp_path: Path) -> None:
    kinds = (("/page", 0), ("/missing", MISSING), ("/broken", BROKEN))
    watch = Stopwatch()
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        application(tmp_path) as backend,
        haproxy(tmp_path, backend) as port,
    ):
        paths = loads.spread(PAGES, kinds, random.Random(SEED))
        loads.side_by_side(lambda share: get(port, share, watch), paths, WORKERS)
        own = own_counts(tmp_path, watch)
        seen = assert_agrees(exporter, port, Known("haproxy", "http", own))
        behind = Seen(seen.page, backend).edges("http")
    assert (own.requests, own.errors) == (PAGES, MISSING + BROKEN)
    assert behind == {seen.service: PAGES - MISSING - BROKEN}
