"""The entries of a BPF ring buffer, each of which holds one packet; compiled where possible.

An entry is a word of the kernel's that says how long it is and whether it is still being written, four bytes of no use
here, then what `sources.ebpf.ringprogram` writes: when, in nanoseconds of the monotonic clock, how long the packet was
when it was sent, how much of it was copied, and that much of it. The next entry begins at a multiple of eight bytes.

Source: Linux, kernel/bpf/ringbuf.c, `struct bpf_ringbuf_hdr`.
"""

import cython

if not cython.compiled:
    from exporter.net.octets import acquire, little32

STAMP, SENT, COPIED, PACKET = 8, 16, 20, 24  # places in an entry
BUSY, DISCARDED = 1 << 31, 1 << 30  # bits of its first word
LENGTH = DISCARDED - 1


def size_of(word: int) -> int:
    """Return how long an entry with this first word is, with all that is before the next."""
    return ((word & LENGTH) + 15) & ~7


def length_of(view: memoryview, at: int) -> int:
    """Return how long the entry at a place is, with all that is before the next; 0 while it is being written."""
    word = little32(view, at)
    return 0 if word & BUSY else size_of(word)


def survey(view: memoryview, at: int, end: int) -> tuple[int, int, int, int]:
    """Go through the whole entries from `at` on that are written.

    Returns:
        Where the rest begins, how many packets those are, and the times of the first and the last of them, nanoseconds.
    """
    number = first = last = 0
    while at + PACKET <= end:
        word = little32(view, at)
        following = at + size_of(word)
        if word & BUSY or following > end:
            break
        acquire()
        if not word & DISCARDED:
            last = stamp(view, at)
            number += 1
            if number == 1:
                first = last
        at = following
    return at, number, first, last


def moment(view: memoryview, at: int, end: int, number: int) -> int:
    """Return the time of the packet of a number, from 0 on, of the entries from `at` on; 0 where there is none."""
    while at + PACKET <= end:
        word = little32(view, at)
        if not word & DISCARDED:
            if number == 0:
                return stamp(view, at)
            number -= 1
        at += size_of(word)
    return 0


def stamp(view: memoryview, at: int) -> int:
    """Return the time of the entry at a place."""
    return little32(view, at + STAMP) | little32(view, at + STAMP + 4) << 32
