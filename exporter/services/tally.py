"""Bytes counted for one party.

Compiled with the types of `tally.pxd`.
"""


class Tally:
    """Bytes of payload received, sent, and sent again; `seen_at`, in seconds, is when it last had a socket or bytes."""

    __slots__ = ("received", "resent", "seen_at", "sent")

    def __init__(self, seen_at: float) -> None:
        self.received = self.sent = self.resent = 0
        self.seen_at = seen_at

    def add(self, other: "Tally") -> None:
        """Add another's bytes."""
        self.received += other.received
        self.sent += other.sent
        self.resent += other.resent
