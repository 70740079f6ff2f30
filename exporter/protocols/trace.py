"""The trace that a request belongs to.

Source: W3C Trace Context, https://www.w3.org/TR/trace-context/
"""

import re

TRACE_BYTES = 32
TRACED = b"raceparent:"  # the name of the field in any head that has it, whatever case it begins with
# Version, trace, span and flags; later versions may add to it. A trace that was not sampled is nowhere to be found.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32}-[0-9a-f]{16})-[0-9a-f][13579bdf](?![0-9a-f])")
_ABSENT = (b"0" * TRACE_BYTES, b"-" + b"0" * 16)


def traced(value: bytes) -> bytes:
    """Return the trace and the span, a `-` between them, of a `traceparent` that was sampled; else nothing."""
    match = _TRACEPARENT.match(value)
    if match is None or match[1].startswith(_ABSENT[0]) or match[1].endswith(_ABSENT[1]):
        return b""
    return match[1]


def trace_of(head: bytes) -> bytes:
    """Return the same of a request's head of HTTP/1."""
    at = head.find(TRACED)
    if at < 2 or head[at - 2 : at].lower() != b"\nt":
        return b""
    return traced(head[at + len(TRACED) : at + 90].lstrip(b" \t"))
