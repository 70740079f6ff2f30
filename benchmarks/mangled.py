"""What is still told of captures that networks and captures have mangled, in percent: `python -m benchmarks.mangled`.

Truth is what a replay tells of the capture as it was; it is held against the servers' own counts by the tests. Exact
mangles must change nothing; packets out of order may cost 1 % of the requests, lost ones and short copies 5 %. Messages
that a short copy hides are counted where those in front of them tell their size; keys that a list of values lacks and
how a hidden answer ends nobody can tell but by its length. Of one direction alone, the requests are all that is
compared. Beside what is told of lossy captures stands, as `ideal`, what the packets that are left show of exchanges.

    python -m benchmarks.mangled [--json] [CAPTURE ...]
"""

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from benchmarks.survivors import Diary, survivors
from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.base import Family
from exporter.protocols.conversation import Conversations
from exporter.protocols.recorder import Observer
from exporter.services.endpoints import EndpointFacts, Endpoints
from exporter.services.families import family_of
from exporter.sources.pcapfile import feed, read
from tests.pcaps.mangle import EXACT, LOSSY, ONE_SIDED, Captured, serialise

PCAPS = Path(__file__).parents[1] / "tests" / "pcaps"
WEIGHTS = {"protocol": 3, "requests": 2, "errors": 2, "operations": 2, "latency": 2, "statuses": 1}
TOLERANCES = {"reordered": 0.01, **dict.fromkeys(LOSSY, 0.05), **dict.fromkeys(ONE_SIDED, 0.05)}
MANGLES = {**EXACT, **LOSSY, **ONE_SIDED}
LATENCY_TOLERANCE, LATENCY_NS = 0.15, 1_000_000

LOSSES = tuple(name for name in LOSSY if name.startswith("loss"))
IDEAL = ", ideal"

Rows = dict[tuple[int, str], EndpointFacts]
Judge = Callable[[EndpointFacts, EndpointFacts | None, float], float]


def replay(capture: bytes, observer: Observer) -> None:
    """Tell an observer of a capture."""
    engine = Engine(Conversations(observer, PROTOCOLS), datagrams=True)
    feed(io.BytesIO(capture), engine)
    engine.close(0)


def rows(capture: bytes) -> Rows:
    """Return what a replay tells, by the server's port and protocol; addresses change with the mangle."""
    endpoints = Endpoints()
    replay(capture, endpoints)
    return {(key.server.port, key.protocol): row for key, row in endpoints.rows.items()}


def likeness(true: Mapping[str, int], told: Mapping[str, int]) -> float:
    """Return the share of counts that two tellings have in common."""
    names = true.keys() | told.keys()
    whole = sum(max(true.get(name, 0), told.get(name, 0)) for name in names)
    return sum(min(true.get(name, 0), told.get(name, 0)) for name in names) / whole if whole else 1.0


def near(true: int, told: int, tolerance: float) -> float:
    """Return 1 where a count is within the tolerance, less the further it is off."""
    over = abs(told - true) - tolerance * true
    return 1.0 if over <= 0 else max(0.0, 1 - 5 * over / max(1, true))


def score(true: EndpointFacts, told: EndpointFacts | None, tolerance: float) -> float:
    """Return how much of an endpoint is told rightly, 0 to 1."""
    if told is None:
        return 0.0
    parts = {
        "protocol": 1.0,
        "requests": near(true.requests, told.requests, tolerance),
        "errors": float(abs(true.errors - told.errors) <= max(tolerance * true.errors, tolerance > 0)),
        "operations": likeness(true.operations, told.operations),
        "statuses": likeness(true.statuses, told.statuses),
    }
    if true.durations.count:
        median = true.durations.quantile(0.5)
        found = told.durations.quantile(0.5) if told.durations.count else -1
        parts["latency"] = float(abs(found - median) <= LATENCY_TOLERANCE * median + LATENCY_NS and found >= 0)
    return sum(WEIGHTS[name] * part for name, part in parts.items()) / sum(WEIGHTS[name] for name in parts)


def score_half(true: EndpointFacts, told: EndpointFacts | None, tolerance: float) -> float:
    """Return how much of an endpoint one direction tells rightly, 0 to 1: the protocol and how many requests."""
    if told is None:
        return 0.0
    weights = WEIGHTS["protocol"], WEIGHTS["requests"]
    return (weights[0] + weights[1] * near(true.requests, told.requests, tolerance)) / sum(weights)


def share(truth: Rows, told: Rows, judge: Judge, tolerance: float) -> float:
    """Return how much is told rightly of all endpoints, in percent."""
    shares = [judge(row, told.get(key), tolerance) for key, row in truth.items()]
    return round(100 * sum(shares) / len(shares), 1) if shares else 0.0


def compare(capture: Path) -> dict[str, float]:
    """Return each mangle's score on a capture, in percent, over the endpoints whose protocol is known."""
    with capture.open("rb") as stream:
        packets = [Captured(packet.data, packet.wire_length, packet.at) for packet in read(stream)]
    truth = {key: row for key, row in rows(serialise(packets)).items() if family_of(key[1]) is not Family.GUESSED}
    diary = Diary()
    replay(serialise(packets), diary)
    scores = {}
    for name, mangle in MANGLES.items():
        mangled = mangle(packets)
        tolerance = TOLERANCES.get(name, 0.0)
        judge = score_half if name in ONE_SIDED else score
        scores[name] = share(truth, rows(serialise(mangled)), judge, tolerance)
        if name in LOSSES:
            best = survivors(diary.exchanges, packets, mangled)
            scores[f"{name}{IDEAL}"] = share(truth, best, judge, tolerance)
    return scores


def print_table(found: Mapping[str, Mapping[str, float]]) -> None:
    """Print a line for each mangle."""
    print("mangle".ljust(24) + "".join(name.rjust(14) for name in found))
    for mangle in next(iter(found.values()), {}):
        print(mangle.ljust(24) + "".join(f"{scores[mangle]:14.1f}" for scores in found.values()))


def main(argv: Iterable[str] | None = None) -> int:
    """Run; return 1 if an exact mangle changed anything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="*", type=Path, help="Ethernet with IPv4; by default this project's own")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(None if argv is None else list(argv))
    captures = arguments.captures or sorted(PCAPS.glob("*.pcap"))
    found = {capture.stem: compare(capture) for capture in captures}
    if arguments.json:
        print(json.dumps(found))
    else:
        print_table(found)
    exact = [scores[name] for scores in found.values() for name in EXACT if name not in TOLERANCES]
    return 0 if min(exact) == 100.0 else 1


if __name__ == "__main__":
    sys.exit(main())
