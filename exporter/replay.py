"""`larimar replay FILE`: what the exporter would have learned from a capture."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.base import Family
from exporter.protocols.conversation import Conversations
from exporter.services.endpoints import EndpointFacts, EndpointKey, Endpoints
from exporter.services.families import family_of, label_of
from exporter.sources.dissected import Dissecting
from exporter.sources.errors import SourceError
from exporter.sources.pcapfile import feed

SECOND = 1e9
END_OF_FILE = 0  # nothing is timed by it: what was seen last of each connection has its own time
COLUMNS = ("SERVER", "PROTOCOL", "REQUESTS", "ERRORS", "P50", "P99", "OPERATIONS")
SHOWN_OPERATIONS = 5
SHOWN_LINKS = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    arguments = _arguments(argv)
    endpoints = Endpoints()
    trouble = _read(arguments.file, endpoints)
    if arguments.json:
        json.dump({"endpoints": [_as_json(key, row) for key, row in _ordered(endpoints)]}, sys.stdout)
        sys.stdout.write("\n")
    else:
        _print_table(endpoints, sys.stdout)
    if endpoints.folded:
        sys.stderr.write(f"larimar replay: {endpoints.folded} connections left out: too many endpoints\n")
    if trouble:
        sys.stderr.write(f"larimar replay: {arguments.file}: {trouble}\n")
        return 1
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="larimar replay", description="Show what the exporter would have learned from a packet capture."
    )
    parser.add_argument("file", help="a pcap or pcapng file, gzipped or not; - for standard input")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    return parser.parse_args(argv)


def _read(file: str, endpoints: Endpoints) -> str:
    """Read all that can be read of a file; return what went wrong, else nothing."""
    engine = Engine(Conversations(endpoints, PROTOCOLS), datagrams=True)
    try:
        if file == "-":
            return _feed(sys.stdin.buffer, engine)
        with Path(file).open("rb") as stream:
            return _feed(stream, engine)
    except (SourceError, OSError) as error:
        return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _feed(stream: BinaryIO, engine: Engine) -> str:
    """Feed the engine; return what it could not make anything of, else nothing."""
    sink = Dissecting(engine)
    try:
        feed(stream, sink)
    finally:
        engine.close(END_OF_FILE)
    if not sink.unknown:
        return ""
    kinds = ", ".join(f"{link} ({count} packets)" for link, count in sorted(sink.unknown.items())[:SHOWN_LINKS])
    return f"link types that are not known were left out: {kinds}"


def _ordered(endpoints: Endpoints) -> list[tuple[EndpointKey, EndpointFacts]]:
    """Return the rows, parsed protocols first, then the busiest."""
    return sorted(endpoints.rows.items(), key=lambda item: (_is_guessed(item[0]), -item[1].requests))


def _is_guessed(key: EndpointKey) -> bool:
    return family_of(key.protocol) is Family.GUESSED


def _as_json(key: EndpointKey, row: EndpointFacts) -> dict[str, object]:
    durations = row.durations
    latency = None
    if durations.count:
        latency = {
            "count": durations.count,
            "p50_s": durations.quantile(0.5) / SECOND,
            "p99_s": durations.quantile(0.99) / SECOND,
            "sum_s": durations.total / SECOND,
        }
    return {
        "server": str(key.server),
        "protocol": label_of(key.protocol),
        "inferred": _is_guessed(key),
        "requests": row.requests,
        "responses": row.responses,
        "errors": row.errors,
        "status": dict(row.statuses),
        "ops": dict(row.operations),
        "latency": latency,
        "extra": _extra(key, row),
    }


def _extra(key: EndpointKey, row: EndpointFacts) -> dict[str, object]:
    """Return the columns that only some protocols have."""
    if family_of(key.protocol) is Family.CACHE:
        return {"hits": row.hits, "misses": row.misses}
    told = {"sni": dict(row.server_names), "version": dict(row.tls_versions)}
    return {name: value for name, value in told.items() if value}


def _print_table(endpoints: Endpoints, out: TextIO) -> None:
    lines = [COLUMNS, *(_as_cells(key, row) for key, row in _ordered(endpoints))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS) - 1)]
    for line in lines:
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        out.write("  ".join([*padded, line[-1]]).rstrip() + "\n")


def _as_cells(key: EndpointKey, row: EndpointFacts) -> tuple[str, ...]:
    durations = row.durations
    times = [_milliseconds(durations.quantile(share)) if durations.count else "-" for share in (0.5, 0.99)]
    operations = ", ".join(f"{name} {count}" for name, count in row.operations.most_common(SHOWN_OPERATIONS))
    if len(row.operations) > SHOWN_OPERATIONS:
        operations += ", ..."
    return (str(key.server), key.protocol, str(row.requests), str(row.errors), *times, operations)


def _milliseconds(duration: int) -> str:
    return f"{duration / 1e6:.3f} ms"


if __name__ == "__main__":
    sys.exit(main())
