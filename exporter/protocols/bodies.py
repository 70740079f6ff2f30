"""The money and quantities in the bodies of requests: JSON and forms."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import unquote_to_bytes

from exporter.model import Change, Operation
from exporter.protocols.money import currency_of, field_of, names_currency
from exporter.protocols.numerals import Sums, bounded, decimal_of

# Longer bodies are left alone.
MAX_BODY_BYTES = 16 << 10
MAX_DEPTH = 12
MAX_FORM_FIELDS = 512

NO_BODY, JSON, FORM = range(3)
_KEY = re.compile(rb'"([A-Za-z_][A-Za-z0-9_-]{0,63})"\s*:')
_TYPE = re.compile(rb"\n[Cc]ontent-[Tt]ype:[ \t]*([A-Za-z0-9.+/-]{1,80})")
_ENCODED = re.compile(rb"\ncontent-encoding:", re.IGNORECASE)

Level = list[tuple[dict[str, object], str]]
"""Objects of a document that are equally deep, each with the currency that holds in it."""


def kind_of(head: bytes) -> int:
    """Return what a request's head says of its body: `JSON`, `FORM`, or `NO_BODY` for all else."""
    match = _TYPE.search(head)
    if match is None or _ENCODED.search(head):
        return NO_BODY
    media = match[1].lower()
    if media == b"application/x-www-form-urlencoded":
        return FORM
    return JSON if media == b"application/json" or media.endswith(b"+json") else NO_BODY


def changes_of(kind: int, body: bytes, operation: Operation) -> tuple[Change, ...]:
    """Return what a body adds to its request: one change with sums, or nothing."""
    sums = Sums()
    if kind == FORM:
        _add_form(body, sums)
    elif any(field_of(name) is not None for name in set(_KEY.findall(body))):
        _add_json(body, sums)
    amounts = sums.amounts()
    return (Change(operation, 0, amounts),) if amounts else ()


def _add_form(body: bytes, sums: Sums) -> None:
    pairs = [pair.partition(b"=") for pair in body.split(b"&", MAX_FORM_FIELDS)[:MAX_FORM_FIELDS]]
    # Libraries write members of lists as `items[0][price]`.
    named = [(_last_part(_decoded(name)), _decoded(value)) for name, _, value in pairs]
    currency = next((currency_of(value) for name, value in named if names_currency(name)), "")
    for name, value in named:
        field = field_of(name)
        number = decimal_of(value) if field is not None else None
        if field is not None and number is not None:
            sums.add(field, currency, number)


def _decoded(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _last_part(name: bytes) -> bytes:
    return name.replace(b"]", b"").rstrip(b"[").rpartition(b"[")[2] or name


def _add_json(body: bytes, sums: Sums) -> None:
    """Add what a document holds; a field that occurs at several depths counts where it is least deep."""
    try:
        document = json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=str)
    except (ValueError, RecursionError, ArithmeticError):
        return
    known: set[str] = set()
    level: Level = [(each, "") for each in _objects(document)]
    for _ in range(MAX_DEPTH):
        below: Level = []
        seen: set[str] = set()
        for each, inherited in level:
            currency = _currency(each) or inherited
            for name, value in each.items():
                field = field_of(name.encode("utf-8", "replace"))
                if field is not None and field.name not in known:
                    for number in _numbers(value):
                        seen.add(field.name)
                        sums.add(field, currency, number)
                below.extend((child, currency) for child in _objects(value))
        known |= seen
        level = below


def _currency(each: dict[str, object]) -> str:
    for name, value in each.items():
        if isinstance(value, str) and names_currency(name.encode("utf-8", "replace")):
            return currency_of(value.encode("utf-8", "replace"))
    return ""


def _objects(value: object) -> Iterator[dict[str, object]]:
    """Yield the objects that a value is, or that a list of it holds."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, dict):
                yield each


def _numbers(value: object) -> Iterator[Decimal]:
    for each in value if isinstance(value, list) else (value,):
        number = bounded(each) if isinstance(each, Decimal) else None
        if isinstance(each, str):
            number = decimal_of(each.encode("utf-8", "replace"))
        if number is not None:
            yield number
