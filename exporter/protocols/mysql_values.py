"""The values of parameters as MySQL's clients send them when they execute a prepared statement.

Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from exporter.protocols.mysql_wire import FIXED_SIZES, number
from exporter.protocols.numerals import bounded, decimal_of
from exporter.protocols.postgres_values import single

DECIMAL, FLOAT, DOUBLE, NULL, NEWDECIMAL = 0, 4, 5, 6, 246
INTEGERS = {1: 1, 2: 2, 3: 4, 8: 8, 9: 4, 13: 2}
TEXTS = frozenset((DECIMAL, 15, NEWDECIMAL, 249, 250, 251, 252, 253, 254))
UNSIGNED = 0x80
HEAD_BYTES = 10  # command, number of the statement, flags, iterations
COUNTED, NAMED = 8, 1  # flags: the number of parameters stands before them; the capability that brings names


@dataclass(frozen=True, slots=True)
class Type:
    """A parameter's type."""

    kind: int
    unsigned: bool


class Bound:
    """The parameters of one execution; what cannot be read is not known.

    Attributes:
        types: as this execution gives them, or as an earlier one did.
    """

    __slots__ = ("_values", "types")

    def __init__(self, body: bytes, parameters: int, types: Sequence[Type], named: bool) -> None:
        self.types = types
        self._values: list[bytes | None] = []
        at = HEAD_BYTES
        if len(body) <= at:
            return
        if named and body[5] & COUNTED:
            parameters, at = number(body, at)
        if parameters <= 0 or at < 0:
            return
        absent = body[at : at + (parameters + 7) // 8]
        at += (parameters + 7) // 8
        if body[at : at + 1] == b"\1":
            self.types, at = _types(body, at + 1, parameters, named)
        else:
            at += 1
        if 0 <= at <= len(body) and len(self.types) == parameters:
            self._read(body, at, absent)

    def _read(self, body: bytes, at: int, absent: bytes) -> None:
        for place, kind in enumerate(self.types):
            if kind.kind == NULL or absent[place // 8] >> place % 8 & 1:
                self._values.append(None)
                continue
            size = FIXED_SIZES.get(kind.kind, -1)
            if size < 0:
                size, at = number(body, at)
            if at < 0 or size < 0 or at + size > len(body):
                return
            self._values.append(body[at : at + size])
            at += size

    def number(self, parameter: int) -> Decimal | None:
        """Return a parameter's number, None if it is not known, or not one."""
        value = self._values[parameter] if parameter < len(self._values) else None
        return number_of(self.types[parameter], value) if value is not None else None

    def text(self, parameter: int) -> bytes:
        """Return a parameter's text, empty if it is not known, or not one."""
        value = self._values[parameter] if parameter < len(self._values) else None
        return value if value is not None and self.types[parameter].kind in TEXTS else b""

    def is_null(self, parameter: int) -> bool:
        """Return whether a parameter is NULL."""
        return parameter < len(self._values) and self._values[parameter] is None


def _types(body: bytes, at: int, parameters: int, named: bool) -> tuple[tuple[Type, ...], int]:
    """Return the types and where they end, -1 if they are cut short."""
    types: list[Type] = []
    for _ in range(parameters):
        if at + 2 > len(body):
            return (), -1
        types.append(Type(body[at], bool(body[at + 1] & UNSIGNED)))
        at += 2
        if named:
            size, at = number(body, at)
            if at < 0:
                return (), -1
            at += size
    return tuple(types), at


def number_of(kind: Type, value: bytes) -> Decimal | None:
    """Return the number that a value of a type is, None if the type is no number's."""
    if kind.kind in TEXTS:
        return decimal_of(value)
    if INTEGERS.get(kind.kind) == len(value):
        return bounded(Decimal(int.from_bytes(value, "little", signed=not kind.unsigned)))
    if kind.kind == DOUBLE and len(value) == 8:
        return bounded(Decimal(repr(struct.unpack("<d", value)[0])))
    if kind.kind == FLOAT and len(value) == 4:
        return bounded(single(value, "<f"))
    return None
