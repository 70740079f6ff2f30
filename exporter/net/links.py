"""Finds the network layer behind the rarer link layers; plain Python, since nobody captures them at high rates.

Source: tcpdump.org/linktypes; IEEE 802.11-2020, 9.2 and 9.3; radiotap.org; RFC 2684; Linux, nfnetlink_log.h; OpenBSD,
if_pflog.h.
"""

from exporter.net.layout import ETHERTYPE, IPV4, IPV6, OTHER, TRUNCATED, UNKNOWN_LINK

# The link types that `Frame` reads, by itself or with what is here.
LINKS = frozenset(
    {0, 1, 9, 10, 11, 12, 14, 50, 51, 101, 104, 105, 108, 109, 113, 117, 127, 204, 226, 228, 229, 239, 276}
)
POINT_TO_POINT = ETHERTYPE | 0x880B
POINT_TO_POINT_ETHERNET = ETHERTYPE | 0x8864
FDDI_BYTES = 13
ENC_BYTES = 12
IPNET_BYTES = 24
NFLOG_PAYLOAD = 9
# 802.11's frame control, as it is sent.
DATA_TYPE, NO_DATA, QUALITY = 0x08, 0x40, 0x80
TO_SYSTEM, FROM_SYSTEM, PROTECTED, ORDERED = 0x01, 0x02, 0x40, 0x80
AGGREGATED = 0x80  # of the quality field: several packets in one frame
RADIOTAP_TIME, RADIOTAP_FLAGS, RADIOTAP_MORE = 1, 2, 0x80  # the last in the highest byte of a word
RADIOTAP_PADDED = 0x20
MAX_RADIOTAP_WORDS = 8


class Behind:
    """What follows a link layer's header: what it is, or a verdict, and where."""

    __slots__ = ("kind", "position")

    def __init__(self, kind: int, position: int) -> None:
        self.kind = kind
        self.position = position


def behind(memory: memoryview, link: int, at: int, end: int) -> Behind:
    """Return what follows the header of the frame from `at` to `end`; never raises.

    Args:
        link: the LINKTYPE_ of the capture formats.
    """
    frame = bytes(memory[at:end])
    try:
        found = _look(frame, link)
    except IndexError:
        return Behind(TRUNCATED, at)
    return Behind(found.kind, at + found.position)


def _look(frame: bytes, link: int) -> Behind:
    if link == 105:
        return _wireless(frame, 0, 1)
    if link == 127:
        return _radiotap(frame)
    if link == 51:
        return Behind(POINT_TO_POINT_ETHERNET, 0)
    if link == 204:  # a byte for the direction
        return Behind(POINT_TO_POINT, 1)
    if link in (10, 11):  # FDDI, and RFC 1483 over ATM
        return _logical(frame, FDDI_BYTES if link == 10 else 0)
    return _firewall(frame, link)


def _firewall(frame: bytes, link: int) -> Behind:
    if link == 109:
        return _version(frame, ENC_BYTES)
    if link == 226:
        return _version(frame, IPNET_BYTES)
    if link == 117:  # pflog: its length without the padding to a whole word comes first
        return _version(frame, (frame[0] + 3) & ~3)
    return _logged(frame) if link == 239 else Behind(UNKNOWN_LINK, 0)


def _version(frame: bytes, at: int) -> Behind:
    version = frame[at] >> 4
    if version == 4:
        return Behind(IPV4, at)
    return Behind(IPV6 if version == 6 else OTHER, at)


def _logical(frame: bytes, at: int) -> Behind:
    """Pass a logical link control header with a protocol in the subnetwork's (SNAP)."""
    kind = frame[at + 6] << 8 | frame[at + 7]
    if frame[at : at + 2] != b"\xaa\xaa" or kind < 0x600:
        return Behind(OTHER, at)
    return Behind(ETHERTYPE | kind, at + 8)


def _logged(frame: bytes) -> Behind:
    """Find the packet among the fields that Linux's firewall logs with it."""
    at = 4
    while True:
        size = frame[at] | frame[at + 1] << 8
        kind = frame[at + 2] | frame[at + 3] << 8
        if kind & 0x7FFF == NFLOG_PAYLOAD:
            return _version(frame, at + 4)
        if size < 4:
            return Behind(OTHER, at)
        at += (size + 3) & ~3


def _radiotap(frame: bytes) -> Behind:
    size = frame[2] | frame[3] << 8
    fields = frame[4]
    at = 8
    while frame[at - 1] & RADIOTAP_MORE and at <= 4 * MAX_RADIOTAP_WORDS:
        at += 4
    if fields & RADIOTAP_TIME:
        at = (at + 7 & ~7) + 8
    padded = fields & RADIOTAP_FLAGS and frame[at] & RADIOTAP_PADDED
    return _wireless(frame, size, 4 if padded else 1)


def _wireless(frame: bytes, at: int, alignment: int) -> Behind:
    """Pass the header of a 802.11 frame with readable data; all others cannot be used."""
    kind, flags = frame[at], frame[at + 1]
    if kind & 0x0F != DATA_TYPE or kind & NO_DATA or flags & PROTECTED:
        return Behind(OTHER, at)
    size = 24
    if flags & TO_SYSTEM and flags & FROM_SYSTEM:
        size += 6
    if kind & QUALITY:
        if frame[at + size] & AGGREGATED:
            return Behind(OTHER, at)
        size += 6 if flags & ORDERED else 2
    return _logical(frame, at + (size + alignment - 1) // alignment * alignment)
