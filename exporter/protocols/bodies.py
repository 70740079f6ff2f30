"""The money and quantities in the bodies of requests: JSON and forms, also compressed."""

import json
import re
import zlib
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import unquote_to_bytes

from exporter.model import Change, Operation
from exporter.protocols.money import currency_of, field_of, names_currency
from exporter.protocols.numerals import Sums, bounded, decimal_of

# Longer bodies are left alone.
MAX_BODY_BYTES = 16 << 10
MAX_INFLATED_BYTES = 64 << 10
MAX_DEPTH = 12
MAX_FORM_FIELDS = 512

CHANGING = frozenset((b"POST", b"PUT", b"PATCH"))  # their bodies say what they change
NO_BODY, JSON, FORM, PARTS = range(4)
ENCODED = 4  # added to the others
ZLIB_OR_GZIP, BARE = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS
_KEY = re.compile(rb'"([A-Za-z_][A-Za-z0-9_-]{0,63})"\s*:')
_TYPE = re.compile(rb"\n[Cc]ontent-[Tt]ype:[ \t]*([A-Za-z0-9.+/-]{1,80})")
_ENCODED = re.compile(rb"\ncontent-encoding:[ \t]*([^\r\n]*)", re.IGNORECASE)
_INFLATED = frozenset({b"gzip", b"x-gzip", b"deflate"})
_PART_NAME = re.compile(
    rb'^content-disposition:[^\r\n]*;[ \t]*name="([^"\r\n]{1,64})"[ \t]*\r?$', re.IGNORECASE | re.MULTILINE
)

Named = list[tuple[bytes, bytes]]
"""Names and values of a form's fields."""

Level = list[tuple[dict[str, object], str]]
"""Objects of a document that are equally deep, each with the currency that holds in it."""


def kind_of(head: bytes) -> int:
    """Return what a request's head says of its body: `JSON`, `FORM`, `PARTS` of one, or `NO_BODY` for all else.

    `ENCODED` is added for what is compressed by zlib.
    """
    match = _TYPE.search(head)
    if match is None:
        return NO_BODY
    kind = kind_of_type(match[1].lower())
    encoding = _ENCODED.search(head)
    if encoding is None or kind == NO_BODY:
        return kind
    return kind + ENCODED if encoding[1].strip().lower() in _INFLATED else NO_BODY


def kind_of_type(media: bytes) -> int:
    """Return what a media type in small letters, without parameters, says of a body."""
    if media == b"application/x-www-form-urlencoded":
        return FORM
    if media == b"multipart/form-data":
        return PARTS
    return JSON if media == b"application/json" or media.endswith(b"+json") else NO_BODY


def changes_of(kind: int, body: bytes, operation: Operation) -> tuple[Change, ...]:
    """Return what a body adds to its request: one change with sums, or nothing."""
    sums = Sums()
    if kind >= ENCODED:
        kind -= ENCODED
        body = _inflated(body)
    if kind == FORM:
        _add_fields(_form(body), sums)
    elif kind == PARTS:
        _add_fields(_parts(body), sums)
    elif any(field_of(name) is not None for name in set(_KEY.findall(body))):
        _add_json(body, sums)
    amounts = sums.amounts()
    return (Change(operation, 0, amounts),) if amounts else ()


def _inflated(body: bytes) -> bytes:
    """Return what zlib or gzip compressed, or deflate alone, as some clients do; nothing where it is too long."""
    for bits in (ZLIB_OR_GZIP, BARE):
        inflate = zlib.decompressobj(bits)
        try:
            plain = inflate.decompress(body, MAX_INFLATED_BYTES)
        except zlib.error:
            continue
        return plain if inflate.eof else b""
    return b""


def _form(body: bytes) -> Named:
    pairs = [pair.partition(b"=") for pair in body.split(b"&", MAX_FORM_FIELDS)[:MAX_FORM_FIELDS]]
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def _parts(body: bytes) -> Named:
    """Return the fields of a form in parts; the boundary is what the body begins with, and files are no fields."""
    boundary = body.partition(b"\r\n")[0]
    named: Named = []
    if not boundary.startswith(b"--"):
        return named
    for part in body.split(b"\r\n" + boundary, MAX_FORM_FIELDS)[:MAX_FORM_FIELDS]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = _PART_NAME.search(head)
        if name is not None:
            named.append((name[1], value))
    return named


def _add_fields(fields: Named, sums: Sums) -> None:
    # Libraries write members of lists as `items[0][price]`.
    named = [(_last_part(name), value) for name, value in fields]
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
