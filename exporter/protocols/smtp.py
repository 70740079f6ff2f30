"""SMTP (RFC 5321) with its extensions, and LMTP: a command is a request, `DATA` together with its message."""

from collections.abc import Sequence

from exporter.model import Direction, Message, Nanoseconds
from exporter.protocols.base import Family, ProtocolSpec, unmeasured
from exporter.protocols.framed import SidedParser
from exporter.protocols.smtp_commands import Commands
from exporter.protocols.smtp_match import match
from exporter.protocols.smtp_replies import Replies
from exporter.protocols.smtp_session import SmtpSession


class SmtpParser:
    """One connection's state."""

    __slots__ = ("_inner", "_session")

    def __init__(self) -> None:
        self._session = SmtpSession()
        self._inner = SidedParser(Commands(self._session), Replies(self._session))

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        return self._inner.feed(direction, data, at)

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        return self._inner.gap(direction, size_bytes, at)

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of a chunk of known length."""
        return self._inner.skippable(direction)

    def left(self) -> bytes | None:
        """Return nothing but that it is over once the server agreed to encryption, None before."""
        return b"" if self._session.secured else None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return the command whose message was cut short."""
        out: list[Message] = []
        self._session.release(0, at, out)
        return out


SPEC = ProtocolSpec(
    *("smtp", frozenset({25, 24, 465, 587, 1025, 2525}), match, SmtpParser, Family.MESSAGING),
    heads_tell=True,
    trains=unmeasured,
)
