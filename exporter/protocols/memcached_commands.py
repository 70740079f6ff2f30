"""The names of memcached's commands and replies, in text and in binary."""

from dataclasses import dataclass

from exporter.model import Operation

OTHER_COMMAND = Operation("OTHER")

# What follows a text command's name, and so how it is read.
PLAIN, RETRIEVAL, TOUCHING, STORAGE, META, META_STORAGE, SILENT = range(7)


@dataclass(frozen=True, slots=True)
class Command:
    """A text command.

    Attributes:
        form: how its line is read.
        hushed: the replies that a meta command with the `q` flag does not get: those suppressed, and others' own.
    """

    operation: Operation
    form: int
    hushed: frozenset[bytes] = frozenset()


def _commands(form: int, names: str) -> dict[bytes, Command]:
    return {name.encode(): Command(Operation(name), form) for name in names.split()}


def _meta(name: str, form: int, hushed: str) -> dict[bytes, Command]:
    return {name.encode(): Command(Operation(name), form, frozenset(hushed.encode().split()))}


COMMANDS: dict[bytes, Command] = {
    **_commands(RETRIEVAL, "get gets"),
    **_commands(TOUCHING, "gat gats"),
    **_commands(STORAGE, "set add replace append prepend cas"),
    **_commands(PLAIN, "delete incr decr touch stats version verbosity flush_all cache_memlimit slabs lru lru_crawler"),
    **_commands(PLAIN, "watch config auth extstore refresh_certs"),
    **_commands(SILENT, "quit shutdown"),
    **_meta("mg", META, "EN NF NS EX"),
    **_meta("ms", META_STORAGE, "HD VA EN"),
    **_meta("md", META, "HD NF VA EN NS"),
    **_meta("ma", META, "HD NF"),
    **_meta("me", META, ""),
    **_meta("mn", META, ""),
}
OTHER = Command(OTHER_COMMAND, PLAIN)
LONGEST_NAME = max(map(len, COMMANDS))

# What a line of a text reply is: the last one of a reply, one of several, one before data, or nobody's answer.
FINAL, ROW, VALUE, META_VALUE, UNASKED = range(5)


@dataclass(frozen=True, slots=True)
class Line:
    """A kind of line in text replies.

    Attributes:
        place: what it is within a reply.
        status: its first word where the reply ends with it.
        failed: whether it says that the command was refused.
    """

    place: int
    status: str = ""
    failed: bool = False


def _lines(place: int, words: str) -> dict[bytes, Line]:
    return {word.encode(): Line(place) for word in words.split()}


LAST_WORDS = (
    "END STORED NOT_STORED EXISTS NOT_FOUND DELETED TOUCHED OK RESET VERSION BUSY BADCLASS NOSPARE NOTFULL UNSAFE SAME "
    "INLINE HD EN NF NS EX MN ME"
)
LINES: dict[bytes, Line] = {
    **{word.encode(): Line(FINAL, word) for word in LAST_WORDS.split()},
    **{word.encode(): Line(FINAL, word, failed=True) for word in ("ERROR", "CLIENT_ERROR", "SERVER_ERROR")},
    **_lines(ROW, "STAT ITEM PREFIX mg"),
    **_lines(VALUE, "VALUE CONFIG"),
    **_lines(META_VALUE, "VA"),
}
NUMBER = Line(FINAL)  # what a counter became
META_REPLIES = frozenset((b"VA", b"HD", b"EN", b"NF", b"NS", b"EX", b"MN", b"ME"))

REQUEST_MAGIC, RESPONSE_MAGIC = 0x80, 0x81
HEADER_BYTES = 24
STAT = 0x10


@dataclass(frozen=True, slots=True)
class Opcode:
    """A binary command.

    Attributes:
        quiet: whether the dull one of its replies is left out.
        lookup: whether it looks a key up.
    """

    operation: Operation
    quiet: bool = False
    lookup: bool = False


# The names from opcode 0 on, and those of the quiet twins from 0x11 on; a dot is no command.
LOUD_NAMES = (
    "get set add replace delete incr decr quit flush_all . noop version get . append prepend stats . . . . . . . . . . "
    "verbosity touch gat . . sasl sasl sasl gat"
)
QUIET_NAMES = "set add replace delete incr decr quit flush_all append prepend"
QUIET_LOOKUPS = {0x09: "get", 0x0D: "get", 0x1E: "gat", 0x24: "gat"}
LOOKUPS = frozenset(("get", "gat"))
OPCODES: dict[int, Opcode] = {
    **{
        code: Opcode(Operation(name), False, name in LOOKUPS)
        for code, name in enumerate(LOUD_NAMES.split())
        if name != "."
    },
    **{code: Opcode(Operation(name), True) for code, name in enumerate(QUIET_NAMES.split(), 0x11)},
    **{code: Opcode(Operation(name), True, True) for code, name in QUIET_LOOKUPS.items()},
}
OTHER_OPCODE = Opcode(OTHER_COMMAND)

# Statuses of binary replies by the words of the text protocol; the first ones are answers, not failures.
ANSWERS = {0: "", 1: "NOT_FOUND", 2: "EXISTS", 5: "NOT_STORED", 0x21: "AUTH_CONTINUE"}
FAILURES = {
    3: "TOO_LARGE",
    4: "INVALID_ARGUMENTS",
    6: "NON_NUMERIC",
    7: "WRONG_VBUCKET",
    0x20: "AUTH_ERROR",
    0x81: "UNKNOWN_COMMAND",
    0x82: "OUT_OF_MEMORY",
    0x83: "NOT_SUPPORTED",
    0x84: "INTERNAL_ERROR",
    0x85: "BUSY",
    0x86: "TEMPORARY_FAILURE",
}
OTHER_FAILURE = "OTHER"
