"""Which table a SQL query is about; compiled with the types of `sql_query.pxd`."""

from exporter.protocols.sql_tokens import KINDS, Tokens

END, WORD, NAME, OPEN, CLOSE, COMMA, DOT, SEMICOLON, _OTHER = KINDS
# What the words mean that tell where a table is named.
NO_WORD, OPENING, FROM, JOIN, INTO, ENDING, ONLY, DEFINING, BETWEEN = range(9)
MEANINGS = {
    OPENING: b"SELECT WITH VALUES TABLE INSERT UPDATE DELETE MERGE REPLACE",
    FROM: b"FROM",
    JOIN: b"JOIN STRAIGHT_JOIN",
    INTO: b"INTO",
    # Behind these no further table of the list can come, but for one of a JOIN.
    ENDING: b"WHERE GROUP ORDER HAVING LIMIT UNION EXCEPT INTERSECT WINDOW RETURNING SET OFFSET FETCH FOR",
    ONLY: b"ONLY LATERAL",
    # These may stand between the name of a common table expression and its query.
    DEFINING: b"AS MATERIALIZED",
    BETWEEN: b"NOT RECURSIVE",
}
WORDS = {word: meaning for meaning, words in MEANINGS.items() for word in words.split()}
WRITES = frozenset(b"INSERT UPDATE DELETE MERGE REPLACE".split())
WITH, UPDATE, DISTINCT, TABLE = b"WITH", b"UPDATE", b"DISTINCT", b"TABLE"
LONGEST_WORD = 16  # of those above
MOST_DEPTH = 60


def name_at(tokens: Tokens) -> bytes:
    """Return the last part of the name that begins with the current token, and go there; empty if it is cut short."""
    while tokens.peek() == DOT:
        tokens.next()
        if tokens.peek() not in (WORD, NAME):
            return b""
        tokens.next()
    return tokens.raw()


class Query:
    """Reads a query up to its table, behind its first word.

    A table of its own list comes first, the first one of a subquery or common table expression stands in.

    Args:
        tokens: at the first word.
        common: whether that is WITH; reading then ends at a verb behind it that begins no query.

    Attributes:
        verb: the verb behind WITH; else empty.
        table: the table of its own list as it stands, quotes and all; empty if there is none.
        nested: the first table of anything within.
        writes, written: how the first expression that writes does so, and where to; else empty.
    """

    __slots__ = (
        "_before",
        "_common",
        "_deed",
        "_depth",
        "_expects",
        "_known",
        "_lists",
        "_main",
        "_name",
        "_names",
        "_opened",
        "_queries",
        "_tokens",
        "nested",
        "table",
        "verb",
        "writes",
        "written",
    )

    def __init__(self, tokens: Tokens, common: bool) -> None:
        self._tokens = tokens
        self._common = common
        self._depth = 1
        self._queries = 2  # a bit for each depth: a query is here
        self._lists = 0  # the same: its list of tables is
        self._main = False  # the list of the query itself has begun
        self._expects = False  # a table comes next
        self._opened = False  # a parenthesis was the last token
        self._before = b""  # the last word
        self._deed = b""  # the verb of an expression that writes, until its table
        self._name = b""  # the last name
        self._names: list[bytes] = []  # those before each parenthesis
        self._known: set[bytes] | None = None  # of common table expressions, where there are any
        self.verb = self.table = self.nested = self.writes = self.written = b""

    def read(self) -> None:
        """Read up to the table, the end, or a verb that begins no query."""
        tokens = self._tokens
        while not self.table:
            kind = tokens.next()
            if kind in (WORD, NAME):
                if self._word(kind):
                    return
            elif kind == OPEN:
                self._open()
            elif kind == CLOSE:
                self._close()
            elif kind == END or (kind == SEMICOLON and self._depth == 1) or self._depth > MOST_DEPTH:
                return
            else:
                self._opened = False
                self._expects = kind == COMMA and self._lists >> self._depth & 1 == 1

    def _open(self) -> None:
        self._depth += 1
        self._names.append(self._name)
        self._queries &= ~(1 << self._depth)
        self._lists &= ~(1 << self._depth)
        self._opened = True

    def _close(self) -> None:
        self._opened = self._expects = False
        if self._depth > 1:
            self._depth -= 1
            self._name = self._names.pop()

    def _word(self, kind: int) -> bool:
        """Take a word or a quoted name; return whether another verb begins here."""
        tokens = self._tokens
        short = kind == WORD and tokens.stop - tokens.begin <= LONGEST_WORD
        word = tokens.word() if short else b""
        meaning = WORDS.get(word, NO_WORD)
        first, self._opened = self._opened or (self._common and self._depth == 1), False
        if first and meaning == OPENING:
            return self._begin(word)
        if self._expects:
            if meaning != ONLY and word != TABLE:
                self._expects = False
                self._table()
        elif meaning == FROM:
            self._from()
        elif meaning == JOIN:
            self._expects = True
        elif meaning == INTO:
            self._expects = self._deed != b""
        elif meaning == ENDING:
            self._lists &= ~(1 << self._depth)
        elif meaning == DEFINING:
            if tokens.peek() == OPEN:
                self._known = self._known or set()
                self._known.add(self._name)
        elif meaning != BETWEEN:
            self._name = tokens.raw()
        self._before = word
        return False

    def _begin(self, word: bytes) -> bool:
        """A query begins, or an expression that writes; return whether it is another verb of the statement itself."""
        self._expects = word == UPDATE
        self._queries |= 1 << self._depth
        if self._depth > 1:
            self._deed = word if word in WRITES else b""
        elif word != WITH:
            self.verb = word
            self._common = False
            return word not in (b"SELECT", b"DELETE")
        return False

    def _from(self) -> None:
        if self._queries >> self._depth & 1 and self._before != DISTINCT:
            self._expects = True
            self._lists |= 1 << self._depth
            self._main = self._main or (self._depth == 1 and not self._common)

    def _table(self) -> None:
        """Take the name of a table; a function's is none, but where a list of columns follows."""
        table = name_at(self._tokens)
        self._name = table
        if self._known is not None and table in self._known:
            return
        if not self._deed and self._tokens.peek() == OPEN:
            return
        if self._main:
            self.table = table
        self.nested = self.nested or table
        if self._deed and not self.written:
            self.writes, self.written = self._deed, table
        self._deed = b""
