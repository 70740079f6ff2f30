"""The words of a SQL statement, without its literals and comments; compiled with the types of `sql_tokens.pxd`.

Good enough for every dialect: a string of MySQL in double quotes passes for a name, but stands where none is needed.
"""

import cython

if not cython.compiled:  # else the `.pxd` has them
    from exporter.protocols.pieces import capitals, piece

# What a token is. A name is a quoted identifier; a literal and an operator are both of no interest.
# Modules unpack it for themselves: as numbers of C, compiled ones cannot share them.
KINDS = tuple(range(9))
END, WORD, NAME, OPEN, CLOSE, COMMA, DOT, SEMICOLON, OTHER = KINDS


def _classes() -> bytes:
    table = bytearray([OTHER]) * 256
    for byte in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_@" + bytes(range(128, 256)):
        table[byte] = WORD
    for kind, byte in zip((OPEN, CLOSE, COMMA, DOT, SEMICOLON), b"(),.;", strict=True):
        table[byte] = kind
    return bytes(table)


CLASSES = _classes()
INNER = bytes(CLASSES[byte] == WORD or byte in b"0123456789$" for byte in range(256))
QUOTE, HASH, DOLLAR, APOSTROPHE, DASH, SLASH = b"\"#$'-/"
BACKSLASH, BACKTICK = b"\\`"
# PostgreSQL has operators that begin as MySQL's comments do.
OPERATOR_BEHIND_HASH = b">-#="


class Tokens:
    """Walks a statement.

    Args:
        escapes: whether a backslash takes the meaning from a quote, as it does in MySQL.

    Attributes:
        kind: what the current token is.
        begin, stop: where it begins, and where the next one may; of a quoted name they include the quotes.
    """

    __slots__ = ("_end", "_escapes", "_text", "begin", "kind", "stop")

    def __init__(self, text: bytes, escapes: bool) -> None:
        self._text = text
        self._end = len(text)
        self._escapes = escapes
        self.kind = OTHER
        self.begin = self.stop = 0

    def next(self) -> int:
        """Go on to the next token; return what it is."""
        text, end = self._text, self._end
        at = self._behind_blank(self.stop)
        self.begin = at
        if at >= end:
            self.kind, self.stop = END, end
            return END
        byte = text[at]
        kind = CLASSES[byte]
        at += 1
        if kind == WORD:
            while at < end and INNER[text[at]]:
                at += 1
            if at == self.begin + 1 and at < end and text[at] == APOSTROPHE:  # E'..', B'..', N'..'
                kind, at = OTHER, self._behind_quote(at + 1, APOSTROPHE, self._escapes or byte in b"eE")
        elif byte == APOSTROPHE:
            at = self._behind_quote(at, APOSTROPHE, self._escapes)
        elif byte in (QUOTE, BACKTICK):
            kind, at = NAME, self._behind_quote(at, byte, self._escapes and byte == QUOTE)
        elif byte == DOLLAR:
            at = self._behind_dollars(at)
        elif 0x30 <= byte <= 0x39:
            while at < end and (INNER[text[at]] or text[at] == 0x2E):
                at += 1
        self.kind, self.stop = kind, at
        return kind

    def peek(self) -> int:
        """Return what the next token is, and stay."""
        kind, begin, stop = self.kind, self.begin, self.stop
        following = self.next()
        self.kind, self.begin, self.stop = kind, begin, stop
        return following

    def word(self) -> bytes:
        """Return the current word in capitals."""
        return capitals(self._text, self.begin, self.stop)

    def raw(self) -> bytes:
        """Return the current token as it stands."""
        return piece(self._text, self.begin, self.stop)

    def _behind_blank(self, at: int) -> int:
        """Return where the next token begins, behind blanks and comments."""
        text, end = self._text, self._end
        while at < end:
            byte = text[at]
            if byte <= 0x20:
                at += 1
            elif byte == DASH and text[at + 1 : at + 2] == b"-":
                at = self._behind(b"\n", at + 2)
            elif byte == SLASH and text[at + 1 : at + 2] == b"*":
                at = self._behind_comment(at + 2)
            elif byte == HASH and (at + 1 >= end or text[at + 1] not in OPERATOR_BEHIND_HASH):
                at = self._behind(b"\n", at + 1)
            else:
                break
        return at

    def _behind_comment(self, at: int) -> int:
        depth = 1  # PostgreSQL's comments nest
        while depth:
            close = self._text.find(b"*/", at)
            if close < 0:
                return self._end
            begin = self._text.find(b"/*", at, close)
            depth += 1 if begin >= 0 else -1
            at = (begin if begin >= 0 else close) + 2
        return at

    def _behind_quote(self, at: int, quote: int, escapes: bool) -> int:
        """Return where what is quoted ends; a doubled quote is part of it."""
        text, end = self._text, self._end
        while at < end:
            byte = text[at]
            at += 1
            if byte == quote:
                if at >= end or text[at] != quote:
                    return at
                at += 1
            elif byte == BACKSLASH and escapes:
                at += 1
        return end

    def _behind_dollars(self, at: int) -> int:
        """Return where a parameter such as `$1`, or what stands between `$tag$` and `$tag$`, ends."""
        text, end = self._text, self._end
        stop = at
        while stop < end and INNER[text[stop]] and text[stop] != DOLLAR:
            stop += 1
        if stop < end and text[stop] == DOLLAR and not 0x30 <= text[at] <= 0x39:
            return self._behind(text[at - 1 : stop + 1], stop + 1)
        return stop

    def _behind(self, mark: bytes, at: int) -> int:
        found = self._text.find(mark, at)
        return found + len(mark) if found >= 0 else self._end
