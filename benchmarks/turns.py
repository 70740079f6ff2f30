"""What turn-taking infers of connections that are parsed as well: how far its counts and medians are off.

Run as `python -m benchmarks.turns [--json] [CAPTURE ...]`; without captures, on the project's own. Each is read twice:
by the protocols, and as if nobody knew any. One turn stands for one request where a client awaits each answer before it
asks again; where it pipelines, a turn stands for all that it asked at once.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from exporter.model import Endpoint
from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.base import Family, Match, ProtocolSpec
from exporter.protocols.conversation import Conversations
from exporter.protocols.turns import TurnParser
from exporter.services.endpoints import EndpointFacts, Endpoints
from exporter.services.families import family_of
from exporter.sources.dissected import Dissecting
from exporter.sources.errors import SourceError
from exporter.sources.pcapfile import feed

PCAPS = Path(__file__).parents[1] / "tests" / "pcaps"
END = 0
# Takes every connection for one whose protocol nobody knows.
BLIND = (ProtocolSpec("turns", frozenset(), lambda _client, _server: Match.YES, TurnParser, Family.GUESSED),)


@dataclass(frozen=True, slots=True)
class Calibration:
    """One server's requests in one capture, parsed and inferred.

    Attributes:
        requests: by the protocol's messages.
        turns: by changes of direction.
        parsed_p50, inferred_p50: medians in seconds; None where nothing was timed.
    """

    capture: str
    protocol: str
    requests: int
    turns: int
    parsed_p50: float | None
    inferred_p50: float | None


def read(capture: Path, specs: Sequence[ProtocolSpec]) -> Endpoints:
    """Read a capture by the given protocols.

    Raises:
        SourceError, OSError: it cannot be read.
    """
    endpoints = Endpoints()
    engine = Engine(Conversations(endpoints, specs))
    with capture.open("rb") as stream:
        feed(stream, Dissecting(engine))
    engine.close(END)
    return endpoints


def calibrate(capture: Path) -> Iterable[Calibration]:
    """Yield the servers whose connections are all of one parsed protocol."""
    parsed, blind = read(capture, PROTOCOLS), read(capture, BLIND)
    inferred = {key.server: row for key, row in blind.rows.items()}
    spoken: dict[Endpoint, list[str]] = {}
    for key in parsed.rows:
        spoken.setdefault(key.server, []).append(key.protocol)
    for key, row in parsed.rows.items():
        turns = inferred.get(key.server)
        if turns is None or len(spoken[key.server]) > 1 or family_of(key.protocol) is Family.GUESSED:
            continue
        yield Calibration(capture.stem, key.protocol, row.requests, turns.requests, median(row), median(turns))


def median(row: EndpointFacts) -> float | None:
    """Return the median of what was timed, in seconds."""
    return row.durations.quantile(0.5) / 1e9 if row.durations.count else None


def lines(found: Sequence[Calibration]) -> Iterable[str]:
    """Yield the lines to read."""
    yield f"{'capture':40}{'protocol':12}{'requests':>10}{'turns':>10}{'ratio':>8}{'p50 ratio':>11}"
    for one in found:
        share = f"{one.turns / one.requests:.2f}" if one.requests else "-"
        slower = f"{one.inferred_p50 / one.parsed_p50:.2f}" if one.inferred_p50 and one.parsed_p50 else "-"
        yield f"{one.capture[:39]:40}{one.protocol:12}{one.requests:10,}{one.turns:10,}{share:>8}{slower:>11}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; return 1 if a capture cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turns", description="Turns against parsed messages.")
    parser.add_argument("captures", nargs="*", type=Path, help="capture files; the project's own without any")
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args(argv)
    found: list[Calibration] = []
    status = 0
    for capture in arguments.captures or sorted(PCAPS.glob("*.pcap")):
        try:
            found.extend(calibrate(capture))
        except (SourceError, OSError) as error:
            print(f"{capture}: {error}", file=sys.stderr)
            status = 1
    print(json.dumps([asdict(one) for one in found]) if arguments.json else "\n".join(lines(found)))
    return status


if __name__ == "__main__":
    sys.exit(main())
