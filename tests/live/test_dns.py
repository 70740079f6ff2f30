"""Names that dnsmasq was asked for, by its own log, over UDP and TCP."""

import random
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.exporter.protocols.samples_dns import AAAA, A, framed, question
from tests.live.support import packages, stack
from tests.live.support.processes import Command, accepts, free_port, running
from tests.live.support.seen import UNSHED, Seen, settled

pytestmark = [pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
QUESTIONS = 2000
OVER_TCP = 50
KNOWN, UNKNOWN = b"\4shop\7example\0", b"\4none\7invalid\0"
RCODES = {0: "NOERROR", 3: "NXDOMAIN", 5: "REFUSED"}


@contextmanager
def dnsmasq(folder: Path) -> Iterator[int]:
    tree = packages.with_programs("dnsmasq")
    port = free_port()
    options = ("--no-daemon", "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=127.0.0.1")
    names = ("--address=/shop.example/192.0.2.7", "--address=/invalid/", "--log-queries", "--conf-file=/dev/null")
    command = Command(
        (tree.binary("dnsmasq"), *options, *names, f"--port={port}", "--user=root", "--pid-file"),
        folder / "dnsmasq.log",
        tree.environment({}),
    )
    with running(command, lambda: accepts(port)):
        yield port


def ask(port: int, chance: random.Random) -> Counter[str]:
    """Return how many of the questions had no answer, by the code that said so."""
    rcodes: Counter[str] = Counter()
    lasting = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for number in range(QUESTIONS):
        name = chance.choice((KNOWN, UNKNOWN))
        asker = lasting if number % 4 else socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asker.settimeout(10)
        asker.sendto(question(number, chance.choice((A, AAAA)), name), ("127.0.0.1", port))
        rcodes[RCODES[asker.recv(2000)[3] & 15]] += 1
        if asker is not lasting:
            asker.close()
    lasting.close()
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        for number in range(OVER_TCP):
            connection.sendall(framed(question(number, A, KNOWN)))
            connection.recv(2000)
    del rcodes["NOERROR"]
    return rcodes


def test_questions_equal_the_log(tmp_path: Path) -> None:
    with stack.exporter(tmp_path, *UNSHED) as exporter, dnsmasq(tmp_path) as port:
        failed = ask(port, random.Random(1))
        log = (tmp_path / "dnsmasq.log").read_text()
        own = Counter(re.findall(r"query\[(A|AAAA)\]", log))

        def asked(seen: Seen) -> dict[str, float]:
            return seen.by("operation", "larimar_dns_queries_total")

        seen = settled(exporter, port, lambda seen: asked(seen) == own)
    assert own.total() == QUESTIONS + OVER_TCP
    assert asked(seen) == own
    assert seen.by("rcode", "larimar_dns_failures_total") == failed
    assert seen.total("larimar_request_errors_total") == failed["REFUSED"] > 0
