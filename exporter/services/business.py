"""What a service changed for good, and the money and quantities in it, bounded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal

from exporter.model import Amount, Change, Operation

OTHER_CHANGE = Operation("~other")
MAX_CHANGES = 40  # operations of one service in one role and protocol
MAX_SUMS = 20  # of one operation
EXACT = Context(prec=60)


@dataclass
class Sum:
    """One field's values, exact as long as every exchange is seen.

    Attributes:
        exact, exact_negative: what was seen and stands for itself.
        scaled, scaled_negative: what was sampled and stands for others as well.
        count: how many fields.
    """

    exact: Decimal = Decimal(0)
    exact_negative: Decimal = Decimal(0)
    scaled: float = 0.0
    scaled_negative: float = 0.0
    count: float = 0.0

    def add(self, amount: Amount, weight: float) -> None:
        """Add an amount that stands for `weight` like it."""
        self.count += weight * amount.count
        if weight == 1.0:
            self.exact = EXACT.add(self.exact, amount.total)
            self.exact_negative = EXACT.add(self.exact_negative, amount.negative)
        else:
            self.scaled += weight * float(amount.total)
            self.scaled_negative += weight * float(amount.negative)

    def merge(self, other: "Sum") -> None:
        """Add another's."""
        self.exact = EXACT.add(self.exact, other.exact)
        self.exact_negative = EXACT.add(self.exact_negative, other.exact_negative)
        self.scaled += other.scaled
        self.scaled_negative += other.scaled_negative
        self.count += other.count

    @property
    def total(self) -> float:
        """The sum of what is not negative."""
        return float(self.exact) + self.scaled

    @property
    def negative(self) -> float:
        """The sum of what is negative, without its sign."""
        return float(self.exact_negative) + self.scaled_negative


@dataclass(frozen=True, slots=True)
class SumKey:
    """Identifies a field's sum."""

    field: str
    currency: str


@dataclass
class Changes:
    """What one operation changed.

    Attributes:
        count: rows or statements, as `model.Change` counts them; 0 where the exchanges themselves count.
        unread: fields whose numbers could not be read.
    """

    count: float = 0.0
    unread: float = 0.0
    sums: dict[SumKey, Sum] = field(default_factory=dict)


@dataclass
class Business:
    """What one service changed in one role and protocol, or one connection that is not attributed yet.

    Attributes:
        folded: changes counted under `~other`, and sums left out, because of the caps.
    """

    changes: dict[Operation, Changes] = field(default_factory=dict)
    folded: float = 0.0

    def add(self, changes: Sequence[Change], weight: float) -> None:
        """Add changes that stand for `weight` like them."""
        for change in changes:
            held = self._held(change.operation)
            held.count += weight * change.count
            held.unread += weight * change.unread
            for amount in change.amounts:
                found = self._sum(held, SumKey(amount.field, amount.currency))
                if found is not None:
                    found.add(amount, weight)

    def merge(self, other: "Business", name: Callable[[Operation], Operation] | None = None) -> None:
        """Add another's, whose operations may still need a final name."""
        self.folded += other.folded
        for operation, changes in other.changes.items():
            held = self._held(name(operation) if name is not None else operation)
            held.count += changes.count
            held.unread += changes.unread
            for key, each in changes.sums.items():
                found = self._sum(held, key)
                if found is not None:
                    found.merge(each)

    def _held(self, operation: Operation) -> Changes:
        if operation not in self.changes and len(self.changes) >= MAX_CHANGES:
            self.folded += 1
            operation = OTHER_CHANGE
        return self.changes.setdefault(operation, Changes())

    def _sum(self, held: Changes, key: SumKey) -> Sum | None:
        found = held.sums.get(key)
        if found is None:
            if len(held.sums) >= MAX_SUMS:
                self.folded += 1
                return None
            found = held.sums[key] = Sum()
        return found
