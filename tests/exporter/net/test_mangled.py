"""Captures of real servers, mangled as networks and captures do, tell the same."""

import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from exporter.services.endpoints import Endpoints
from exporter.sources.pcapfile import feed
from tests.pcaps.mangle import EXACT, lossy, parse, serialise, snapped

PCAPS = Path(__file__).parents[2] / "pcaps"
NAMES = ("http", "redis", "postgresql")


@dataclass(frozen=True, slots=True)
class Told:
    """What a replay tells of one protocol at one port."""

    requests: int
    responses: int
    errors: int
    statuses: tuple[tuple[str, int], ...]
    operations: tuple[tuple[str, int], ...]


def told(capture: bytes) -> dict[tuple[int, str], Told]:
    endpoints = Endpoints()
    engine = Engine(Conversations(endpoints, PROTOCOLS))
    feed(io.BytesIO(capture), engine)
    engine.close(0)
    return {
        (key.server.port, key.protocol): Told(
            row.requests,
            row.responses,
            row.errors,
            tuple(sorted(row.statuses.items())),
            tuple(sorted(row.operations.items())),
        )
        for key, row in endpoints.rows.items()
    }


@pytest.mark.parametrize("mangle", EXACT)
@pytest.mark.parametrize("name", NAMES)
def test_what_networks_do_to_packets_changes_nothing(name: str, mangle: str) -> None:
    original = (PCAPS / f"{name}.pcap").read_bytes()
    expected = told(original)
    assert sum(row.requests for row in expected.values()) > 10
    assert told(serialise(EXACT[mangle](parse(original)))) == expected


@pytest.mark.parametrize("name", NAMES)
def test_what_takes_packets_away_costs_little(name: str) -> None:
    original = (PCAPS / f"{name}.pcap").read_bytes()
    expected = {key: row for key, row in told(original).items() if key[1] == name}
    found = told(serialise(lossy(parse(original))))
    for key, row in expected.items():
        assert found[key].requests == pytest.approx(row.requests, rel=0.05, abs=2)
        assert found[key].responses == pytest.approx(row.responses, rel=0.05, abs=2)


@pytest.mark.parametrize("name", NAMES)
def test_a_short_snap_loses_what_is_pipelined_behind_it_and_invents_nothing(name: str) -> None:
    original = (PCAPS / f"{name}.pcap").read_bytes()
    found = told(serialise(snapped(parse(original))))
    for key, row in told(original).items():
        if key[1] == name:
            assert row.requests / 5 < found[key].requests <= row.requests
            assert found[key].errors <= row.errors
