"""What the kernel counts of whole cgroups, for the services that have cgroups of their own.

A cgroup's processor time holds that of children that nobody waited for, and of those that no look ever saw; the rest,
such as pressure, is told of cgroups only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from exporter.services.resources import ServiceResources
from exporter.services.usage import NOT_LIMITED, CgroupUse
from exporter.services.view import Process


@dataclass(frozen=True, slots=True)
class CgroupReading:
    """One reading of a cgroup.

    Attributes:
        user_nanoseconds, system_nanoseconds: processor time.
        throttled_nanoseconds: how long its quota held it up; None where it cannot have one.
        waiting_nanoseconds: resource -> how long some of it waited for that; empty where the kernel does not measure.
        memory_limit_bytes: the least of its own and those above it, `NOT_LIMITED` without any.
        oom_kills: processes that were killed for lack of memory; None where memory is not controlled.
    """

    user_nanoseconds: int
    system_nanoseconds: int
    throttled_nanoseconds: int | None = None
    waiting_nanoseconds: Mapping[str, int] = field(default_factory=dict)
    memory_limit_bytes: int = NOT_LIMITED
    oom_kills: int | None = None


@dataclass(slots=True)
class _Total:
    use: CgroupUse = field(default_factory=CgroupUse)
    user_nanoseconds: int = 0
    system_nanoseconds: int = 0


def own_cgroups(processes: Mapping[int, Process]) -> dict[str, str]:
    """Return the service of each cgroup whose processes are all of it; the root is nobody's own."""
    services: dict[str, str | None] = {}
    for process in processes.values():
        path = process.facts.cgroup
        if services.setdefault(path, process.service) != process.service:
            services[path] = None
    return {path: service for path, service in services.items() if service is not None and len(path) > 1}


class CgroupTotals:
    """Adds up the cgroups of services; nothing falls when a cgroup goes."""

    def __init__(self) -> None:
        self._last: dict[str, CgroupReading] = {}
        self._totals: dict[str, _Total] = {}

    def update(
        self,
        readings: Mapping[str, CgroupReading],
        owners: Mapping[str, str],
        resources: Mapping[str, ServiceResources],
    ) -> dict[str, ServiceResources]:
        """Count a reading, taken after that of the processes, and return the resources with what it adds.

        Args:
            readings: by the cgroup's path.
            owners: whose each of them is.
            resources: of every service, as its processes tell.
        """
        self._totals = {name: total for name, total in self._totals.items() if name in resources}
        for total in self._totals.values():
            total.use.memory_limit_bytes = NOT_LIMITED
        for path, reading in readings.items():
            if owners[path] in resources:
                self._count(self._totals.setdefault(owners[path], _Total()), reading, self._last.get(path, reading))
        self._last = dict(readings)
        return {name: self._with(name, one) for name, one in resources.items()}

    def _count(self, total: _Total, reading: CgroupReading, last: CgroupReading) -> None:
        use = total.use
        total.user_nanoseconds += max(0, reading.user_nanoseconds - last.user_nanoseconds)
        total.system_nanoseconds += max(0, reading.system_nanoseconds - last.system_nanoseconds)
        use.throttled_nanoseconds = _grown(
            use.throttled_nanoseconds, reading.throttled_nanoseconds, last.throttled_nanoseconds
        )
        use.oom_kills = _grown(use.oom_kills, reading.oom_kills, last.oom_kills)
        use.memory_limit_bytes += reading.memory_limit_bytes
        for resource, waited in reading.waiting_nanoseconds.items():
            growth = max(0, waited - last.waiting_nanoseconds.get(resource, waited))
            use.waiting_nanoseconds[resource] = use.waiting_nanoseconds.get(resource, 0) + growth

    def _with(self, name: str, one: ServiceResources) -> ServiceResources:
        """Return a service's resources with the processor time of its cgroups, where that is more.

        What only its processes told, such as what one used before its cgroup was first seen, counts on both sides.
        """
        total = self._totals.get(name)
        if total is None:
            return one
        total.user_nanoseconds = max(total.user_nanoseconds, one.counters.user_nanoseconds)
        total.system_nanoseconds = max(total.system_nanoseconds, one.counters.system_nanoseconds)
        counters = replace(
            one.counters, user_nanoseconds=total.user_nanoseconds, system_nanoseconds=total.system_nanoseconds
        )
        use = replace(total.use, waiting_nanoseconds=dict(total.use.waiting_nanoseconds))
        return replace(one, counters=counters, cgroups=use)


def _grown(total: int | None, now: int | None, last: int | None) -> int | None:
    if now is None:
        return total
    return (total or 0) + max(0, now - (now if last is None else last))
