"""Pages of a Python application behind gunicorn, by its access log, asked for with requests."""

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.live.support import counted, loads, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.processes import Command, free_port, running
from tests.live.support.seen import UNSHED

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
PAGES, MISSING, BROKEN = 600, 40, 20
PROCESSES, THREADS, CLIENTS = 2, 4, 4  # no client waits for another one: gunicorn does not log that
SEED = 33

APPLICATION = """
import random, time

STATUSES = {"/missing": "404 Not Found", "/broken": "500 Internal Server Error"}
CHANCE = random.Random(1)


def application(environment, start_response):
    time.sleep(0.02 * CHANCE.lognormvariate(0, 0.35))
    path = environment["PATH_INFO"]
    # A HEAD is answered by the length of a body that does not come.
    start_response(STATUSES.get(path, "200 OK"), [("Content-Length", "2000")])
    return [] if environment["REQUEST_METHOD"] == "HEAD" else [b"x" * 2000]
"""


@contextmanager
def gunicorn(folder: Path) -> Iterator[int]:
    """Run two of its processes that take one request after the other; its log's times are microseconds."""
    (folder / "shop_pages.py").write_text(APPLICATION)
    port = free_port()
    options = {
        "--bind": f"127.0.0.1:{port}",
        "--workers": PROCESSES,
        "--threads": THREADS,  # with one there are no kept connections
        "--access-logfile": folder / "access.log",
        "--access-logformat": "%(s)s %(D)s",
        "--pythonpath": folder,
        "--control-socket": folder / "control",
    }
    command = Command(
        (
            sys.executable,
            "-m",
            "gunicorn",
            *(str(p) for pair in options.items() for p in pair),
            "shop_pages:application",
        ),
        folder / "gunicorn.log",
    )
    log = folder / "gunicorn.log"
    with running(command, lambda: log.read_text().count("Booting worker") == PROCESSES):
        yield port


def ask(port: int, paths: Sequence[str]) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for number, path in enumerate(paths):
            url = f"http://127.0.0.1:{port}{path}"
            if number % 5 == 0:
                session.head(url, timeout=30)
            elif number % 5 == 1:
                session.post(url, json={"quantity": number}, timeout=30)
            else:
                session.get(url, timeout=30)


def test_requests_equal_the_access_log(tmp_path: Path) -> None:
    kinds = (("/page", 0), ("/missing", MISSING), ("/broken", BROKEN))
    with stack.exporter(tmp_path, *UNSHED) as exporter, gunicorn(tmp_path) as port:
        paths = loads.spread(PAGES, kinds, random.Random(SEED))
        loads.side_by_side(lambda share: ask(port, share), paths, CLIENTS)
        own = counted.by_access_log(tmp_path / "access.log", 1e-6, PAGES)
        seen = assert_agrees(exporter, port, Known("shop_pages", "http", own))
    assert (own.requests, own.errors) == (PAGES, MISSING + BROKEN)
    methods = seen.by("method", "larimar_http_requests_total")
    assert methods == {"HEAD": PAGES / 5, "POST": PAGES / 5, "GET": PAGES * 3 / 5}
