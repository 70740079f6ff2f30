"""The pieces that MySQL's packets are made of.

Source: https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html, https://mariadb.com/kb/en/clientserver-protocol/
"""

from exporter.model import Operation

HEADER_BYTES = 4
LARGEST = 0xFFFFFF  # a payload of this length goes on in the next packet

# First bytes of the client's packets.
QUIT, INIT_DB, QUERY, FIELD_LIST = 0x01, 0x02, 0x03, 0x04
STATISTICS, PROCESS_INFO, CHANGE_USER, BINLOG_DUMP = 0x09, 0x0A, 0x11, 0x12
STMT_PREPARE, STMT_EXECUTE, STMT_SEND_LONG_DATA, STMT_CLOSE, STMT_FETCH = 0x16, 0x17, 0x18, 0x19, 0x1C
BINLOG_DUMP_GTID, STMT_BULK_EXECUTE = 0x1E, 0xFA
NAMES = {
    0x02: "COM_INIT_DB",
    0x03: "COM_QUERY",
    0x04: "COM_FIELD_LIST",
    0x05: "COM_CREATE_DB",
    0x06: "COM_DROP_DB",
    0x07: "COM_REFRESH",
    0x08: "COM_SHUTDOWN",
    0x09: "COM_STATISTICS",
    0x0A: "COM_PROCESS_INFO",
    0x0C: "COM_PROCESS_KILL",
    0x0D: "COM_DEBUG",
    0x0E: "COM_PING",
    0x11: "COM_CHANGE_USER",
    0x12: "COM_BINLOG_DUMP",
    0x13: "COM_TABLE_DUMP",
    0x15: "COM_REGISTER_SLAVE",
    0x16: "COM_STMT_PREPARE",
    0x1A: "COM_STMT_RESET",
    0x1B: "COM_SET_OPTION",
    0x1C: "COM_STMT_FETCH",
    0x1E: "COM_BINLOG_DUMP_GTID",
    0x1F: "COM_RESET_CONNECTION",
}
OPERATIONS = {code: Operation(name) for code, name in NAMES.items()}
OTHER = Operation("OTHER")
SILENT = frozenset((QUIT, STMT_SEND_LONG_DATA, STMT_CLOSE))  # the server answers them with nothing
EXECUTIONS = frozenset((STMT_EXECUTE, STMT_BULK_EXECUTE))
COMMANDS = NAMES.keys() | SILENT | EXECUTIONS
# Commands that are one byte, and those of a known length.
LENGTHS = {**dict.fromkeys((0x01, 0x08, 0x09, 0x0A, 0x0D, 0x0E, 0x1F), 1), 0x19: 5, 0x1A: 5, 0x1B: 3, 0x1C: 9, 0x0C: 5}

# First bytes of the server's packets.
OK, MORE_DATA, GREETING, OLD_GREETING, INFILE, END, ERROR = 0x00, 0x01, 0x0A, 0x09, 0xFB, 0xFE, 0xFF
MORE_RESULTS = 0x0008  # status flag
PROGRESS = 0xFFFF  # MariaDB's error code of what is no error but a report of progress

# What the client asks for when it logs in.
COMPRESS, PROTOCOL_41, SSL, ZSTD = 1 << 5, 1 << 9, 1 << 11, 1 << 26
DEPRECATE_EOF, QUERY_ATTRIBUTES = 1 << 24, 1 << 27

FIXED_SIZES = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 6: 0, 8: 8, 9: 4, 13: 2}  # of values in binary, by type
TIMES = frozenset((7, 10, 11, 12))


def number(data: bytes, at: int) -> tuple[int, int]:
    """Return the length-encoded number at `at` and where it ends, -1 for either if it is not whole."""
    if at >= len(data):
        return -1, -1
    first = data[at]
    if first < 0xFB:
        return first, at + 1
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first, 0)
    if not size or at + 1 + size > len(data):
        return -1, -1
    return int.from_bytes(data[at + 1 : at + 1 + size], "little"), at + 1 + size


def ended(payload: bytes, length: int) -> int:
    """Return the status flags of a packet that ends a result: an EOF of 5 bytes, or an OK."""
    if length <= 5:
        return int.from_bytes(payload[3:5], "little")
    _, at = number(payload, 1)
    if at > 0:
        _, at = number(payload, at)
    return int.from_bytes(payload[at : at + 2], "little") if at > 0 else 0


def statement(body: bytes, attributed: bool | None) -> bytes:
    """Return the text of a query; attributes may stand before it.

    Args:
        attributed: whether they do; None if the login that agreed on it was not seen.
    """
    if attributed is False or (attributed is None and body[:2] != b"\0\1"):
        return body
    count, at = number(body, 0)
    _, at = number(body, at) if at > 0 else (0, -1)
    if at < 0:
        return b""
    return body[at:] if not count else _behind_attributes(body, at, count)


def _behind_attributes(body: bytes, at: int, count: int) -> bytes:
    absent = body[at : at + (count + 7) // 8]
    at += len(absent) + 1
    kinds = []
    for _ in range(min(count, 64)):
        kinds.append(int.from_bytes(body[at : at + 2], "little") & 0xFF)
        size, at = number(body, at + 2)
        if at < 0:
            return b""
        at += size
    for index, kind in enumerate(kinds):
        if index // 8 < len(absent) and absent[index // 8] >> index % 8 & 1:
            continue
        size = FIXED_SIZES.get(kind, -1)
        if size < 0:
            size, at = number(body, at)
            if at < 0:
                return b""
        at += size
    return body[at:]
