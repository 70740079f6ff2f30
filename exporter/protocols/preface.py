"""What a proxy says of a connection before it passes the connection's own bytes on: the PROXY protocol.

Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, versions 1 and 2.
"""

TEXT, BINARY = b"PROXY ", b"\r\n\r\n\x00\r\nQUIT\n"
LONGEST_TEXT = 107
BINARY_HEAD_BYTES = 16
MAX_BINARY_BYTES = 2048  # of addresses and what is told beside them
FAMILIES = (b"TCP4 ", b"TCP6 ", b"UNKNOWN")
# Beyond these lengths of a beginning it is told whether there is one.
TELLING_BYTES = len(BINARY)


def preface_size(head: bytes) -> int:
    """Return the length of the preface that bytes begin with; 0 without one, -1 if more bytes are needed."""
    if head.startswith(TEXT):
        return _text_size(head)
    if head.startswith(BINARY):
        if len(head) < BINARY_HEAD_BYTES:
            return -1
        size = BINARY_HEAD_BYTES + (head[14] << 8 | head[15])
        if head[12] >> 4 != 2 or size > MAX_BINARY_BYTES:
            return 0
        return size if len(head) >= size else -1
    begun = len(head) < TELLING_BYTES and (TEXT.startswith(head) or BINARY.startswith(head))
    return -1 if begun else 0


def _text_size(head: bytes) -> int:
    end = head.find(b"\r\n", 0, LONGEST_TEXT)
    if end >= 0:
        return end + 2 if head[len(TEXT) :].startswith(FAMILIES) else 0
    behind = head[len(TEXT) : len(TEXT) + 7]
    fits = len(head) < LONGEST_TEXT and any(family.startswith(behind[: len(family)]) for family in FAMILIES)
    return -1 if fits else 0
