"""Names that applications' authors gave: of tables, collections and topics, without the numbers that programs add."""

import re

from exporter.model import Operation
from exporter.protocols.remembered import remembered

LONGEST_NAME = 63  # as PostgreSQL's; MySQL allows one more
REMEMBERED = 1024
PARAMETER = "{id}"
MOST_PARTS = 8  # of a topic
LONGEST_PART = 48
PRIVATE = frozenset(("_INBOX", "$SYS", "$JS"))  # behind these, nobody chose a name
# Many letters of both cases with a number among them, or letters and numbers by turns: nobody writes that.
RANDOM = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{14}|(?<![A-Za-z])(?!v\d)[A-Za-z]+\d+[A-Za-z]+\d")
# Of partitions, tenants and temporary tables: two digits and more, or hexadecimal digits that no word is.
NUMBERS = re.compile(
    r"(?<![a-zA-Z])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![a-zA-Z])"
    r"|(?<![a-zA-Z])(?:(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}(?![a-zA-Z])|\d{2,})(?:[_.-]?\d+)*"
    r"|\d{2,}(?:[_.-]?\d+)*"
)


@remembered(REMEMBERED)
def schema_name(raw: bytes) -> str:
    """Return the name of a table or the like as it is told: one that is not quoted in small letters.

    Numbers in it become `{id}`. Empty for what is no name that an author would give: too long, or with other characters
    than letters, digits, `_`, `$`, `-`, `.`, `:` and blanks.
    """
    quoted = raw[:1] in (b'"', b"`")
    try:
        name = raw[1:-1].decode() if quoted else raw.decode().lower()
    except UnicodeDecodeError:
        return ""
    plain = name.translate(AS_LETTERS)
    if not plain.isidentifier() or len(name) > LONGEST_NAME:
        return ""
    return NUMBERS.sub(PARAMETER, name) if any(map(str.isdigit, name)) else name


@remembered(REMEMBERED)
def directed(operation: Operation, destination: bytes) -> Operation:
    """Return an operation with the topic, queue or exchange that it goes to, by its outline."""
    target = topic_name(destination)
    return Operation(operation.name, target) if target else operation


def topic_name(raw: bytes) -> str:
    """Return a topic's outline: what are surely identifiers among its parts, or numbers in them, are `{id}`.

    Parts are told apart by slashes, as in MQTT, or by full stops. Empty for what is no text; the deepest are left out.
    """
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        return ""
    separator = "/" if "/" in name else "."
    parts = [part for part in name.split(separator) if part]
    if parts and parts[0] in PRIVATE:
        parts = [parts[0], PARAMETER]
    return separator.join(map(_topic_part, parts[:MOST_PARTS]))


def _topic_part(part: str) -> str:
    plain = part.translate(AS_LETTERS)
    if len(part) > LONGEST_PART or not (f"_{plain}".isidentifier() and plain.isascii()):
        return PARAMETER
    name = NUMBERS.sub(PARAMETER, part)
    return PARAMETER if RANDOM.search(name) else name


AS_LETTERS = str.maketrans("$-.: ", "_____")
