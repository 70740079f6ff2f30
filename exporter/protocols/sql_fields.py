"""The numbers that a SQL statement writes into columns which mean money or a quantity: literals and parameters."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from exporter.protocols.money import Field, currency_of, field_of, names_currency
from exporter.protocols.numerals import Sums, decimal_of
from exporter.protocols.sql_text import SPACE, Dialect, tokens, unquoted

# The names of columns stand before the values; what is longer is not looked through.
LONGEST_HEAD_BYTES = 4096
CACHED_HEADS = 512
MAX_COLUMNS = 256
ABSENT = (b"NULL", b"DEFAULT")

_COLUMNS = re.compile(rb"\(([^()]*)\)[^()]*\Z")
_CAST = re.compile(rb"::[A-Za-z][A-Za-z0-9_ ]*(?:\([0-9, ]*\))?\s*\Z")
_SET = re.compile(rb"\sSET\s", re.IGNORECASE)
_BEHIND_SET = re.compile(rb"\s(?:WHERE|FROM|RETURNING|ORDER|LIMIT)\s", re.IGNORECASE)
# A string without quotes and backslashes in it, a word, a number, a call without arguments.
_LITERAL = rb"\s*('[^'\\]*'|[A-Za-z0-9_.+-]+)(?:\(\))?\s*"
_PLACE = re.compile(rb"\$(\d{1,5})\Z")


class Parameters(Protocol):
    """The values of a statement's parameters, numbered from 0."""

    def number(self, parameter: int) -> Decimal | None:
        """Return a parameter's number, None if it is not known, or not one."""
        ...

    def text(self, parameter: int) -> bytes:
        """Return a parameter's text, empty if it is not known, or not one."""
        ...

    def is_null(self, parameter: int) -> bool:
        """Return whether a parameter is surely NULL."""
        ...


class NoParameters:
    """Those of a statement that has none, or whose values were not seen."""

    def number(self, parameter: int) -> Decimal | None:
        """Return None."""
        return None

    def text(self, parameter: int) -> bytes:
        """Return nothing."""
        return b""

    def is_null(self, parameter: int) -> bool:
        """Return False."""
        return False


NO_PARAMETERS = NoParameters()


@dataclass(frozen=True, slots=True)
class Cell:
    """What is written into one column: a number of the text, else the parameter of that number from 0; -1 for neither.

    Attributes:
        text: the beginning of any other expression, such as a currency.
    """

    number: Decimal | None = None
    parameter: int = -1
    text: bytes = b""


UNWANTED = Cell()


@dataclass(frozen=True, slots=True)
class Written:
    """A column of a row, by its meaning, and the currency beside it."""

    field: Field
    cell: Cell
    currency: Cell | None


@dataclass(frozen=True, slots=True)
class Fields:
    """What a statement writes.

    Attributes:
        written: the columns of all rows that mean something and need parameters to be known.
        literals: what the text itself says of the others.
        rows: how many rows it lists; 0 where that is not known, and for an UPDATE.
    """

    written: tuple[Written, ...]
    literals: Sums
    rows: int

    def sums(self, parameters: Parameters = NO_PARAMETERS) -> Sums:
        """Return the sums, with those values of parameters; NULL is no field."""
        if not self.written:
            return self.literals
        sums = Sums()
        sums.add_sums(self.literals)
        for each in self.written:
            number, beside = each.cell.number, each.currency
            place = each.cell.parameter
            if place >= 0:
                if parameters.is_null(place):
                    continue
                number = parameters.number(place)
            code = b""
            if beside is not None:
                code = parameters.text(beside.parameter) if beside.parameter >= 0 else beside.text
            sums.add(each.field, currency_of(code), number)
        return sums


def _fields(written: list[Written], rows: int, unread: int = 0) -> Fields:
    """Return what is written, that part added up which needs no parameters."""
    literals = Sums()
    literals.unread = unread
    bound = []
    for each in written:
        if each.cell.parameter >= 0 or (each.currency is not None and each.currency.parameter >= 0):
            bound.append(each)
        else:
            code = each.currency.text if each.currency is not None else b""
            literals.add(each.field, currency_of(code), each.cell.number)
    return Fields(tuple(bound), literals, rows)


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of an INSERT that matter.

    Attributes:
        fields: by their places.
        currency: the place of the currency, -1 without one.
        wanted: all these places.
        row: matches a row of plain literals and the comma before it; each column is a group, numbered from 1.
    """

    fields: dict[int, Field]
    currency: int
    wanted: frozenset[int]
    row: re.Pattern[bytes]


def inserted(statement: bytes, dialect: Dialect, whole: bool) -> Fields | None:
    """Return what an INSERT or REPLACE writes; None if none of its columns means money or a quantity.

    Args:
        whole: whether the statement is there to its end.
    """
    at = statement[:LONGEST_HEAD_BYTES].upper().find(b"VALUES")
    if at < 0:
        return None
    columns = _columns(statement[:at])
    if columns is None:
        return None
    if not whole:
        return _fields([], 0, unread=len(columns.fields))
    start = at + len(b"VALUES")
    return _plain_rows(statement, start, columns) or _rows(statement, start, columns, dialect)


def _plain_rows(statement: bytes, start: int, columns: _Columns) -> Fields | None:
    """Return what rows of nothing but plain literals say, several times as fast; None if that is not all there is."""
    if b"--" in statement or b"/*" in statement:
        return None
    match = columns.row.match
    found = match(statement, start)
    if found is None:
        return None
    literals = Sums()
    rows, end = 0, start
    places = tuple(columns.fields.items())
    while found is not None:
        rows += 1
        end = found.end()
        code = found[columns.currency + 1] if columns.currency >= 0 else b""
        currency = currency_of(code.strip(b"'")) if code else ""
        for place, field in places:
            text = found[place + 1]
            if text.upper() not in ABSENT:
                literals.add(field, currency, decimal_of(text.strip(b"'")))
        found = match(statement, end)
    rest = statement[end:].lstrip(SPACE)
    return None if rest[:1] == b"," else Fields((), literals, rows)


@lru_cache(CACHED_HEADS)
def _columns(head: bytes) -> _Columns | None:
    match = _COLUMNS.search(head)
    if match is None:
        return None
    fields: dict[int, Field] = {}
    currency = -1
    names = match[1].split(b",", MAX_COLUMNS)
    for place, each in enumerate(names):
        name = unquoted(each)
        field = field_of(name)
        if field is not None and field not in fields.values():
            fields[place] = field
        elif names_currency(name):
            currency = place
    if not fields:
        return None
    row = re.compile(rb"\s*,?\s*\(" + b",".join([_LITERAL] * len(names)) + rb"\)")
    return _Columns(fields, currency, frozenset((*fields, currency)), row)


def _rows(statement: bytes, start: int, columns: _Columns, dialect: Dialect) -> Fields:
    """Read the rows behind VALUES."""
    written: list[Written] = []
    rows = depth = asked = unread = 0
    cells: list[Cell] = []
    begun = base = start
    comma = False  # a row is to follow
    for at, byte in tokens(statement, start, dialect):
        if byte == 0x28:  # (
            if depth == 0:
                if rows and not comma:
                    break  # what follows the rows
                begun, base, cells, comma = at + 1, asked, [], False
            depth += 1
        elif byte == 0x3F:  # ?
            asked += 1
        elif byte in b",)" and depth == 1:
            cells.append(_cell(statement[begun:at], base) if len(cells) in columns.wanted else UNWANTED)
            begun, base = at + 1, asked
            if byte == 0x29:
                depth = 0
                rows += 1
                written.extend(_row(cells, columns))
        elif byte == 0x29:
            depth -= 1
        elif byte == 0:
            unread = len(columns.fields)
            break
        elif depth == 0:
            if byte != 0x2C:
                break
            comma = True
    return _fields(written, rows, unread)


def _row(cells: list[Cell], columns: _Columns) -> list[Written]:
    currency = cells[columns.currency] if 0 <= columns.currency < len(cells) else None
    return [
        Written(field, cells[place], currency)
        for place, field in columns.fields.items()
        if place < len(cells) and cells[place].text.upper() not in ABSENT
    ]


def updated(statement: bytes, dialect: Dialect, whole: bool) -> Fields | None:
    """Return what an UPDATE sets to a number; None if no such column means money or a quantity.

    What is set relative to what it was (`quantity = quantity - 1`) has no number to add up.
    """
    begin = _SET.search(statement, 0, LONGEST_HEAD_BYTES)
    if begin is None or not whole:
        return None
    fields: list[tuple[Field, Cell]] = []
    currency: Cell | None = None
    for name, cell in _assignments(statement, begin.end(), dialect):
        field = field_of(name)
        if field is not None and (cell.parameter >= 0 or cell.number is not None):
            fields.append((field, cell))
        elif names_currency(name):
            currency = cell
    written = [Written(field, cell, currency) for field, cell in fields]
    return _fields(written, 0) if written else None


def _assignments(statement: bytes, start: int, dialect: Dialect) -> list[tuple[bytes, Cell]]:
    found: list[tuple[bytes, Cell]] = []
    depth = 0
    asked = statement.count(b"?", 0, start)
    begun, base, name = start, asked, b""
    for at, byte in tokens(statement, start, dialect):
        if byte == 0x28:
            depth += 1
        elif byte == 0x29:
            depth -= 1
        elif byte == 0x3F:
            asked += 1
        elif byte == 0x3D and depth == 0 and not name:  # =
            name, begun, base = unquoted(statement[begun:at]), at + 1, asked
        elif (byte == 0x2C and depth == 0) or byte in b"=;\0":
            ended = byte != 0x2C or len(found) >= MAX_COLUMNS
            found.append((name, _cell(_BEHIND_SET.split(statement[begun:at], 1)[0], base)))
            begun, base, name = at + 1, asked, b""
            if ended:
                return found
    if name:
        found.append((name, _cell(_BEHIND_SET.split(statement[begun:], 1)[0], base)))
    return found


def _cell(text: bytes, asked: int) -> Cell:
    """Return what one expression is: `asked` is how many `?` stand before it."""
    text = _CAST.sub(b"", text.strip(SPACE)) if b"::" in text else text.strip(SPACE)
    if text == b"?":
        return Cell(parameter=asked)
    place = _PLACE.match(text)
    if place is not None:
        return Cell(parameter=int(place[1]) - 1)
    if text[:1] == b"'" and text[-1:] == b"'":
        text = text[1:-1]
    return Cell(decimal_of(text), text=text[:8])
