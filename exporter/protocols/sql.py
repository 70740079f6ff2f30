"""What a SQL statement does: its first verb, from a list that does not grow with what is asked."""

from exporter.model import Operation

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

SPACE = b" \t\r\n\f\v"
# A verb stands at the beginning, behind comments at most; what is longer is not looked through.
LOOKED_AT_BYTES = 2048
LONGEST_VERB = max(map(len, OPERATIONS))
LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"


def operation_of(statement: bytes) -> Operation:
    """Return the first verb of a statement, or of several; `EMPTY` if there is none, `OTHER` if it is not known.

    Comments, opening parentheses and empty statements before it are passed over.
    """
    rest = statement[:LOOKED_AT_BYTES].lstrip(SPACE + b"(;")
    while rest[:2] in (b"--", b"/*"):
        rest = _behind_comment(rest).lstrip(SPACE + b"(;")
    if not rest:
        return EMPTY
    word = rest[: LONGEST_VERB + 1]
    return OPERATIONS.get(word[: len(word) - len(word.lstrip(LETTERS))].upper(), OTHER)


def _behind_comment(text: bytes) -> bytes:
    if text[:2] == b"--":
        return text.partition(b"\n")[2]
    depth, position = 1, 2  # PostgreSQL's comments nest
    while depth:
        end = text.find(b"*/", position)
        if end < 0:
            return b""
        begin = text.find(b"/*", position, end)
        depth += 1 if begin >= 0 else -1
        position = (begin if begin >= 0 else end) + 2
    return text[position:]
