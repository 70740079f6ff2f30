"""The official Python client of Elasticsearch, as Debian ships it, and a server that answers it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.support import packages
from tests.live.support.processes import Command, accepts, free_port, running
from tests.live.support.stack import ROOT

# As people use it; a missing document is an exception.
SCRIPT = """
import signal, sys, warnings
sys.path.append(sys.argv[2])
warnings.simplefilter("ignore")
import elasticsearch

client = elasticsearch.Elasticsearch([f"http://127.0.0.1:{sys.argv[1]}"])
for number in range(int(sys.argv[3])):
    client.index(index="orders", id=str(number), body={"name": "secret", "total": 5})
    client.search(index="orders", body={"query": {"match": {"name": "secret"}}})
    client.count(index="orders", body={"query": {"match_all": {}}})
    client.get(index="orders", id=str(number), ignore=404)
    if number % 10 == 0:
        client.bulk(index="orders", body=[{"index": {"_id": "1"}}, {"name": "secret"}] * 50)
print("done", flush=True)
signal.pause()
"""


@dataclass(frozen=True, slots=True)
class Searchable:
    """A running server.

    Attributes:
        port: where it listens on loopback.
        log: status and seconds of each answer.
    """

    port: int
    log: Path


@contextmanager
def searchable(folder: Path) -> Iterator[Searchable]:
    """Run the server."""
    port, log = free_port(), folder / "answers.log"
    arguments = (sys.executable, "-m", "tests.live.support.searchable", str(port), log)
    with running(Command(arguments, folder / "server.log", {"PYTHONPATH": str(ROOT)}), lambda: accepts(port)):
        yield Searchable(port, log)


@contextmanager
def asking(folder: Path, port: int, rounds: int) -> Iterator[None]:
    """Run the client until it has asked for all, and let it stay: who has left cannot be named."""
    libraries = packages.with_package("python3-elasticsearch").root / "usr/lib/python3/dist-packages"
    said = folder / "client.log"
    (folder / "shop_search.py").write_text(SCRIPT)
    command = Command((sys.executable, folder / "shop_search.py", str(port), libraries, str(rounds)), said)
    with running(command, lambda: "done" in said.read_text()):
        yield
