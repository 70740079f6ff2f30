"""A small HTTP server for metrics and pages: threaded, bounded in every direction, TLS and basic auth by file."""

import contextlib
import logging
import os
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from toolkit import values
from toolkit.access import Bucket, Credentials, Verdict
from toolkit.http1 import MAX_HEAD_BYTES, BadRequestError, Handler, Head, Request, Response, parse_head, render, text
from toolkit.routes import dispatch
from toolkit.values import Address
from toolkit.webconfig import WebConfig
from toolkit.webguard import WebConfigFile
from toolkit.yamlfile import FileError

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

_RECEIVE_BYTES = 16 << 10
_LINGER_SECONDS = 1.0


class ServeError(Exception):
    """The server cannot start; names the address or the file, and the reason."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one server.

    Attributes:
        connections: at once; one more closes the connection that has waited longest for its client.
        request_seconds: from a request's first byte (or the connection's, with TLS) to its last.
        response_seconds: until the client has taken the response.
        idle_seconds: between two requests.
        body_bytes: the longest request body.
    """

    connections: int = 64
    request_seconds: float = 10.0
    response_seconds: float = 30.0
    idle_seconds: float = 120.0
    body_bytes: int = 1 << 20


Counted = Literal["requests", "failed", "unauthorised", "limited", "malformed", "refused", "evicted"]
"""What is counted: `failed` handlers, `refused` for an invalid web.config.file, `evicted` to make room."""


class _ClosedError(Exception):
    """The client disconnected or took too long; there is nobody to answer."""


@dataclass(slots=True, eq=False)
class _Connection:
    """One client: `waiting_since` is None while its request is being answered."""

    sock: socket.socket
    waiting_since: float | None
    received: bytearray = field(default_factory=bytearray)
    config: WebConfig = field(default_factory=WebConfig)


class Server:
    """Serves routes until it is closed; made by `serve`."""

    def __init__(
        self, listener: socket.socket, host: str, routes: Mapping[str, Handler], web: WebConfigFile, limits: Limits
    ) -> None:
        """Start accepting on a socket that listens already."""
        self._listener = listener
        self._routes = routes
        self._web = web
        self._limits = limits
        self._clock: Callable[[], float] = time.monotonic
        self._credentials = Credentials(os.urandom(32))
        self._bucket = Bucket(self._clock)
        self._lock = threading.Lock()
        self._connections: dict[_Connection, threading.Thread] = {}
        self._closing = False
        self._waker, self._wake = socket.socketpair()
        self.address = Address(host, listener.getsockname()[1])
        self._counts: Counter[Counted] = Counter()
        self._acceptor = threading.Thread(target=self._accept, name="web", daemon=True)
        self._acceptor.start()

    @property
    def url(self) -> str:
        """Its URL on this machine, without a trailing slash."""
        scheme = "https" if self._web.last_valid.tls is not None else "http"
        host = "localhost" if self.address.host in ("", "0.0.0.0", "::") else self.address.host  # noqa: S104
        return f"{scheme}://{Address(host, self.address.port)}"

    def counts(self) -> Mapping[Counted, int]:
        """Return how many requests there were since the start, and their outcomes; what never happened is 0."""
        with self._lock:
            return {name: self._counts[name] for name in get_args(Counted)}

    def close(self) -> None:
        """Stop accepting, cut every connection and wait for its thread."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            threads = list(self._connections.values())
            for connection in self._connections:
                _cut(connection.sock)
        self._waker.send(b"x")
        self._acceptor.join()
        for thread in threads:
            thread.join(self._limits.response_seconds)
        for each in (self._listener, self._waker, self._wake):
            each.close()

    def _accept(self) -> None:
        self._listener.setblocking(False)
        while True:
            select.select([self._listener, self._wake], [], [])
            if self._closing:
                return
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                continue
            except OSError as error:  # out of descriptors, or a client that left before it was accepted
                log.warning("connection not accepted", extra={"reason": error.strerror})
                select.select([self._wake], [], [], 0.1)  # do not spin until one is free
                continue
            self._admit(sock)

    def _admit(self, sock: socket.socket) -> None:
        connection = _Connection(sock, self._clock())
        thread = threading.Thread(target=self._converse, args=(connection,), name="web-client", daemon=True)
        with self._lock:
            if self._closing or not self._room():
                self._counts["evicted"] += 1
                sock.close()
                return
            self._connections[connection] = thread
            try:
                thread.start()
            except RuntimeError:  # the system has no more threads
                del self._connections[connection]
                self._counts["evicted"] += 1
                sock.close()

    def _room(self) -> bool:
        """Make room for one more connection; return whether there is."""
        if len(self._connections) < self._limits.connections:
            return True
        waiting = [(each.waiting_since, each) for each in self._connections if each.waiting_since is not None]
        if not waiting:
            return False
        oldest = min(waiting, key=lambda pair: pair[0])[1]
        self._counts["evicted"] += 1
        _cut(oldest.sock)
        del self._connections[oldest]
        return True

    def _converse(self, connection: _Connection) -> None:
        try:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._secure(connection)
            while self._answer_one(connection):
                pass
        except (_ClosedError, OSError):
            pass  # the client's own doing: nobody is left to tell
        finally:
            with self._lock:
                self._connections.pop(connection, None)
            connection.sock.close()

    def _secure(self, connection: _Connection) -> None:
        self._config()  # where it is invalid, each request will be refused, over the last valid TLS
        connection.config = self._web.last_valid
        tls = connection.config.tls
        if tls is None:
            return
        connection.sock.settimeout(self._limits.request_seconds)
        secured = tls.wrap_socket(connection.sock, server_side=True, do_handshake_on_connect=False)
        connection.sock = secured
        secured.do_handshake()
        allowed = connection.config.allowed_names
        if allowed and allowed.isdisjoint(_names(secured)):
            raise _ClosedError

    def _answer_one(self, connection: _Connection) -> bool:
        """Read one request and answer it; return whether another may follow."""
        with self._lock:
            connection.waiting_since = self._clock()
        if not connection.received:
            self._receive(connection, self._clock() + self._limits.idle_seconds)
        try:
            head = self._head(connection)
            request = self._request(connection, head)
        except BadRequestError as error:
            self._count("malformed")
            self._send(connection, text(str(error), error.status), head_only=False, keep_alive=False)
            self._linger(connection)
            return False
        with self._lock:
            connection.waiting_since = None
            self._counts["requests"] += 1
        config = self._config()
        if self._web.last_valid.tls is not connection.config.tls:
            return False  # TLS or its certificate changed under this connection
        response = self._respond(config, request)
        with self._lock:
            connection.waiting_since = self._clock()  # for the client to take it
        self._send(connection, response, head_only=request.method == "HEAD", keep_alive=head.keep_alive)
        return head.keep_alive and not self._closing

    def _head(self, connection: _Connection) -> Head:
        deadline = self._clock() + self._limits.request_seconds
        while (end := connection.received.find(b"\r\n\r\n")) < 0:
            if len(connection.received) > MAX_HEAD_BYTES:
                raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request's head is too long")
            self._receive(connection, deadline)
        head = bytes(connection.received[:end])
        del connection.received[: end + 4]
        return parse_head(head)

    def _request(self, connection: _Connection, head: Head) -> Request:
        if head.body_bytes > self._limits.body_bytes:
            raise BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request's body is too long")
        if not head.body_bytes:
            return head.request
        if head.expects_continue:
            connection.sock.settimeout(self._limits.request_seconds)
            connection.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        deadline = self._clock() + self._limits.request_seconds
        while len(connection.received) < head.body_bytes:
            self._receive(connection, deadline)
        body = bytes(connection.received[: head.body_bytes])
        del connection.received[: head.body_bytes]
        asked = head.request
        return Request(asked.method, asked.path, asked.query, asked.headers, body)

    def _receive(self, connection: _Connection, deadline: float) -> None:
        left = deadline - self._clock()
        if left <= 0:
            raise _ClosedError
        connection.sock.settimeout(left)
        data = connection.sock.recv(_RECEIVE_BYTES)
        if not data:
            raise _ClosedError
        connection.received += data

    def _send(self, connection: _Connection, response: Response, *, head_only: bool, keep_alive: bool) -> None:
        extra = (("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())), *self._web.last_valid.headers)
        connection.sock.settimeout(self._limits.response_seconds)
        connection.sock.sendall(render(response, extra, head_only=head_only, keep_alive=keep_alive))

    def _linger(self, connection: _Connection) -> None:
        """Read what the client still sends: closing with unread bytes would lose the response."""
        socket.socket.shutdown(connection.sock, socket.SHUT_WR)
        deadline = self._clock() + _LINGER_SECONDS
        while True:
            connection.received.clear()
            self._receive(connection, deadline)

    def _config(self) -> WebConfig | None:
        try:
            return self._web.current()
        except FileError:
            return None  # logged where it was read

    def _respond(self, config: WebConfig | None, request: Request) -> Response:
        """Answer a request, or refuse it."""
        if config is None:
            self._count("refused")
            return text("the web configuration is invalid", HTTPStatus.INTERNAL_SERVER_ERROR)
        if not self._bucket.take(config.rate_limit):
            self._count("limited")
            return text("too many requests", HTTPStatus.TOO_MANY_REQUESTS)
        verdict = self._credentials.check(config, request)
        if verdict is not Verdict.ALLOWED:
            self._count("unauthorised")
            return _turned_away(verdict)
        try:
            return dispatch(self._routes, request)
        except Exception:  # the loop of all handlers: one must not end the server
            self._count("failed")
            log.exception("request failed")
            return text("internal error", HTTPStatus.INTERNAL_SERVER_ERROR)

    def _count(self, counter: Counted) -> None:
        with self._lock:
            self._counts[counter] += 1


def serve(
    address: Address | str, routes: Mapping[str, Handler], web_config: Path | None = None, limits: Limits | None = None
) -> Server:
    """Serve `routes` (see `toolkit.routes.dispatch`) in threads of its own.

    Args:
        address: where; no host means every interface, port 0 lets the system choose.
        routes: handlers by path.
        web_config: TLS and basic auth; None serves plainly.
        limits: what clients may cost; None for the defaults.

    Raises:
        ServeError: the address or the file cannot be used.
    """
    try:
        where = values.address(address) if isinstance(address, str) else address
        web = WebConfigFile(web_config)
        listener = _listen(where)
    except (ValueError, FileError) as error:
        raise ServeError(str(error)) from error
    except OSError as error:
        # socket.create_server puts the address into its reason; name resolution has numbers of its own.
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise ServeError(f"{address}: {reason}; --web.listen-address chooses another") from error
    config = web.last_valid
    if not where.loopback and config.tls is None and not config.users:
        log.warning(
            "others on the network can read this: neither TLS nor authentication; see --web.config.file",
            extra={"address": str(where)},
        )
    return Server(listener, where.host, routes, web, limits or Limits())


def _listen(address: Address) -> socket.socket:
    if not address.host:
        if socket.has_dualstack_ipv6():
            # IPv6 can be compiled in and yet switched off: then only IPv4 is left.
            with contextlib.suppress(OSError):
                return socket.create_server(("::", address.port), family=socket.AF_INET6, dualstack_ipv6=True)
        return socket.create_server(("0.0.0.0", address.port))  # noqa: S104  # what no host asks for
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family = found[0][0]
    return socket.create_server((found[0][4][0], address.port), family=family)


def _turned_away(verdict: Verdict) -> Response:
    if verdict is Verdict.BUSY:
        return text("too many passwords to check", HTTPStatus.SERVICE_UNAVAILABLE)
    refusal = text("unauthorized", HTTPStatus.UNAUTHORIZED)
    challenge = (("WWW-Authenticate", 'Basic realm="larimar"'),)
    return Response(refusal.body, status=refusal.status, headers=challenge)


def _names(sock: "ssl.SSLSocket") -> set[str]:
    """Return the subject alternative names of the client's certificate."""
    certificate = sock.getpeercert() or {}
    return {str(entry[-1]) for entry in certificate.get("subjectAltName", ()) if isinstance(entry, tuple)}


def _cut(sock: socket.socket) -> None:
    """Wake the thread that waits on the socket; not SSLSocket's own shutdown, which would drop the encryption."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
