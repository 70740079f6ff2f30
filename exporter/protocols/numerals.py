"""Numbers as texts give them, exactly: what is summed must equal what a database sums."""

import re
from collections.abc import Iterable
from decimal import Context, Decimal

from exporter.model import Amount
from exporter.protocols.money import Field

# Room for the exact sum of a year's largest numbers; nothing is ever rounded by it.
EXACT = Context(prec=60)
# What has more digits is no amount that anybody pays.
MAX_DIGITS = 30
MAX_EXPONENT = 15
SURELY_BOUNDED = 15  # digits
ZERO = Decimal(0)

_NUMERAL = re.compile(rb"\s*([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?)\s*\Z")


def decimal_of(text: bytes) -> Decimal | None:
    """Return the number that a text is, None if it is none or beyond any amount."""
    match = _NUMERAL.match(text)
    if match is None:
        return None
    number = Decimal(match[1].decode("ascii"))
    return number if len(text) <= SURELY_BOUNDED and match[2] is None else bounded(number)


def bounded(number: Decimal) -> Decimal | None:
    """Return a number that is finite and of a reasonable size, else None."""
    if not number.is_finite():
        return None
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return number if abs(number.adjusted()) <= MAX_EXPONENT and -MAX_DIGITS <= exponent <= MAX_EXPONENT else None


class _Sum:
    """One field's numbers in one currency."""

    __slots__ = ("count", "negative", "total")

    def __init__(self) -> None:
        self.total = self.negative = ZERO
        self.count = 0


class Sums:
    """Adds up the fields of one statement or body."""

    __slots__ = ("_sums", "unread")

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], _Sum] = {}
        self.unread = 0

    def add(self, field: Field, currency: str, number: Decimal | None) -> None:
        """Add a field's number; None if it could not be read. What its name says of currency wins over `currency`."""
        if number is None:
            self.unread += 1
            return
        if field.divisor != 1:
            number = EXACT.divide(number, field.divisor)
        key = (field.name, field.currency or currency)
        found = self._sums.get(key)
        if found is None:
            found = self._sums[key] = _Sum()
        found.count += 1
        if number >= 0:
            found.total = EXACT.add(found.total, number)
        else:
            found.negative = EXACT.subtract(found.negative, number)

    def add_sums(self, other: "Sums") -> None:
        """Add another's."""
        self.unread += other.unread
        for key, each in other._sums.items():
            found = self._sums.setdefault(key, _Sum())
            found.count += each.count
            found.total = EXACT.add(found.total, each.total)
            found.negative = EXACT.add(found.negative, each.negative)

    def amounts(self) -> tuple[Amount, ...]:
        """Return the sums, by field and currency."""
        return tuple(Amount(*key, each.total, each.negative, each.count) for key, each in self._sums.items())


def times(amount: Amount, number: int) -> Amount:
    """Return an amount so many times over."""
    if number == 1:
        return amount
    total, negative = EXACT.multiply(amount.total, number), EXACT.multiply(amount.negative, number)
    return Amount(amount.field, amount.currency, total, negative, amount.count * number)


def plus(one: Amount, other: Amount) -> Amount:
    """Return the sum of two amounts of the same field and currency."""
    return Amount(
        one.field,
        one.currency,
        EXACT.add(one.total, other.total),
        EXACT.add(one.negative, other.negative),
        one.count + other.count,
    )


def together(amounts: Iterable[Amount]) -> tuple[Amount, ...]:
    """Return amounts added up by field and currency."""
    sums: dict[tuple[str, str], Amount] = {}
    for amount in amounts:
        key = (amount.field, amount.currency)
        sums[key] = plus(sums[key], amount) if key in sums else amount
    return tuple(sums.values())
