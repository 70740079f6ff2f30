"""HTTP/1.1 as a server needs it, without I/O: request heads in, response bytes out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

MAX_HEAD_BYTES = 32 << 10  # Go's default is 1 MiB, nginx's 32 KiB in all
_MAX_QUERY_FIELDS = 1000  # name[] may be repeated for every metric
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) (\S+) HTTP/1\.([01])")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DIGITS = re.compile(r"[0-9]{1,12}")


class BadRequestError(Exception):
    """A request that cannot be served; `status` says why, the message never quotes it."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for.

    Attributes:
        method: as sent, such as `GET`.
        path: percent-decoded, begins with a slash.
        query: each name's values in their order.
        headers: by lower-case name; repeated ones are joined by a comma.
        body: empty where there was none.
    """

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """What a handler answers.

    Attributes:
        body: all of it.
        content_type: of the body.
        status: the HTTP status.
        headers: further ones, as name and value.
    """

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Request], Response]


@dataclass(frozen=True, slots=True)
class Head:
    """A request's head.

    Attributes:
        request: without its body.
        body_bytes: how long the body is that follows.
        keep_alive: whether the client may send another request on this connection.
        expects_continue: whether it waits for `100 Continue` before it sends the body.
    """

    request: Request
    body_bytes: int
    keep_alive: bool
    expects_continue: bool


def text(message: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return a plain text response of one line."""
    return Response(f"{message}\n".encode(), status=status)


def parse_head(head: bytes) -> Head:
    """Read a request line and headers, without the empty line that ends them.

    Raises:
        BadRequestError: the bytes are not an HTTP/1 request, or one of a kind that is not supported.
    """
    first, *lines = head.split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "not an HTTP/1 request")
    headers = _headers(lines)
    if "transfer-encoding" in headers:
        raise BadRequestError(HTTPStatus.LENGTH_REQUIRED, "a body needs a Content-Length")
    length = headers.get("content-length", "0")
    if not _DIGITS.fullmatch(length):
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "Content-Length is not a number")
    if match[3] == b"1" and "host" not in headers:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "no Host header")
    path, query = _target(match[2])
    connection = {part.strip().lower() for part in headers.get("connection", "").split(",")}
    keep_alive = "close" not in connection and (match[3] == b"1" or "keep-alive" in connection)
    expects = headers.get("expect", "").lower() == "100-continue"
    return Head(Request(match[1].decode(), path, query, headers), int(length), keep_alive, expects)


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, separator, value = line.partition(b":")
        if not separator or not _TOKEN.fullmatch(name):
            raise BadRequestError(HTTPStatus.BAD_REQUEST, "malformed header")
        key, content = name.decode().lower(), value.strip(b" \t").decode("latin-1")
        if _CONTROL.search(content):
            raise BadRequestError(HTTPStatus.BAD_REQUEST, "control character in a header")
        headers[key] = f"{headers[key]}, {content}" if key in headers else content
    return headers


def _target(target: bytes) -> tuple[str, dict[str, tuple[str, ...]]]:
    try:
        parts = urlsplit(target.decode("ascii"))
        query = parse_qs(parts.query, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError as error:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "malformed request target") from error
    path = unquote(parts.path) or "/"
    if not path.startswith("/"):
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "malformed request target")
    return path, {name: tuple(values) for name, values in query.items()}


def render(response: Response, extra: tuple[tuple[str, str], ...], *, head_only: bool, keep_alive: bool) -> bytes:
    """Return a response's bytes.

    Args:
        response: what to send.
        extra: headers that the server adds.
        head_only: whether the body is left out, as after HEAD.
        keep_alive: whether the connection stays open.
    """
    lines = [
        f"HTTP/1.1 {response.status.value} {response.status.phrase}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        *(f"{name}: {value}" for name, value in (*response.headers, *extra)),
        *(() if keep_alive else ("Connection: close",)),
    ]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if head_only else head + response.body


def accepts(header: str, coding: str) -> bool:
    """Return whether an Accept-Encoding header allows a coding."""
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name == coding:
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False
