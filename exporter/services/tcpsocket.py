"""One TCP socket, as the kernel last told of it.

Compiled with the types of `tcpsocket.pxd`.
"""

from exporter.services.tally import Tally


class TcpSocket:
    """A socket and what was counted of it so far.

    Attributes:
        cookie: a number of its own.
        inode: its file, 0 before it is accepted; one that was known once is kept.
        uid: who created it.
        family, state: numbers of the kernel (include/net/tcp_states.h).
        local, remote: the octets of its ends, 16 of each.
        local_port, remote_port: in host order.
        received, sent, resent: bytes of payload since it was opened; `sent` counts what was sent again once. 0 where
            the kernel does not tell, as the next two.
        rtt_us: the smoothed round trip in microseconds.
        delivery_rate: bytes per second that last reached the peer.
        round: the number of the reading that told of it.
        tally: where its bytes are counted, None as long as that is not known.
        counted_received, counted_sent, counted_resent: what was counted of it.
        first_at: when it was first seen, in seconds.
        ended: whether all of it was counted.
    """

    __slots__ = (
        "cookie",
        "counted_received",
        "counted_resent",
        "counted_sent",
        "delivery_rate",
        "ended",
        "family",
        "first_at",
        "inode",
        "local",
        "local_port",
        "received",
        "remote",
        "remote_port",
        "resent",
        "round",
        "rtt_us",
        "sent",
        "state",
        "tally",
        "uid",
    )

    def __init__(self, cookie: int) -> None:
        self.cookie = cookie
        self.inode = self.uid = self.family = self.state = self.local_port = self.remote_port = 0
        self.local = self.remote = b""
        self.received = self.sent = self.resent = self.rtt_us = self.delivery_rate = self.round = 0
        self.counted_received = self.counted_sent = self.counted_resent = 0
        self.tally: Tally | None = None
        self.first_at = 0.0
        self.ended = False

    def begin_counting(self) -> None:
        """Count from here on."""
        self.counted_received, self.counted_sent, self.counted_resent = self.received, self.sent, self.resent

    def count(self) -> None:
        """Add to the tally what was not counted yet; nothing becomes less."""
        tally = self.tally
        if tally is None:
            return
        if self.received > self.counted_received:
            tally.received += self.received - self.counted_received
            self.counted_received = self.received
        if self.sent > self.counted_sent:
            tally.sent += self.sent - self.counted_sent
            self.counted_sent = self.sent
        if self.resent > self.counted_resent:
            tally.resent += self.resent - self.counted_resent
            self.counted_resent = self.resent
