"""CPU microseconds per message of each protocol, from ordered bytes to exchanges, and right counts on own captures.

Run as `python -m benchmarks.protocols [--json]`. Messages are small, as of real clients and servers, or those of the
conformance samples, which every protocol has; a handshake is one connection each. A large one of every protocol comes
in segments of 1,460 bytes, each of which is looked at, as if nothing were skipped, and has to be understood; the cost
of a byte of the smallest includes that of the message, and of finding out what is spoken.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from benchmarks.large import LARGE, MOST
from exporter import replay
from exporter.model import Endpoint, Exchange, Flow, Kind, Nanoseconds
from exporter.net.stream import End
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversation
from tests.exporter.protocols.conversing import Step
from tests.exporter.protocols.sample import Sample
from tests.exporter.protocols.samples import SAMPLES

PCAPS = Path(__file__).parents[1] / "tests" / "pcaps"
FLOW = Flow(Endpoint("192.0.2.1", 50_000), Endpoint("192.0.2.2", 17_017), "tcp", sure=False)
REPEATS = 3
SECONDS = 0.2
SEGMENTS_A_TIME = 1000
SIZES = (1 << 10, 1 << 17, 1 << 24, 100 << 20)
CLIENT, SERVER = 0, 1


def pg(kind: bytes, body: bytes = b"") -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def resp(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


GET = (
    b"GET /index.html?x=1 HTTP/1.1\r\nHost: example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"Accept: */*\r\nCookie: session=abcdefghijklmnopqrstuvwxyz\r\n\r\n"
)
FOUND = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: text/html\r\n"
    b"Content-Length: %d\r\nConnection: keep-alive\r\n\r\n"
)
SET, OK = resp(b"SET", b"key:1234", b"x" * 50), b"+OK\r\n"
ROW = pg(b"D", b"\0\x01\0\0\0\x0aabcdefghij")
ROWS = pg(b"T", b"\0\x01name\0" + bytes(18))
DONE = pg(b"C", b"SELECT 1\0") + pg(b"Z", b"I")
QUERY = pg(b"Q", b"SELECT name FROM customers WHERE id = 1234\0")
PREPARED = (
    pg(b"P", b"\0SELECT name FROM customers WHERE id = $1\0\0\0")
    + pg(b"B", b"\0\0\0\0\0\x01\0\0\0\x041234\0\0")
    + pg(b"D", b"P\0")
    + pg(b"E", bytes(5))
    + pg(b"S")
)
SMALL: dict[str, tuple[bytes, bytes]] = {
    "http": (GET, FOUND % 12 + b"hello world\n"),
    "redis": (SET, OK),
    "redis, pipelined": (SET * 50, OK * 50),
    "postgresql, simple": (QUERY, ROWS + ROW + DONE),
    "postgresql, extended": (PREPARED, pg(b"1") + pg(b"2") + ROWS + ROW + DONE),
}


STREAMED = tuple(spec for spec in PROTOCOLS if "tcp" in spec.transports)
# A connection of these is one exchange, so that finding out what it speaks is part of the cost.
ONCE = frozenset({"tls"})
WARMING_ROUNDS = 3
STEPS_A_ROUND = 500


# Those of which the project has captures of its own so far.
MEASURED = ("http", "redis", "postgresql", "ldap", "fastcgi", "smtp", "clickhouse", "elasticsearch")


@dataclass(slots=True)
class Counting:
    """An observer and recorder that only counts."""

    exchanges: int = 0
    messages: int = 0
    protocols: list[str] = field(default_factory=list)

    def recognised(self, flow: Flow, protocol: str) -> "Counting":
        self.protocols.append(protocol)
        return self

    def unparsable(self, flow: Flow, protocol: str) -> None:
        raise ValueError(f"the benchmark's own bytes are no {protocol}")

    def record(self, exchange: Exchange) -> None:
        self.exchanges += exchange.response is not None and exchange.response.kind is not Kind.CHANGED
        self.messages += (exchange.request is not None) + (exchange.response is not None)

    def close(self, at: Nanoseconds) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured.

    Attributes:
        microseconds: per message, by kind of traffic.
        nanoseconds_per_byte: of one large response, by protocol and size in bytes.
        exact: by own capture, whether requests and errors equal the server's own counts.
    """

    microseconds: dict[str, float]
    nanoseconds_per_byte: dict[str, dict[int, float]]
    exact: dict[str, bool]


def microseconds_of_sample(protocol: str, sample: Sample) -> float:
    """Return the best of several rounds, of a running connection or of whole ones."""
    best = float("inf")
    for _ in range(REPEATS):
        counting = Counting()
        running = sample.steps[sample.opening :]
        conversation = Conversation(FLOW, counting, STREAMED)
        talk(conversation, (*sample.steps, *running * WARMING_ROUNDS))
        counting.messages = 0
        begun = time.process_time()
        while (spent := time.process_time() - begun) < SECONDS:
            for _ in range(1 + STEPS_A_ROUND // len(sample.steps)):
                if protocol in ONCE:
                    conversation = Conversation(FLOW, counting, STREAMED)
                    talk(conversation, sample.steps)
                    conversation.end(End.CLOSED, 0)
                else:
                    talk(conversation, running)
        best = min(best, spent / counting.messages)
    return best * 1e6


def talk(conversation: Conversation, steps: Iterable[Step]) -> None:
    """Let bytes go by."""
    for step in steps:
        conversation.data(step.direction, step.payload, 0)


def microseconds_per_message(asked: bytes, told: bytes) -> float:
    """Return the best of several rounds."""
    best = float("inf")
    for _ in range(REPEATS):
        counting = Counting()
        conversation = Conversation(FLOW, counting, PROTOCOLS)
        begun = time.process_time()
        while (spent := time.process_time() - begun) < SECONDS:
            for at in range(100):
                conversation.data(CLIENT, asked, at)
                conversation.data(SERVER, told, at)
        best = min(best, spent / (2 * counting.exchanges))
    return best * 1e6


def nanoseconds_per_byte(name: str, size: int) -> float:
    """Return what a message of `size` bytes costs per byte; ValueError where it was not understood as one."""
    large = LARGE[name](size)
    counting = Counting()
    conversation = Conversation(FLOW, counting, STREAMED)
    talk(conversation, large.before)
    known, spent, segments = counting.messages, 0.0, large.segments()
    while some := list(islice(segments, SEGMENTS_A_TIME)):  # what cuts them is not to be measured
        begun = time.process_time()
        for segment in some:
            conversation.data(large.direction, segment, 1)
        spent += time.process_time() - begun
    talk(conversation, large.after)
    conversation.end(End.CLOSED, 2)
    if counting.messages == known or counting.protocols[-1:] != [name.partition(",")[0]]:
        raise ValueError(f"{counting.messages - known} large messages of {name} seen, as {counting.protocols}")
    return spent / len(large.told) * 1e9


def by_size(name: str) -> dict[int, float]:
    """Return what a byte costs by the size of its message, as far as the protocol lets it grow."""
    sizes = dict.fromkeys(min(size, MOST.get(name, size)) for size in SIZES)
    return {size: min(nanoseconds_per_byte(name, size) for _ in range(repeats(size))) for size in sizes}


def repeats(size: int) -> int:
    """Return how often a message is sent: a small one's time is soon disturbed."""
    return 20 if size <= 1 << 17 else 1


def is_exact(name: str) -> bool:
    """Return whether `larimar replay` counts what the server counted."""
    own = json.loads((PCAPS / f"{name}.json").read_text())
    out = io.StringIO()
    with redirect_stdout(out):
        replay.main([str(PCAPS / f"{name}.pcap"), "--json"])
    (endpoint,) = json.loads(out.getvalue())["endpoints"]
    return all(endpoint[field] == own[field] for field in ("requests", "errors"))


def measure() -> Figures:
    """Measure all."""
    names = MEASURED
    costs = {name: microseconds_per_message(*messages) for name, messages in SMALL.items()}
    for name, samples in SAMPLES.items():
        if name not in SMALL:
            costs |= {f"{name}, {sample.name}": microseconds_of_sample(name, sample) for sample in samples}
    return Figures(
        costs,
        {name: by_size(name) for name in LARGE},
        {name: is_exact(name) for name in names},
    )


def table(figures: Figures) -> Iterable[str]:
    """Yield the lines to read."""
    yield f"{'traffic':52}{'us/message':>12}{'messages/s':>14}"
    for name, cost in figures.microseconds.items():
        yield f"{name:52}{cost:12.2f}{1e6 / cost:14,.0f}"
    yield ""
    yield f"{'one message, ns/byte':24}" + "".join(f"{size:>14,}" for size in SIZES)
    for name, costs in figures.nanoseconds_per_byte.items():
        yield f"{name:24}" + "".join(f"{cost:14.2f}" for cost in costs.values())
    yield ""
    for name, exact in figures.exact.items():
        yield f"own capture of {name}: counts {'equal' if exact else 'DIFFER FROM'} the server's own"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; return 1 if a count is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.protocols", description="CPU cost per message.")
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args(argv)
    figures = measure()
    print(json.dumps(asdict(figures)) if arguments.json else "\n".join(table(figures)))
    return 0 if all(figures.exact.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
