"""SQL text cut where its own grammar cuts it: strings, quoted names, comments and parentheses are passed over whole."""

import re
from collections.abc import Callable, Iterator
from enum import Enum


class Dialect(Enum):
    """Whose strings and parameters a text has."""

    POSTGRESQL = "postgresql"  # '' in strings, \ only in E'', dollar quotes, parameters $1
    MYSQL = "mysql"  # \ in strings, " quotes strings, ` quotes names, parameters ?


_COMMON = rb"|--[^\n]*|/\*|[(),;=]"
TOKENS = {
    Dialect.POSTGRESQL: re.compile(rb"[eE]'(?:[^'\\]|\\.|'')*'|'[^']*'|\"[^\"]*\"|\$[A-Za-z_]*\$" + _COMMON, re.DOTALL),
    Dialect.MYSQL: re.compile(rb"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|\?|#[^\n]*" + _COMMON, re.DOTALL),
}
SPACE = b" \t\r\n\f\v"


def tokens(text: bytes, start: int, dialect: Dialect) -> Iterator[tuple[int, int]]:
    """Yield where the parentheses, commas, semicolons, equals signs and `?` outside of all quotes begin.

    The second number is the byte. It ends early, by a `0`, at what it cannot pass over: a comment that nests, or an
    unknown quote.
    """
    find: Callable[[bytes, int], Iterator[re.Match[bytes]]] = TOKENS[dialect].finditer
    skipped = start
    for match in find(text, start):
        at = match.start()
        if at < skipped:
            continue
        first = text[at]
        if first in b"(),;=?":
            yield at, first
        elif first in b"/$":  # a comment, a dollar quote
            closing = b"*/" if first == 0x2F else match[0]
            skipped = text.find(closing, match.end())
            if skipped < 0 or text.find(b"/*", match.end(), skipped) >= 0:
                yield at, 0
                return
            skipped += len(closing)


def split(text: bytes, dialect: Dialect) -> list[bytes]:
    """Return the statements of a text that are not empty; one that cannot be cut to its end stays whole."""
    cuts, last = [], 0
    for at, byte in tokens(text, 0, dialect):
        if byte == 0x3B:
            cuts.append(text[last:at])
            last = at + 1
    cuts.append(text[last:])
    return [cut for cut in cuts if cut.strip(SPACE)]


def unquoted(name: bytes) -> bytes:
    """Return the last part of a name, without its quotes."""
    return name.strip(SPACE).rpartition(b".")[2].strip(b'"`[] \t\r\n')
