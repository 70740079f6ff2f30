"""What is known of one stream of HTTP/2, and the operations of HTTP and gRPC."""

from functools import lru_cache

from exporter.model import UNKNOWN_OPERATION, Change, Nanoseconds, Operation
from exporter.protocols.bodies import CHANGING, MAX_BODY_BYTES, NO_BODY, changes_of, kind_of_type
from exporter.protocols.http2_headers import Headers
from exporter.protocols.http_head import operation_of
from exporter.protocols.trace import traced

GRPC = b"application/grpc"
LONGEST_GRPC_PATH = 200
GRPC_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")
OTHER = Operation("OTHER")
CACHED_OPERATIONS = 1024
GRPC_STATUSES = {str(code).encode(): str(code) for code in range(17)}
UNSEEN_FAILURE, UNNAMED = b"?", "?"  # a status of which it is only known that it is not 0
ERROR_NAMES = (
    "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR "
    "REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED"
)
ERRORS = tuple(ERROR_NAMES.split())


class Stream:
    """One stream's state.

    Attributes:
        asked: whether the request's beginning was seen.
        emitted: whether the request was handed on.
        status: the response's HTTP status, 0 while there is none.
        told_last_at: when the last frame of the answer that was seen was captured.
        torn: whether frames of the answer may have been lost, its end among them.
        grpc: whether either side says that it is gRPC.
        grpc_status: as the trailers say; empty before.
        trace: which the request belongs to; empty if it does not say.
        kind, body: of the request, as long as it is one that can be read.
    """

    __slots__ = (
        "answered",
        "asked",
        "asked_last_at",
        "asked_size",
        "body",
        "emitted",
        "first_at",
        "grpc",
        "grpc_status",
        "kind",
        "operation",
        "status",
        "told_first_at",
        "told_last_at",
        "told_size",
        "torn",
        "trace",
    )

    def __init__(self, first_at: Nanoseconds, asked: bool) -> None:
        self.first_at = first_at
        self.asked = asked
        self.asked_last_at = first_at
        self.asked_size = 0
        self.emitted = not asked
        self.operation = UNKNOWN_OPERATION
        self.answered = False
        self.status = 0
        self.grpc = False
        self.grpc_status = ""
        self.told_first_at: Nanoseconds = 0
        self.told_last_at: Nanoseconds = 0
        self.torn = False
        self.told_size = 0
        self.trace = b""
        self.kind = NO_BODY
        self.body = b""

    def ask(self, headers: Headers, all_grpc: bool) -> None:
        """Take the request's headers; with `all_grpc` calls are taken for gRPC's unless they say otherwise."""
        self.trace = traced(headers.traceparent) if headers.traceparent else b""
        self.grpc = headers.content_type.startswith(GRPC) or (all_grpc and not headers.content_type)
        if self.grpc and all_grpc:
            self.operation = grpc_operation(headers.path) if headers.path else UNKNOWN_OPERATION
        elif headers.method:
            self.operation = operation_of(headers.method, headers.path)
            if headers.method in CHANGING:
                self.kind = kind_of_type(headers.content_type.partition(b";")[0].strip().lower())

    def keep(self, data: bytes) -> None:
        """Keep a part of the request's body; one that gets too long is left alone."""
        self.body += data
        if len(self.body) > MAX_BODY_BYTES:
            self.leave()

    def leave(self) -> None:
        """Forget the request's body."""
        self.kind, self.body = NO_BODY, b""

    def changes(self) -> tuple[Change, ...]:
        """Return what the request's body says that it changes, and forget it."""
        changes = changes_of(self.kind, self.body, self.operation) if self.body else ()
        self.leave()
        return changes

    def tell(self, headers: Headers, first_at: Nanoseconds) -> bool:
        """Take the response's headers or trailers; return whether the response has begun, an interim one being none."""
        status = int(headers.status) if len(headers.status) == 3 and headers.status.isdigit() else 0
        if 100 <= status < 200:
            return False
        if not self.answered:
            self.answered = True
            self.told_first_at = first_at
            self.status = status
        self.grpc = self.grpc or headers.content_type.startswith(GRPC) or bool(headers.grpc_status)
        if headers.grpc_status == UNSEEN_FAILURE:
            self.grpc_status = UNNAMED
        elif headers.grpc_status:
            self.grpc_status = GRPC_STATUSES.get(headers.grpc_status, "2")  # what is no code means UNKNOWN
        return True

    def outcome(self, all_grpc: bool) -> str:
        """Return the response's own code: gRPC's where all is gRPC's, else HTTP's."""
        if self.grpc and all_grpc:
            return "" if self.grpc_status == UNNAMED else self.grpc_status
        return str(self.status) if self.status else ""

    def failed(self) -> bool:
        """Return whether the response says that the request failed."""
        return self.status >= 400 or self.grpc_status not in ("", "0")


@lru_cache(CACHED_OPERATIONS)
def grpc_operation(path: bytes) -> Operation:
    """Return the service and method that a path names; anything else is `OTHER`."""
    parts = path.split(b"/")
    named = len(parts) == 3 and not parts[0] and all(part and GRPC_NAME.issuperset(part) for part in parts[1:])
    return Operation(path.decode("ascii")) if named and len(path) <= LONGEST_GRPC_PATH else OTHER


def error_name(code: int) -> str:
    """Return the name of a reset's error code."""
    return ERRORS[code] if code < len(ERRORS) else "UNKNOWN"
