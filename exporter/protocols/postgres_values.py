"""The values of parameters as PostgreSQL's clients send them, in text and in binary.

Source: https://www.postgresql.org/docs/current/protocol-message-formats.html, src/include/catalog/pg_type.dat
"""

import struct
from collections.abc import Sequence
from decimal import Decimal

from exporter.protocols.numerals import EXACT, bounded, decimal_of

INT8, INT2, INT4, FLOAT4, FLOAT8, MONEY, NUMERIC = 20, 21, 23, 700, 701, 790, 1700
TEXTS = frozenset((18, 19, 25, 705, 1042, 1043))  # char, name, text, unknown, bpchar, varchar
INTEGERS = {INT2: 2, INT4: 4, INT8: 8}
NUMERIC_HEAD_BYTES = 8
NEGATIVE, POSITIVE = 0x4000, 0
DIGITS_BASE = 10_000
MAX_NUMERIC_DIGITS = 16  # of the base
MAX_PARAMETERS = 65_535
NULL = -1


class Bound:
    """The parameters of one Bind message; bytes that are cut short leave what is behind them unknown.

    Args:
        body: the message behind its length.
        types: object identifiers of the parameters' types; 0, or too few of them, where not known.
    """

    __slots__ = ("_formats", "_types", "_values")

    def __init__(self, body: bytes, types: Sequence[int]) -> None:
        self._types = types
        at = body.find(b"\0") + 1
        at = body.find(b"\0", at) + 1
        count = int.from_bytes(body[at : at + 2], "big")
        self._formats = [int.from_bytes(body[at + 2 + 2 * i : at + 4 + 2 * i], "big") for i in range(min(count, 4096))]
        self._values = _values(body, at + 2 + 2 * count)

    def number(self, parameter: int) -> Decimal | None:
        """Return a parameter's number, None if it is not known, or not one."""
        value = self._value(parameter)
        if value is None:
            return None
        if self._format(parameter) == 0:
            return decimal_of(value)
        return number_of(self._type(parameter), value)

    def text(self, parameter: int) -> bytes:
        """Return a parameter's text, empty if it is not known, or not one."""
        value = self._value(parameter)
        if value is None or (self._format(parameter) and self._type(parameter) not in TEXTS):
            return b""
        return value

    def is_null(self, parameter: int) -> bool:
        """Return whether a parameter is NULL."""
        return parameter < len(self._values) and self._values[parameter] is None

    def _value(self, parameter: int) -> bytes | None:
        return self._values[parameter] if parameter < len(self._values) else None

    def _format(self, parameter: int) -> int:
        formats = self._formats
        if len(formats) <= 1:
            return formats[0] if formats else 0
        return formats[parameter] if parameter < len(formats) else 0

    def _type(self, parameter: int) -> int:
        return self._types[parameter] if parameter < len(self._types) else 0


def _values(body: bytes, at: int) -> list[bytes | None]:
    """Return the values from their number on, None for NULL."""
    values: list[bytes | None] = []
    count = int.from_bytes(body[at : at + 2], "big")
    at += 2
    for _ in range(count):
        if at + 4 > len(body):
            break
        size = int.from_bytes(body[at : at + 4], "big", signed=True)
        at += 4
        if size == NULL:
            values.append(None)
            continue
        if size < 0 or at + size > len(body):
            break
        values.append(body[at : at + size])
        at += size
    return values


def number_of(kind: int, value: bytes) -> Decimal | None:
    """Return the number that a value of a type is in binary, None if the type is no number's."""
    if kind in TEXTS:
        return decimal_of(value)
    if INTEGERS.get(kind) == len(value):
        return bounded(Decimal(int.from_bytes(value, "big", signed=True)))
    if kind == MONEY and len(value) == 8:
        return bounded(EXACT.divide(Decimal(int.from_bytes(value, "big", signed=True)), 100))
    if kind == FLOAT8 and len(value) == 8:
        return bounded(Decimal(repr(struct.unpack("!d", value)[0])))
    if kind == FLOAT4 and len(value) == 4:
        return bounded(single(value, "!f"))
    return _numeric(value) if kind == NUMERIC else None


def single(value: bytes, layout: str) -> Decimal:
    """Return the number of fewest digits that a float of four bytes stands for."""
    number: float = struct.unpack(layout, value)[0]
    for digits in range(6, 9):
        text = f"{number:.{digits}g}"
        try:
            if struct.pack(layout, float(text)) == value:
                return Decimal(text)
        except OverflowError:
            continue
    return Decimal(f"{number:.9g}")


def _numeric(value: bytes) -> Decimal | None:
    """Return a `numeric`: digits to the base 10,000, of which the first weighs base ** weight."""
    if len(value) < NUMERIC_HEAD_BYTES:
        return None
    count, weight, sign, _scale = struct.unpack_from("!HhHH", value)
    if len(value) != NUMERIC_HEAD_BYTES + 2 * count or count > MAX_NUMERIC_DIGITS or sign not in (POSITIVE, NEGATIVE):
        return None
    number = 0
    for digit in struct.unpack_from(f"!{count}H", value, NUMERIC_HEAD_BYTES):
        number = number * DIGITS_BASE + digit
    if not -MAX_NUMERIC_DIGITS <= weight <= MAX_NUMERIC_DIGITS:
        return None
    return bounded(Decimal(-number if sign else number).scaleb(4 * (weight - count + 1), EXACT))


def types_of(message: bytes) -> tuple[int, ...]:
    """Return the types that a list of them gives, its number of entries first: in Parse or ParameterDescription."""
    count = int.from_bytes(message[:2], "big")
    whole = message[2 : 2 + 4 * count]
    return struct.unpack(f"!{len(whole) // 4}I", whole[: len(whole) // 4 * 4])
