"""What a SQL statement does, by a list of verbs that does not grow with what is asked, and to which table.

Compiled with the types of `sql.pxd`. The same statement comes again and again, so the latest ones are remembered.
"""

import cython

from exporter.model import Operation
from exporter.protocols.names import schema_name
from exporter.protocols.sql_query import Query, name_at
from exporter.protocols.sql_tokens import KINDS, Tokens

if not cython.compiled:  # else the `.pxd` has it
    from exporter.protocols.pieces import piece

END, WORD, NAME, OPEN, CLOSE, _COMMA, _DOT, SEMICOLON, _OTHER = KINDS
VERBS = (
    "ABORT ALTER ANALYSE ANALYZE BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE "
    "DELETE DISCARD DO DROP END EXECUTE EXPLAIN FETCH GRANT IMPORT INSERT LISTEN LOAD LOCK MERGE MOVE NOTIFY PREPARE "
    "REASSIGN REFRESH REINDEX RELEASE RESET REVOKE ROLLBACK SAVEPOINT SECURITY SELECT SET SHOW START TABLE TRUNCATE "
    "UNLISTEN UPDATE VACUUM VALUES WITH BASE_BACKUP CREATE_REPLICATION_SLOT DROP_REPLICATION_SLOT IDENTIFY_SYSTEM "
    "READ_REPLICATION_SLOT START_REPLICATION TIMELINE_HISTORY UPLOAD_MANIFEST ALTER_REPLICATION_SLOT DESC DESCRIBE "
    "HANDLER HELP KILL OPTIMIZE PURGE RENAME REPAIR REPLACE SIGNAL STOP UNLOCK USE XA"
)
OPERATIONS = {verb.encode(): Operation(verb) for verb in VERBS.split()}
EMPTY = Operation("EMPTY")
OTHER = Operation("OTHER")

# Verbs that a name follows, at once or behind words that only say how.
BEFORE_NAME = frozenset(
    b"INSERT REPLACE UPDATE MERGE TRUNCATE COPY CALL LOCK TABLE VACUUM ANALYZE ANALYSE OPTIMIZE REPAIR DESC DESCRIBE "
    b"HANDLER CLUSTER".split()
)
HOW = frozenset(
    b"INTO ONLY TABLE TABLES IGNORE LOW_PRIORITY HIGH_PRIORITY DELAYED QUICK OR ROLLBACK ABORT FAIL OVERWRITE BINARY "
    b"FULL FREEZE VERBOSE ANALYZE ANALYSE LOCAL NO_WRITE_TO_BINLOG CONCURRENTLY IF EXISTS NOT".split()
)
LONGEST_HOW = max(map(len, HOW))
STATEMENTS = frozenset(b"SELECT INSERT REPLACE UPDATE DELETE MERGE TABLE WITH COPY CALL TRUNCATE".split())
QUERIES = frozenset((b"SELECT", b"DELETE", b"WITH"))
# Verbs before a whole statement, and those that first say what kind of thing they are about.
BEFORE_STATEMENT = frozenset(b"EXPLAIN PREPARE DECLARE".split())
DEFINES = frozenset(b"CREATE ALTER DROP RENAME REFRESH REINDEX LOAD".split())
DEFINED = frozenset((b"TABLE", b"VIEW", b"ON"))  # an index is on a table
MOST_WORDS = 12  # between a verb and what it defines

# What is longer is not looked through.
LOOKED_AT_BYTES = 2048
REMEMBERED = 4096  # statements; and operations
_latest: dict[int, Operation] = {}
_names: dict[int, Operation] = {}


def operation_of(statement: bytes, escapes: bool = False) -> Operation:
    """Return what a statement does, or the first of several; `EMPTY` if it does nothing, `OTHER` if it is not known.

    Comments, opening parentheses and empty statements before it are passed over.

    Args:
        statement: the text, or its beginning.
        escapes: whether a backslash takes the meaning from a quote, as it does in MySQL.
    """
    begin = piece(statement, 0, LOOKED_AT_BYTES)
    # Statements hold literals, so they are known by what only this process hashes them to.
    digest = (hash(begin) << 1) ^ escapes
    operation = _latest.get(digest)
    if operation is None:
        if len(_latest) >= REMEMBERED:
            _latest.clear()
        operation = _latest[digest] = _read(begin, escapes)
    return operation


def _read(statement: bytes, escapes: bool) -> Operation:
    tokens = Tokens(statement, escapes)
    kind = tokens.next()
    while kind in (OPEN, SEMICOLON):
        kind = tokens.next()
    if kind == END:
        return EMPTY
    verb = tokens.word() if kind == WORD else b""
    known = OPERATIONS.get(verb)
    if known is None:
        return OTHER
    deed, table = _deed(tokens, verb)
    if not table and deed == verb:
        return known
    return _named(deed, table, verb)


def _named(deed: bytes, table: bytes, said: bytes) -> Operation:
    """Return the operation of that name, mostly the very same one: what finds it then need not compare it."""
    digest = hash((deed, table, said))
    operation = _names.get(digest)
    if operation is None:
        if len(_names) >= REMEMBERED:
            _names.clear()
        told = "" if said == deed else said.decode("ascii")
        operation = _names[digest] = Operation(deed.decode("ascii"), schema_name(table), told)
    return operation


def _deed(tokens: Tokens, verb: bytes) -> tuple[bytes, bytes]:
    """Return what the statement does and the table as it stands, empty if there is none."""
    if verb in BEFORE_STATEMENT:
        inner = _inner(tokens)
        return verb, _deed(tokens, inner)[1] if inner else b""
    if verb in QUERIES:
        return _queried(tokens, verb)
    if verb in BEFORE_NAME:
        table = _table(tokens, verb)
        described = verb[:4] == b"DESC" and table.upper() in STATEMENTS  # MySQL's EXPLAIN
        return verb, _deed(tokens, table.upper())[1] if described else table
    return verb, _defined(tokens) if verb in DEFINES else b""


def _queried(tokens: Tokens, verb: bytes) -> tuple[bytes, bytes]:
    query = Query(tokens, verb == b"WITH")
    query.read()
    if query.verb in BEFORE_NAME:
        return query.verb, _table(tokens, query.verb)
    if query.written and not query.table:
        return query.writes, query.written
    return query.verb or verb, query.table or query.nested


def _inner(tokens: Tokens) -> bytes:
    """Go to the statement that is explained, prepared or declared; return its verb, empty if there is none."""
    depth = 0
    while tokens.next() != END:
        if tokens.kind == OPEN:
            depth += 1
        elif tokens.kind == CLOSE:
            depth -= 1
        elif depth == 0 and tokens.kind == WORD and tokens.word() in STATEMENTS:
            return tokens.word()
    return b""


def _table(tokens: Tokens, verb: bytes) -> bytes:
    """Return the name behind a verb."""
    kind = tokens.next()
    while kind == WORD and tokens.stop - tokens.begin <= LONGEST_HOW:
        word = tokens.word()
        if word not in HOW and (word != b"REPLACE" or verb != b"INSERT"):
            break
        kind = tokens.next()
    if kind == OPEN and verb == b"COPY":
        query = Query(tokens, common=False)
        query.read()
        return query.table or query.nested
    if kind == OPEN:  # options
        while kind not in (CLOSE, END):
            kind = tokens.next()
        return _table(tokens, verb) if kind == CLOSE else b""
    return name_at(tokens) if kind in (WORD, NAME) else b""


def _defined(tokens: Tokens) -> bytes:
    """Return the name of the table or view that is defined, or that an index is on."""
    for _ in range(MOST_WORDS):
        kind = tokens.next()
        if kind == WORD and tokens.word() in DEFINED:
            return _table(tokens, b"TABLE")
        if kind in (END, OPEN, SEMICOLON):
            break
    return b""
