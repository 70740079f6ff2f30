"""What the services of a host use: their processes, their cgroups, and what they share of memory."""

from collections.abc import Collection, Mapping, Set
from dataclasses import replace
from pathlib import Path

from exporter.services.cgroups import CgroupTotals, own_cgroups
from exporter.services.naming import Named
from exporter.services.resources import Resources, ServiceResources
from exporter.services.usage import Reading
from exporter.sources.cgroup import CgroupReader
from exporter.sources.proportional import ProportionalSizes
from exporter.sources.runtimes import RunTimes
from exporter.sources.tasks import open_usages
from exporter.sources.usage import UsageReader, descriptor_budget


class HostUsage:
    """Reads and adds up what processes use; not to be used by two threads at once.

    Args:
        proc: the host's /proc.
        max_descriptors: how many files to keep open, where this process's limit can be raised to that.
        bpf: whether to let the kernel tell what processes use, where it may.
        times: tells which processes ran.

    Attributes:
        no_bpf: why the kernel does not tell of processes itself; empty where it does.
        forbidden: how many processes did not show their I/O at the last reading.
    """

    def __init__(self, proc: Path, max_descriptors: int, bpf: bool, times: RunTimes) -> None:
        reader = UsageReader(proc, descriptor_budget(max_descriptors), times)
        self._usage, self.no_bpf = open_usages(proc, reader, times) if bpf else (reader, "not wanted")
        self.forbidden = 0
        self._proc = proc
        self._resources = Resources()
        self._sizes = ProportionalSizes(proc)
        self._cgroups = CgroupReader(proc)
        self._cgroup_totals = CgroupTotals()
        self._cgroup_owners: dict[str, str] = {}
        self._named_for_cgroups: Named | None = None

    @property
    def capabilities(self) -> Mapping[str, bool]:
        """What may be told, by name."""
        return {
            "bpf_tasks": not self.no_bpf,
            "cgroup_v2": self._cgroups.available,
            "cgroup_controllers": self._cgroups.controlled,
        }

    def read(self, pids: Set[int]) -> Reading:
        """Read what these processes have used."""
        reading = self._usage.read(pids, self._has_swap())
        self.forbidden = reading.forbidden
        return reading

    def add(self, reading: Reading, alive: Set[int], named: Named, now: float) -> Mapping[str, ServiceResources]:
        """Return every service's resources.

        Args:
            reading: the newest.
            alive: all processes that are there.
            named: the services that they belong to.
            now: seconds, never falling.
        """
        used = self._resources.update(reading.changed, alive, named.members, now, named.renamed)
        shares = self._sizes.shares(reading.changed, alive, named.members, now)
        told = {name: replace(one, proportional_share=shares.get(name)) for name, one in used.items()}
        return self._cgroup_totals.update(self._cgroups.read(self._own_cgroups(named)), self._cgroup_owners, told)

    def close(self) -> None:
        """Close every descriptor."""
        self._usage.close()

    def _own_cgroups(self, named: Named) -> Collection[str]:
        """Return the cgroups that are one service's own."""
        if named is not self._named_for_cgroups:
            self._named_for_cgroups = named
            self._cgroup_owners = own_cgroups(named.processes)
        return self._cgroup_owners.keys()

    def _has_swap(self) -> bool:
        """Return whether anything at all is swapped out."""
        try:
            lines = self._proc.joinpath("swaps").read_bytes().splitlines()[1:]
        except OSError:
            return False
        return any(fields[3] != b"0" for line in lines if len(fields := line.split()) > 3)
