"""Names that a real resolver asks dnsmasq for, which asks somebody slow, by its log and the resolver's clock."""

import contextlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.resolver
import pytest

from tests.live.support import packages, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.counted import Counted
from tests.live.support.processes import Command, accepts, free_port, running
from tests.live.support.seen import UNSHED
from tests.live.support.stopwatch import Stopwatch

pytestmark = [pytest.mark.long, pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
NAMES, UNKNOWN = 300, 30

# Answers every question after some milliseconds; names that begin with `no` do not exist.
SLOW = """
import random, socket, sys, time
import dns.message, dns.rcode, dns.rrset
chance = random.Random(1)
served = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
served.bind(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    packet, asker = served.recvfrom(2000)
    time.sleep(0.012 * chance.lognormvariate(0, 0.35))
    question = dns.message.from_wire(packet)
    answer = dns.message.make_response(question)
    name = question.question[0].name
    if name.to_text().startswith("no"):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    else:
        answer.answer.append(dns.rrset.from_text(name, 0, "IN", "A", "192.0.2.7"))
    served.sendto(answer.to_wire(), asker)
"""


@contextmanager
def slow_names(folder: Path) -> Iterator[int]:
    """Run a name server that takes its time."""
    (folder / "slow_names.py").write_text(SLOW)
    port, log = free_port(), folder / "slow.log"
    with running(
        Command((sys.executable, folder / "slow_names.py", str(port)), log), lambda: "ready" in log.read_text()
    ):
        yield port


@contextmanager
def dnsmasq(folder: Path, upstream: int) -> Iterator[int]:
    """Run dnsmasq without a memory, in front of another name server."""
    tree = packages.with_programs("dnsmasq")
    port = free_port()
    options = ("--no-daemon", "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=127.0.0.1")
    further = ("--cache-size=0", f"--server=127.0.0.1#{upstream}", "--log-queries", "--conf-file=/dev/null")
    command = Command(
        (tree.binary("dnsmasq"), *options, *further, f"--port={port}", "--user=root", "--pid-file"),
        folder / "dnsmasq.log",
        tree.environment({}),
    )
    with running(command, lambda: accepts(port)):
        yield port


def test_questions_equal_the_log_and_take_what_the_resolver_measures(tmp_path: Path) -> None:
    watch = Stopwatch()
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        slow_names(tmp_path) as upstream,
        dnsmasq(tmp_path, upstream) as port,
    ):
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], port
        for number in range(NAMES):
            with watch.lap():
                resolver.resolve(f"shop-{number}.example.", "A")
        for number in range(UNKNOWN):
            with contextlib.suppress(dns.resolver.NXDOMAIN):
                resolver.resolve(f"no-{number}.example.", "A")
        asked = len(re.findall(r"query\[A\]", (tmp_path / "dnsmasq.log").read_text()))
        # A name that does not exist is an answer, no error.
        own = Counted(asked, 0, watch.median_seconds)
        seen = assert_agrees(exporter, port, Known("dnsmasq", "dns", own, lasting=False))
    assert asked == NAMES + UNKNOWN
    assert seen.by("rcode", "larimar_dns_failures_total") == {"NXDOMAIN": UNKNOWN}
