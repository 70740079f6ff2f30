"""Which processes make up a service, and what they hold at one moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.services.usage import Sample

UNDECIDED = ""
"""The service of a process too young to have one; what it uses is kept for the service that it will have."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Which service a process is counted for.

    Attributes:
        service: its name, `UNDECIDED` while that is open.
        starts: whether the process is the first of its service's instance, not a worker of it.
        started_at: seconds since the epoch.
        open_files_limit: the soft limit, 0 where unlimited or not known.
    """

    service: str
    starts: bool
    started_at: float
    open_files_limit: int = 0


@dataclass(slots=True)
class Gauges:
    """What the members of one service hold together.

    Attributes:
        processes, threads, open_files: numbers.
        resident_bytes, swap_bytes: memory; pages shared by members count once for each.
        open_files_limit_ratio: the highest share of its limit that one member has open, 0 where not known.
        started_at: the oldest member's start, seconds since the epoch; 0 without members.
    """

    processes: int = 0
    threads: int = 0
    open_files: int = 0
    resident_bytes: int = 0
    swap_bytes: int = 0
    open_files_limit_ratio: float = 0.0
    started_at: float = 0.0


def gauges_of(samples: Iterable[Sample], members: Mapping[int, Membership]) -> dict[str, Gauges]:
    """Return what the members of each service hold, by its name."""
    gauges: dict[str, Gauges] = {}
    for sample in samples:
        membership = members.get(sample.pid)
        if membership is None or membership.service == UNDECIDED:
            continue
        one = gauges.get(membership.service)
        if one is None:
            one = gauges[membership.service] = Gauges(started_at=membership.started_at)
        _include(one, sample, membership)
    return gauges


def _include(one: Gauges, sample: Sample, membership: Membership) -> None:
    usage = sample.usage
    one.processes += 1
    one.threads += usage.threads
    one.open_files += usage.open_files
    one.resident_bytes += usage.resident_bytes
    one.swap_bytes += usage.swap_bytes
    one.started_at = min(one.started_at, membership.started_at)
    if membership.open_files_limit:
        one.open_files_limit_ratio = max(one.open_files_limit_ratio, usage.open_files / membership.open_files_limit)
