"""Compares what the exporter says of a server with what the server and its clients counted themselves."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from tests.live.support.counted import Counted
from tests.live.support.seen import Seen, settled
from tests.live.support.stack import Process

COUNTS = 0.01  # of the server's own
MEDIAN = 0.15  # of the measured one


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a server without the exporter.

    Attributes:
        service: the name that people have for it.
        protocol: the `protocol` label's value.
        own: its own counts.
        timed_at: the port where its clients meet it, where that is at a distance; else its own.
        lasting: whether its clients live for long enough to be found.
    """

    service: str
    protocol: str
    own: Counted
    timed_at: int | None = None
    lasting: bool = True


def assert_alike(seen: Counted, own: Counted, report: str) -> None:
    """Compare by what users rely on: counts within 1 %, errors exactly, the median within 15 %."""
    said = f"seen {seen}, own {own}\n{report}"
    assert abs(seen.requests - own.requests) <= COUNTS * own.requests, said
    assert seen.errors == own.errors, said
    if not math.isnan(own.median_seconds):
        assert abs(seen.median_seconds - own.median_seconds) <= MEDIAN * own.median_seconds, said


def assert_agrees(exporter: Process, port: int, known: Known, besides: Callable[[Seen], bool] = bool) -> Seen:
    """Compare once all has arrived: name, counts, errors, median, and that somebody here is told to have asked.

    Args:
        besides: what else has to have arrived.

    Returns:
        The page that was compared.
    """
    protocol, own = known.protocol, known.own

    def timed(seen: Seen) -> Seen:
        return seen if known.timed_at is None else Seen(seen.page, known.timed_at)

    def complete(seen: Seen) -> bool:
        counted = (one.total("larimar_requests_total", protocol=protocol) for one in (seen, timed(seen)))
        found = sum(seen.edges(protocol).values()) >= own.requests or not known.lasting
        return min(counted) >= own.requests and found and besides(seen)

    seen = settled(exporter, port, complete)
    # Where several of a kind run on this machine the name bears the port.
    assert seen.service.split(":")[0] == known.service, seen.losses()
    told = Counted(
        round(seen.total("larimar_requests_total", protocol=protocol)),
        round(seen.total("larimar_request_errors_total", protocol=protocol)),
        timed(seen).median(protocol=protocol),
    )
    assert_alike(told, own, seen.losses())
    edges = seen.edges(protocol) if known.lasting else {}
    assert not known.lasting or abs(sum(edges.values()) - own.requests) <= COUNTS * own.requests, (
        f"{edges}, own {own}\n{seen.losses()}"
    )
    for client, requests in edges.items():
        # A service of that name may ask others as well, on behalf of other tests.
        assert client[0] != "~", edges
        assert seen.asked(client, protocol) >= requests, edges
    return seen
