"""Builders of exchanges and flows for the tests of services and collectors."""

from exporter.model import Endpoint, Exchange, Flow, Kind, Message, Operation
from exporter.protocols.base import Family

MILLISECOND = 1_000_000
FAMILIES = {"http": Family.HTTP, "redis": Family.DATABASE, "amqp": Family.MESSAGING, "unknown": Family.GUESSED}


def exchange(
    name: str = "GET",
    status: str = "200",
    failed: bool = False,
    milliseconds: float = 1.0,
    target: str = "",
    trace: bytes = b"",
) -> Exchange:
    """A request of 100 bytes and its response of 1,000."""
    end = round(milliseconds * MILLISECOND)
    return Exchange(
        Message(Kind.REQUEST, 0, 0, 100, Operation(name, target), trace=trace),
        Message(Kind.RESPONSE, end, end, 1000, status=status, failed=failed),
    )


def unanswered() -> Exchange:
    """A request that no response came to."""
    return Exchange(Message(Kind.REQUEST, 0, 0, 100, Operation("GET")), None)


def pushed(name: str) -> Exchange:
    """A message that asks and answers nothing."""
    return Exchange(Message(Kind.PUSH, 0, 0, 100, Operation(name)), None)


def response_only() -> Exchange:
    """A response whose request went by unseen."""
    return Exchange(None, Message(Kind.RESPONSE, 5, 5, 1000, status="500", failed=True))


def flow(client: str = "127.0.0.1:40000", server: str = "127.0.0.1:8000") -> Flow:
    """A TCP connection between two IPv4 endpoints."""
    return Flow(endpoint(client), endpoint(server), "tcp", True)


def endpoint(text: str) -> Endpoint:
    """Read `address:port`."""
    address, _, port = text.rpartition(":")
    return Endpoint(address, int(port))
