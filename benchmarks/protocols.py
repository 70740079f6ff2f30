"""CPU microseconds per message of each protocol, from ordered bytes to exchanges, and right counts on own captures.

Run as `python -m benchmarks.protocols [--json]`. Messages are small, as of real clients and servers; the large ones
come in segments of 1,460 bytes, every one of which is looked at, as if nothing were skipped.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path

from exporter import replay
from exporter.model import Endpoint, Exchange, Flow, Kind, Nanoseconds
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversation

PCAPS = Path(__file__).parents[1] / "tests" / "pcaps"
FLOW = Flow(Endpoint("192.0.2.1", 50_000), Endpoint("192.0.2.2", 17_017), "tcp", sure=False)
REPEATS = 3
SECONDS = 0.5
SEGMENT_BYTES = 1460
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


def large(protocol: str, size: int) -> tuple[bytes, bytes]:
    """Return a request and the beginning of a response of `size` bytes more."""
    return {
        "http": (GET, FOUND % size),
        "redis": (resp(b"GET", b"k"), b"$%d\r\n" % (size - 2)),
        "postgresql": (QUERY, b"D" + (size + 4).to_bytes(4, "big")),
    }[protocol]


# Those of which the project has captures of its own so far.
MEASURED = ("http", "redis", "postgresql")


@dataclass(slots=True)
class Counting:
    """An observer and recorder that only counts."""

    exchanges: int = 0

    def recognised(self, flow: Flow, protocol: str) -> "Counting":
        return self

    def unparsable(self, flow: Flow, protocol: str) -> None:
        raise ValueError(f"the benchmark's own bytes are no {protocol}")

    def record(self, exchange: Exchange) -> None:
        self.exchanges += exchange.response is not None and exchange.response.kind is not Kind.CHANGED

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


def nanoseconds_per_byte(protocol: str, size: int) -> float:
    """Return what one response of `size` bytes costs per byte."""
    asked, told = large(protocol, size)
    segment = b"x" * SEGMENT_BYTES
    conversation = Conversation(FLOW, Counting(), PROTOCOLS)
    conversation.data(CLIENT, asked, 0)
    conversation.data(SERVER, told, 1)
    begun = time.process_time()
    for at in range(size // SEGMENT_BYTES):
        conversation.data(SERVER, segment, at)
    return (time.process_time() - begun) / size * 1e9


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
    return Figures(
        {name: microseconds_per_message(*messages) for name, messages in SMALL.items()},
        {name: {size: nanoseconds_per_byte(name, size) for size in SIZES} for name in names},
        {name: is_exact(name) for name in names},
    )


def table(figures: Figures) -> Iterable[str]:
    """Yield the lines to read."""
    yield f"{'traffic':24}{'us/message':>12}{'messages/s':>14}"
    for name, cost in figures.microseconds.items():
        yield f"{name:24}{cost:12.2f}{1e6 / cost:14,.0f}"
    yield ""
    yield f"{'one response, ns/byte':24}" + "".join(f"{size:>14,}" for size in SIZES)
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
