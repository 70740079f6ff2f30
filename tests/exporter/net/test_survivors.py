"""What lost packets leave of exchanges, as the benchmark of mangled captures reckons it."""

import pytest

from benchmarks.survivors import survivors
from exporter.model import Endpoint, Exchange, Flow, Kind, Message, Operation
from tests.pcaps.mangle import Captured

CLIENT, SERVER = Endpoint("10.0.0.1", 5000), Endpoint("10.0.0.2", 80)
FLOW = Flow(CLIENT, SERVER, "tcp", True)


def frame(asking: bool, at: int) -> Captured:
    sides = [bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])]
    ports = [(5000).to_bytes(2, "big"), (80).to_bytes(2, "big")]
    if not asking:
        sides, ports = sides[::-1], ports[::-1]
    return Captured(bytes(14) + b"\x45" + bytes(11) + b"".join(sides + ports) + bytes(16), 60, at)


ASKED = [frame(True, 1), frame(True, 2)]
TOLD = [frame(False, 5), frame(False, 6)]
EXCHANGE = Exchange(
    Message(Kind.REQUEST, 1, 2, 9, Operation("GET")), Message(Kind.RESPONSE, 5, 6, 9, status="500", failed=True)
)


@pytest.mark.parametrize(
    ("lost", "requests", "operations", "errors", "times"),
    [
        ([], 1, 1, 1, 1),
        (ASKED[:1], 1, 0, 1, 0),
        (ASKED[1:], 1, 1, 1, 1),
        (TOLD[:1], 1, 1, 0, 1),
        (TOLD[1:], 1, 1, 1, 0),
        (TOLD, 1, 1, 0, 0),
        (ASKED, 1, 0, 1, 0),
        (ASKED + TOLD, 0, 0, 0, 0),
    ],
)
def test_packets_that_are_left_tell_what_they_hold(
    lost: list[Captured], requests: int, operations: int, errors: int, times: int
) -> None:
    packets = ASKED + TOLD
    left = [packet for packet in packets if packet not in lost]
    found = survivors([(FLOW, "http", EXCHANGE)], packets, left)
    if not requests:
        assert found == {}
        return
    row = found[80, "http"]
    assert (row.requests, row.operations.total(), row.errors, row.durations.count) == (1, operations, errors, times)
