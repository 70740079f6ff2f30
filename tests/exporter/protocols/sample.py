"""What a sample of a protocol is; the samples themselves are in `samples.py` and the files that it gathers."""

from dataclasses import dataclass

from tests.exporter.protocols.conversing import Step

SECRET = b"s3cr3t-Zw9"


@dataclass(frozen=True, slots=True)
class Sample:
    """A connection seen whole.

    Attributes:
        name: what is particular about it.
        steps: its bytes; the first one tells the protocol by itself, or together with the second.
        requests: the operations it makes, in order.
        opening: how many steps belong to the session's start, without which it is joined in its midst.
        tells_sides: whether the bytes tell the client from the server.
        opening_requests: how many of the requests the opening makes.
    """

    name: str
    steps: tuple[Step, ...]
    requests: tuple[str, ...]
    opening: int = 0
    tells_sides: bool = True
    opening_requests: int = 0
