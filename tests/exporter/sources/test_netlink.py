"""Asking the kernel again after it failed to answer; the test is the kernel, at the other end of a pair of sockets."""

import socket
import struct

import pytest

from exporter.sources.netlink import DiagSockets

DONE = struct.pack("=IHHIIi", 20, 3, 0, 1, 0, 0)
QUESTIONS = 3


class Kernel:
    """Gives channels; each answers every question before it is asked."""

    def __init__(self) -> None:
        self.refuses = False
        self.ends: list[socket.socket] = []

    def open(self) -> socket.socket:
        if self.refuses:
            raise OSError(24, "too many open files")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.settimeout(0.05)
        self.ends.append(theirs)
        return ours

    def answer(self, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self.ends[-1].send(datagram)

    def close(self) -> None:
        for end in self.ends:
            end.close()


def test_after_a_failure_a_new_channel_is_asked_also_where_it_could_not_be_had_at_once() -> None:
    kernel = Kernel()
    sockets = DiagSockets(kernel.open)
    with pytest.raises(TimeoutError):
        sockets.read()
    kernel.refuses = True
    with pytest.raises(OSError, match="too many open files"):
        sockets.read()
    kernel.refuses = False
    with pytest.raises(TimeoutError):
        sockets.read()

    assert len(kernel.ends) == 2
    sockets.close()
    kernel.close()


def test_what_is_left_of_a_broken_answer_is_not_the_next_ones() -> None:
    kernel = Kernel()
    sockets = DiagSockets(kernel.open)
    kernel.answer(b"no netlink message", *[DONE] * 9)
    with pytest.raises(ValueError, match="message of type"):
        sockets.read()
    first = kernel.ends[0]

    with pytest.raises(TimeoutError):
        sockets.read()
    assert len(kernel.ends) == 2
    first.close()
    sockets.close()
    kernel.close()


def test_an_answer_without_sockets_is_none() -> None:
    kernel = Kernel()
    sockets = DiagSockets(kernel.open)
    kernel.answer(*[DONE] * QUESTIONS)

    assert sockets.read().sockets == {}
    sockets.close()
    kernel.close()


def refusal(code: int) -> bytes:
    return struct.pack("=IHHIIi16x", 36, 2, 0, 1, 0, -code)


@pytest.mark.parametrize(
    ("answers", "tells_unix", "tells_drops"),
    [
        ((DONE, DONE, DONE), True, True),
        ((DONE, DONE, refusal(2)), True, True),  # no IPv6
        ((DONE, refusal(2), refusal(2)), True, False),
        ((refusal(2), DONE, DONE), False, True),
    ],
)
def test_what_the_kernel_refuses_to_tell_is_known(
    answers: tuple[bytes, ...], tells_unix: bool, tells_drops: bool
) -> None:
    kernel = Kernel()
    sockets = DiagSockets(kernel.open)
    kernel.answer(*answers)
    others = sockets.others()

    assert (others.tells_unix, others.tells_drops) == (tells_unix, tells_drops)
    sockets.close()
    kernel.close()
