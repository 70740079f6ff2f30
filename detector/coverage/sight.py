"""Knows what can be seen: a service that cannot be seen is not taken for one that fell silent.

Each service lives on scrape targets (exporters). While enough of those are scraped without a gap for the whole rate
window, what the service lacks is the service's own lack.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace

from detector.model import Seconds

HIDDEN_SHARE = 0.1  # of a service's targets out of sight: fewer cannot look like a fault of the service
FORGET_SERVICE_SECONDS = 86400.0
FORGET_TARGET_SECONDS = 3600.0  # no longer in Prometheus' configuration, so gone on purpose
KEPT_SECONDS = 28 * 86400.0  # for so long history brings back who is gone
MOST_DEPARTED = 100_000

SERVICES = (
    "group by (service_name, job, instance) "
    '({__name__=~"larimar_service_info|larimar_requests_total", service_name!=""})'
)
# In sight: no failed scrape in the window, and scrapes near both of its ends.
SCRAPES = (
    "min by (job, instance) (min_over_time(up[$window]) "
    "and max_over_time(up[$most]) and max_over_time(up[$most] offset $rest))"
)
TARGETS = "max by (job, instance) (up)"
STARTS = "max by (job, instance) (process_start_time_seconds and on (job, instance) larimar_build_info)"
EDGES = "sum by (client, server) (increase(larimar_edge_requests_total[1h])) > 0"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A scrape target; both empty where series carry no such labels."""

    job: str
    instance: str


@dataclass(frozen=True, slots=True)
class Look:
    """What Prometheus said about coverage at one time.

    Attributes:
        homes: which targets have series of each service.
        unbroken: targets scraped without a gap for the whole window.
        targets: targets Prometheus has, scraped well or not.
        starts: when each exporter started.
        errors: the standard error of what each counts in packets, over it; none where it counts all of them.
        losses: share of the packets that each lost.
    """

    homes: Mapping[str, frozenset[Target]]
    unbroken: frozenset[Target]
    targets: frozenset[Target]
    starts: Mapping[Target, Seconds]
    errors: Mapping[Target, float] = field(default_factory=dict)
    losses: Mapping[Target, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sight:
    """What is remembered of coverage.

    Attributes:
        homes: when each service was last seen on each of its targets.
        seen: when each target was last in sight.
        scraped: targets that Prometheus was seen to scrape; of others only their series tell.
        departed: services that are nobody's loss any more, since when: they went with their hosts, or long ago.
    """

    homes: Mapping[str, Mapping[Target, Seconds]] = field(default_factory=dict)
    seen: Mapping[Target, Seconds] = field(default_factory=dict)
    scraped: frozenset[Target] = frozenset()
    departed: Mapping[str, Seconds] = field(default_factory=dict)

    def hidden(self, at: Seconds) -> frozenset[str]:
        """Services too much of which was out of sight at the newest look, taken at `at`."""
        return frozenset(
            name for name, targets in self.homes.items() if _hidden_share(self, targets, at) > HIDDEN_SHARE
        )

    def unseen(self, at: Seconds) -> dict[str, Seconds]:
        """By `instance`, since when a target with services is out of sight."""
        targets = {target for homes in self.homes.values() for target in homes}
        return {target.instance: self.seen[target] for target in sorted(targets) if self.seen[target] < at}

    def without(self, services: Set[str]) -> "Sight":
        """The same without some services, which are forgotten."""
        if not services:
            return self
        homes = {name: targets for name, targets in self.homes.items() if name not in services}
        return replace(self, homes=homes)

    def until(self, at: Seconds) -> "Sight":
        """The same with nothing seen later than `at`, for a clock that was set back."""
        homes = {
            name: {target: min(last, at) for target, last in targets.items()} for name, targets in self.homes.items()
        }
        seen = {target: min(last, at) for target, last in self.seen.items()}
        return Sight(homes, seen, self.scraped, {name: min(since, at) for name, since in self.departed.items()})


def look(sight: Sight, seen: Look, at: Seconds, window: Seconds) -> Sight:
    """What is remembered after a look."""
    scraped = (sight.scraped | seen.targets) & _relevant(sight, seen)
    present = frozenset(target for targets in seen.homes.values() for target in targets)
    # A restart between two scrapes loses what was counted since the first: the rates over it are too low.
    restarted = {target for target, start in seen.starts.items() if at - start < window}
    visible = (seen.unbroken | (present - scraped)) - restarted
    times = {target: (at if target in visible else sight.seen.get(target, at - 1)) for target in _relevant(sight, seen)}
    # A Prometheus without any target is asked about a time that it knows nothing of.
    missing = scraped - seen.targets if seen.targets else frozenset()
    gone = {target for target in missing if at - times[target] >= FORGET_TARGET_SECONDS}
    homes = {
        name: _kept({**sight.homes.get(name, {}), **dict.fromkeys(seen.homes.get(name, ()), at)}, gone, visible, at)
        for name in sorted({*sight.homes, *seen.homes})
    }
    kept = {name: targets for name, targets in homes.items() if targets}
    alive = {target for targets in kept.values() for target in targets}
    return Sight(
        homes=kept,
        seen={target: when for target, when in times.items() if target in alive},
        scraped=scraped & alive,
        departed=_departed(sight.departed, homes.keys() - kept.keys(), seen.homes.keys(), at),
    )


def _relevant(sight: Sight, seen: Look) -> set[Target]:
    """Exporters: targets that have or had services."""
    return {*sight.seen, *(target for targets in seen.homes.values() for target in targets)}


def _kept(
    targets: Mapping[Target, Seconds], gone: Set[Target], visible: Set[Target], at: Seconds
) -> dict[Target, Seconds]:
    """Where a service still lives, as far as one can see: nothing is forgotten while its host is out of sight."""
    return {
        target: last
        for target, last in targets.items()
        if target not in gone and (target not in visible or at - last < FORGET_SERVICE_SECONDS)
    }


def _departed(before: Mapping[str, Seconds], gone: Set[str], present: Set[str], at: Seconds) -> Mapping[str, Seconds]:
    """Who has departed by now; the oldest are forgotten."""
    if not before and not gone:
        return before
    after = {name: since for name, since in before.items() if name not in present and at - since < KEPT_SECONDS}
    after |= dict.fromkeys(sorted(gone - present - after.keys()), at)
    return dict(list(after.items())[-MOST_DEPARTED:])


def _hidden_share(sight: Sight, targets: Iterable[Target], at: Seconds) -> float:
    unseen = [sight.seen[target] < at for target in targets]
    return sum(unseen) / len(unseen)
