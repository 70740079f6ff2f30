"""Counters of what was asked, told apart by operation as far as there is room.

Compiled with the types of `operations.pxd`. Counts are fractions where the capture is sampled. Those of an operation
never fall; an operation that others have outrun loses its place, and goes on from where it was should it get one again.
"""

from dataclasses import dataclass
from functools import lru_cache

from exporter.model import Exchange, Operation
from exporter.protocols.base import Family
from exporter.services.routes import Routes

OTHER = "~other"
"""The label value that what exceeds a cap is folded into."""
OTHER_OPERATION = Operation(OTHER)
UNANSWERED = "none"
HTTP, NAMES, MESSAGING = Family.HTTP, Family.NAMES, Family.MESSAGING
CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
STATUS_CLASSES = {
    **{str(code): CLASSES[code // 100 - 1] for code in range(100, 600)},
    **{known: known for known in (*CLASSES, UNANSWERED, OTHER)},
}
# What a server says to anything that it does not know, or to anybody whom it does not let in.
REFUSALS = frozenset(
    (*map(str, (400, 401, 403, 404, 405, 406, 407, 410, 414, 421, 426, 429, 431, 451, 501, 505)), UNANSWERED, "")
)

MAX_REMEMBERED = 256  # outlines whose place is known, of one service
MAX_PASSED = 64  # operations without a place whose use is watched
MAX_LEFT = 256  # operations that lost their places whose counts are kept
REMEMBERED_NAMES = 4096
OUTRUN = 2.0  # times as much use as that of the least used is reason enough to take its place
LEAST_USE = 3.0  # in a period


class Budget:
    """How many operations may still be told apart, of all services."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


@dataclass
class Tally:
    """Where exchanges of one operation are counted.

    Attributes:
        asked: the operation by its final name.
        told: what it is counted as: itself or `~other`.
        by_class: class of status -> exchanges.
    """

    asked: Operation
    told: Operation
    by_class: dict[str, float]


@lru_cache(REMEMBERED_NAMES)
def _routed(method: str, route: str) -> Operation:
    return Operation(method, route or OTHER)


class Operations:
    """Counts by operation and class of status, `cap` operations told apart.

    Args:
        family: what the operations are.
        cap: how many of them have a place beside `~other`.
        budget: how many more of all services may have one; None for as many as the cap allows.
        held: of a connection whose services are not known yet: outlines and statuses stay as they are.

    Attributes:
        counts: operation -> class of status (empty where the family has none) -> exchanges.
        folded: exchanges counted under `~other` for lack of a place.
    """

    __slots__ = (
        "_again",
        "_before",
        "_budget",
        "_found",
        "_left",
        "_memo",
        "_passed",
        "_routes",
        "cap",
        "counts",
        "family",
        "folded",
        "held",
    )

    def __init__(self, family: Family, cap: int, budget: Budget | None = None, held: bool = False) -> None:
        self.family = family
        self.cap = cap
        self.held = held
        self.counts: dict[Operation, dict[str, float]] = {}
        self.folded = 0.0
        self._budget = budget
        self._memo: dict[Operation, Tally] = {}
        self._again: Tally | None = None  # the last one of `_memo`, and what it was found by: hashing costs more
        self._found: Operation | None = None
        self._passed: dict[Operation, float] = {}
        self._before: dict[Operation, float] = {}
        self._left: dict[Operation, dict[str, float]] = {}
        self._routes: Routes | None = None
        if family in (HTTP, MESSAGING) and not held:
            self._routes = Routes(topics=family is MESSAGING)

    def add(self, exchange: Exchange, weight: float = 1.0) -> Operation:
        """Count one exchange for so many; return its operation by its final name, unless `held`."""
        request, response = exchange.request, exchange.response
        operation = request.operation if request is not None else OTHER_OPERATION
        status = ""
        if self.family is HTTP or self.family is NAMES:
            status = UNANSWERED if response is None else response.status
        return self.count(operation, status, weight)

    def count(self, operation: Operation, status: str, exchanges: float) -> Operation:
        """Add a number of exchanges; return their operation by its final name, unless `held`."""
        tally = self._again
        if tally is None or operation is not self._found:
            tally = self._memo.get(operation)
            if tally is None:
                tally = self._tally(operation, status)
            else:
                self._again, self._found = tally, operation
        if tally.told is not tally.asked:
            self._pass(tally.asked, exchanges)
        if self.family is HTTP and not self.held:
            status = STATUS_CLASSES.get(status, OTHER)
        by_class = tally.by_class
        by_class[status] = by_class.get(status, 0.0) + exchanges
        return tally.asked

    def _tally(self, operation: Operation, status: str) -> Tally:
        """Return where an operation is counted, and remember it where that will not change with what else is asked."""
        asked, settled = operation if operation.name else OTHER_OPERATION, True
        if self._routes is not None and operation.target and operation.target != OTHER:
            succeeded = self.family is not HTTP or status not in REFUSALS
            route = self._routes.route(operation.target, succeeded)
            asked, settled = _routed(operation.name, route.name), route.settled
        told = asked if asked in self.counts or self._has_room(asked) else OTHER_OPERATION
        if told not in self.counts:
            self.counts[told] = self._left.pop(told, {})
        tally = Tally(asked, told, self.counts[told])
        if settled:
            if len(self._memo) >= MAX_REMEMBERED:
                self._memo.clear()
            self._memo[operation] = tally
        return tally

    def _has_room(self, operation: Operation) -> bool:
        if operation == OTHER_OPERATION:
            return True
        if len(self.counts) >= self.cap:
            return False
        if self._budget is not None:
            if self._budget.left <= 0:
                return False
            self._budget.left -= 1
        return True

    def _pass(self, operation: Operation, exchanges: float) -> None:
        self.folded += exchanges
        if operation in self._passed or len(self._passed) < MAX_PASSED:
            self._passed[operation] = self._passed.get(operation, 0.0) + exchanges

    def rank(self) -> None:
        """Give the places of those least used since the last time to those that had none and were used far more."""
        if not self._passed and len(self.counts) < self.cap:
            return
        totals = {operation: sum(by_class.values()) for operation, by_class in self.counts.items()}
        used = {operation: total - self._before.get(operation, 0.0) for operation, total in totals.items()}
        used.pop(OTHER_OPERATION, None)
        for operation, uses in sorted(self._passed.items(), key=_by_use, reverse=True):
            least = min(used.items(), key=_by_use, default=None)
            if least is None or uses < max(LEAST_USE, OUTRUN * least[1]):
                break
            del used[least[0]], totals[least[0]]
            self._leave(least[0])
            self.counts[operation] = self._left.pop(operation, {})
            used[operation], totals[operation] = uses, sum(self.counts[operation].values())
        self._passed = {}
        self._memo = {}
        self._again = self._found = None
        self._before = totals

    def _leave(self, operation: Operation) -> None:
        """Take an operation's place, but keep what it counted."""
        if len(self._left) >= MAX_LEFT:
            del self._left[next(iter(self._left))]
        self._left[operation] = self.counts.pop(operation)

    def merge(self, other: "Operations") -> None:
        """Add another's counts."""
        self.folded += other.folded
        for operation, by_class in other.counts.items():
            for status, exchanges in by_class.items():
                self.count(operation, status, exchanges)

    def copy(self) -> "Operations":
        """Return a copy that tells the same, and is only to be read."""
        copied = Operations(self.family, self.cap, None, True)
        copied.counts = {operation: dict(by_class) for operation, by_class in self.counts.items()}
        copied.folded = self.folded
        return copied

    def free(self) -> None:
        """Give back the places of what will not be counted any more."""
        if self._budget is not None:
            self._budget.left += len(self.counts) - (OTHER_OPERATION in self.counts)


def _by_use(item: tuple[Operation, float]) -> tuple[float, str, str]:
    return item[1], item[0].name, item[0].target
