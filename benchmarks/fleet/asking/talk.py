"""Talking with a server on loopback over TCP, and with one that answers in HTTP."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

TIMEOUT_SECONDS = 5.0


class Talk:
    """A conversation in lines.

    Args:
        stream: what comes back.
    """

    def __init__(self, one: socket.socket, stream: BinaryIO) -> None:
        self._socket = one
        self._stream = stream

    def say(self, data: bytes) -> None:
        """Send."""
        self._socket.sendall(data)

    def line(self) -> bytes:
        """Return the next line; raises ConnectionError at the end."""
        line = self._stream.readline()
        if not line:
            raise ConnectionError("closed")
        return line

    def some(self) -> bytes:
        """Return what there is; raises ConnectionError at the end."""
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        return data

    def exactly(self, size: int) -> bytes:
        """Return so many bytes."""
        return self._stream.read(size)


@contextmanager
def talking(port: int) -> Iterator[Talk]:
    """Connect to a server on loopback."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with one.makefile("rb") as stream:
            yield Talk(one, stream)


@contextmanager
def requesting(port: int, context: ssl.SSLContext | None = None) -> Iterator[http.client.HTTPConnection]:
    """Connect to an HTTP server on loopback, over TLS where there is a context.

    Raises:
        ConnectionError: it answered in something else.
    """
    host = "127.0.0.1"
    connection = (
        http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        if context is None
        else http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)
    )
    try:
        yield connection
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
