"""Tells which start each process belongs to: its own, or that of the one it was forked by."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.identity.facts import ProcessFacts
from exporter.identity.known import of_process
from exporter.services.deployment import Start
from exporter.services.view import Process


@dataclass(frozen=True, slots=True)
class _Member:
    """A process as it was first seen in its service, and the start that it belongs to."""

    start_ticks: int
    service: str
    start: Start


@dataclass(slots=True)
class Starts:
    """The starts of all processes.

    A worker that outlives the first process of its instance for a moment still belongs to that start: it was not
    started again. The workers of a pool that has a name of its own belong to the start of their master.
    """

    _members: dict[int, _Member] = field(default_factory=dict)

    def update(self, processes: Mapping[int, Process]) -> None:
        """Take a look at all processes, by PID."""
        self._members = {pid: one for pid, one in self._members.items() if pid in processes}
        for process in processes.values():
            self._follow(process, processes)

    def of(self, pid: int) -> Start:
        """Return the start that a process of the last look belongs to."""
        return self._members[pid].start

    def _follow(self, process: Process, processes: Mapping[int, Process]) -> Start:
        facts, known = process.facts, self._members.get(process.facts.pid)
        if known is not None and (known.start_ticks, known.service) == (facts.start_ticks, process.service):
            return known.start
        parent = processes.get(facts.parent_pid)
        if parent is None or (process.starts and not _in_pool(facts, parent.facts)):
            start = Start(facts.pid, facts.start_ticks)
        elif process.starts:
            start = Start(parent.facts.pid, parent.facts.start_ticks)
        else:
            start = self._follow(parent, processes)
        self._members[facts.pid] = _Member(facts.start_ticks, process.service, start)
        return start


def _in_pool(facts: ProcessFacts, parent: ProcessFacts) -> bool:
    """Return whether a process is a worker of a master that is the same program we know, such as PHP-FPM."""
    if not facts.executable or facts.executable != parent.executable:
        return False
    application = of_process(facts)
    return application is not None and application == of_process(parent)
