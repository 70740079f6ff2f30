"""Segments that a sender repeats are counted as its kernel counts them, and their copies are not."""

import random
from collections.abc import Iterable, Iterator, Sequence

import pytest

from exporter.model import Flow
from exporter.net.engine import Engine
from exporter.net.stream import Failure
from tests.exporter.net.packets import Opened
from tests.live.support.lossy import NEAR, lossy, send, sent_again

RAW_IP = 101
COPY_DELAY_NS = 3_000
LOSS = 0.03
LARGE, SMALL = (600_000,) * 4, (3000,) * 30
FEW = 10  # that a run must lose to say something


class Watched:
    """Counts what was sent again by the near end."""

    def __init__(self) -> None:
        self.count = 0

    def connected(self, flow: Flow, handshake: int, at: int) -> None:
        """Count nothing."""

    def failed(self, flow: Flow, failure: Failure, at: int) -> None:
        """Count nothing."""

    def retransmitted(self, flow: Flow, direction: int, at: int) -> None:
        """Count what the near end repeats."""
        self.count += (flow.client, flow.server)[direction].address == NEAR


def told(packets: Iterable[tuple[int, bytes]]) -> int:
    """Return how many segments of the near end were told as sent again."""
    watched = Watched()
    engine = Engine(Opened(), watcher=watched)
    for at, packet in packets:
        engine.frame(packet, RAW_IP, len(packet), at)
    engine.close(0)
    return watched.count


def captured_twice(packets: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield every packet and, before the next one passes, its copy from the other port of a bridge."""
    followers = [at for at, _ in packets[1:]] + [packets[-1][0] + COPY_DELAY_NS]
    for (at, packet), following in zip(packets, followers, strict=True):
        yield at, packet
        yield min(at + COPY_DELAY_NS, following), packet


@pytest.mark.parametrize("sizes", [LARGE, SMALL], ids=["large", "small"])
def test_retransmissions_are_those_that_the_kernel_counts(sizes: tuple[int, ...]) -> None:
    before = sent_again()
    with lossy(LOSS, random.Random(7)) as link:
        for size in sizes:
            send(size)
        counted = sent_again() - before
    assert counted >= FEW if sizes is LARGE else counted
    assert told(link.packets) == pytest.approx(counted, rel=0.05, abs=2)
    assert told(captured_twice(link.packets)) <= counted
