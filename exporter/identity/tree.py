"""Names every process of a host: its own name, or that of the service whose worker it is."""

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from exporter.identity.facts import Name, NameSource, ProcessFacts
from exporter.identity.parent import inherits


@dataclass(frozen=True, slots=True)
class Candidate:
    """A process and the name that its own facts give."""

    facts: ProcessFacts
    own: Name


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process stands among the services.

    Attributes:
        name: the final name.
        root_pid: the first process of the same service above it, itself where there is none.
    """

    name: Name
    root_pid: int


def places(candidates: Mapping[int, Candidate]) -> dict[int, Place]:
    """Return the place of every process, keyed by PID; time linear in their number."""
    found: dict[int, Place] = {}
    for pid in candidates:
        for member in reversed(_unplaced_line(pid, candidates, found)):
            found[member] = _place(candidates[member], candidates, found)
    return found


def stale_places(candidates: Mapping[int, Candidate], before: Mapping[int, Candidate]) -> set[int]:
    """Return the processes that came, went or changed, and all below them.

    Args:
        before: the candidates of the last time; one that is the same object did not change.
    """
    changed = {pid for pid, candidate in candidates.items() if before.get(pid) is not candidate}
    return _below(changed | (before.keys() - candidates.keys()), candidates)


def places_again(
    candidates: Mapping[int, Candidate], found: Mapping[int, Place], stale: AbstractSet[int]
) -> dict[int, Place]:
    """Return the same as `places`, but keep the places that were found before of all but the stale processes."""
    kept = dict(found)
    for pid in stale:
        kept.pop(pid, None)
    for pid in stale:
        for member in reversed(_unplaced_line(pid, candidates, kept)):
            kept[member] = _place(candidates[member], candidates, kept)
    return kept


def _below(pids: set[int], candidates: Mapping[int, Candidate]) -> set[int]:
    """Return the processes and all that descend from them."""
    if all(one.facts.parent_pid not in pids for one in candidates.values()):
        return pids  # as is usual: who comes and goes has no children yet
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, candidate in candidates.items():
        children[candidate.facts.parent_pid].append(pid)
    found: set[int] = set()
    ahead = list(pids)
    while ahead:
        pid = ahead.pop()
        if pid not in found:
            found.add(pid)
            ahead += children.get(pid, ())
    return found


def _unplaced_line(pid: int, candidates: Mapping[int, Candidate], found: Mapping[int, Place]) -> list[int]:
    """Return the process and its ancestors up to the first that is placed, unknown or, in a torn reading, repeated."""
    line: dict[int, None] = {}
    while pid in candidates and pid not in found and pid not in line:
        line[pid] = None
        pid = candidates[pid].facts.parent_pid
    return list(line)


def _place(candidate: Candidate, candidates: Mapping[int, Candidate], found: Mapping[int, Place]) -> Place:
    facts, own = candidate.facts, candidate.own
    parent, above = candidates.get(facts.parent_pid), found.get(facts.parent_pid)
    if parent is None or above is None:
        return Place(own, facts.pid)
    if inherits(facts, own, parent.facts, above.name):
        return Place(Name(above.name.text, NameSource.PARENT), above.root_pid)
    same = own.text == above.name.text
    return Place(own, above.root_pid if same else facts.pid)
