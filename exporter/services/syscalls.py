"""System calls per service, by name: the most used ones of each, the others together."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from exporter.services.operations import OTHER
from exporter.services.traffic import UNKNOWN

MOST_NAMED = 20
RETENTION_SECONDS = 3600.0
PATIENCE = 3  # windows for which the calls of a process that is not known are held
MAX_HELD = 4096
OUTRUN = 2.0  # times as much use as that of the least used is reason enough to take its place
REMEMBERED = 0.98  # of the use of before, per window: what a service did when it began is forgotten


@dataclass(frozen=True, slots=True)
class Called:
    """What one process called in a window: how often, and how often that failed."""

    pid: int
    name: str
    calls: int
    errors: int


@dataclass(frozen=True, slots=True)
class CallingStatus:
    """How well calls are seen.

    Attributes:
        sampling_ratio: share of the time that is looked at; 0 while nothing is.
        lost: calls that found no place in the kernel's map.
        off: why nothing is counted, empty where something is.
    """

    sampling_ratio: float
    lost: int
    off: str


@dataclass(slots=True)
class Calls:
    """Counts of one system call; fractions where windows were scaled up."""

    calls: float = 0.0
    errors: float = 0.0

    def add(self, calls: float, errors: float) -> None:
        """Add to both."""
        self.calls += calls
        self.errors += errors


@dataclass(slots=True)
class _Service:
    """One service's calls.

    Attributes:
        named: those that are told apart, which never fall; `OTHER` is what the others add up to.
        use: how much each was called recently, whether it is named or not.
        left: what those counted that lost their names: with its name a call gets it back.
    """

    named: dict[str, Calls] = field(default_factory=lambda: {OTHER: Calls()})
    use: Counter[str] = field(default_factory=Counter)
    left: dict[str, Calls] = field(default_factory=dict)
    seen_at: float = 0.0


@dataclass(slots=True)
class _Held:
    called: Called
    scale: float
    windows: int = 0


class Syscalls:
    """The calls of every service.

    Counters of a call never fall; one that others have outrun loses its name, and goes on from where it was should it
    get it again. There are some four hundred calls: what is left of them is bounded.
    """

    def __init__(self) -> None:
        self._services: dict[str, _Service] = {}
        self._held: list[_Held] = []

    def add(self, window: Iterable[Called], scale: float, services: Mapping[int, str], now: float) -> None:
        """Count what was called in a window.

        Args:
            scale: for how many calls each of them stands.
            services: by PID. A process that is not among them may be new; its calls wait for the next windows, and
                are nobody's then.
            now: seconds, never falling.
        """
        held = [*self._held, *(_Held(called, scale) for called in window)]
        self._held = []
        sums: dict[str, dict[str, Calls]] = {}
        for one in held:
            service_name = services.get(one.called.pid)
            if service_name is None and one.windows < PATIENCE and len(self._held) < MAX_HELD:
                one.windows += 1
                self._held.append(one)
                continue
            calls = sums.setdefault(service_name or UNKNOWN, {}).setdefault(one.called.name, Calls())
            calls.add(one.scale * one.called.calls, one.scale * one.called.errors)
        for service_name, names in sums.items():
            self._credit(self._services.setdefault(service_name, _Service()), names, now)
        self._forget(services.values(), now)

    def snapshot(self) -> Mapping[str, Mapping[str, Calls]]:
        """Return the calls by service and name; copies that later windows do not change."""
        return {
            service_name: {name: Calls(one.calls, one.errors) for name, one in service.named.items()}
            for service_name, service in self._services.items()
        }

    def _credit(self, service: _Service, names: Mapping[str, Calls], now: float) -> None:
        service.seen_at = now
        for name in service.use:
            service.use[name] = service.use[name] * REMEMBERED  # type: ignore[assignment]  # use is no whole number
        for name, calls in names.items():
            service.use[name] += calls.calls  # type: ignore[assignment]
        for name in sorted(names, key=lambda name: -service.use[name]):
            self._admit(service, name)
            service.named.get(name, service.named[OTHER]).add(names[name].calls, names[name].errors)

    def _admit(self, service: _Service, name: str) -> None:
        """Give a call its name if there is room, or if it has outrun another."""
        if name in service.named:
            return
        if len(service.named) > MOST_NAMED:
            least = min((one for one in service.named if one != OTHER), key=lambda one: service.use[one])
            if service.use[name] <= OUTRUN * service.use[least]:
                return
            service.left[least] = service.named.pop(least)
        service.named[name] = service.left.pop(name, Calls())

    def _forget(self, alive: Collection[str], now: float) -> None:
        for service_name in set(self._services).intersection(alive):
            self._services[service_name].seen_at = now
        gone = [name for name, one in self._services.items() if now - one.seen_at >= RETENTION_SECONDS]
        for service_name in gone:
            del self._services[service_name]
