"""Where a direction of an HTTP/1 connection is within its messages; compiled modules copy the numbers."""

# A direction's state. BODY is one of known length, LOST lasts until a segment begins with a start line.
HEAD, BODY, CHUNK_LINE, CHUNK, TRAILER, UNTIL_CLOSE, LOST = range(7)
# What a request means for its response's body.
ASKED_PLAIN, ASKED_HEAD, ASKED_CONNECT = range(3)
