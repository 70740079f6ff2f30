"""Decodes the headers of one frame at a time, from the link layer down to the transport's payload.

Compiled with the types of `frames.pxd`. Never raises on any bytes: every outcome is a verdict. Lengths on the wire are
taken from the IP header, so padding is trimmed and what the capture left out is known; checksums are ignored, since
offloading leaves them unset.

Source: RFC 791, 8200, 9293, 768, 2784, 2890, 7348, 8926, 3032, 4385; draft-foschiano-erspan; tcpdump.org/linktypes.
"""

from mmap import mmap

import cython

from exporter.net.links import behind

if not cython.compiled:
    from exporter.net.layout import (
        DATAGRAM,
        ETHERNET,
        ETHERTYPE,
        FRAGMENT,
        HALF,
        IPV4,
        IPV6,
        MALFORMED,
        NESTED,
        OTHER,
        SEGMENT,
        TCP,
        TRANSPORT,
        TRUNCATED,
        UDP,
    )
    from exporter.net.octets import big16, big32, big64

MAX_LAYERS = 16  # tunnels, tags and extension headers of one frame
MAPPED = 0xFFFF00000000  # an IPv4 address is kept as its IPv4-mapped IPv6 one


class Frame:
    """The frame last read: where its payload lies and who sent it to whom.

    Attributes:
        protocol: TCP or UDP; of a fragment whatever it carries.
        source_high: the first 8 bytes of the sender's address; IPv4 is kept as `::ffff:a.b.c.d`. The others likewise.
        sequence: TCP's, as is `acknowledged`; `flags` is the header's byte.
        payload: where the captured payload begins in the attached bytes.
        size: how many payload bytes were captured.
        wire: how many there were on the wire.
        header: where the innermost IP header begins; `network` is its EtherType.
        fragment: the identification of a fragment, `fragment_offset` its place in bytes, `fragment_more` whether others
            follow; its `payload` is what follows the IP headers.
        at: when it was captured, `verdict` what it is; set, as is what follows, by those who keep frames in hand.
        key: of its flow, with `ports`, and `side`, 0 when its sender is the key's earlier endpoint, else 1.
        hash: of the key.
        low_high: the key's addresses where one word does not hold them, as are the three others.
        following: the frame after it in a ring of several; without one itself.
    """

    def __init__(self) -> None:
        self.detach()
        self.following = self
        self.position = self.end = self.limit = 0
        self.protocol = self.source_port = self.target_port = 0
        self.source_high = self.source_low = self.target_high = self.target_low = 0
        self.sequence = self.acknowledged = self.flags = 0
        self.payload = self.size = self.wire = 0
        self.header = self.network = 0
        self.fragment = self.fragment_offset = self.fragment_more = 0
        self.at = self.verdict = 0
        self.key = self.ports = self.side = self.hash = 0
        self.low_high = self.low_low = self.high_high = self.high_low = 0

    def attach(self, memory: bytes | mmap | memoryview) -> None:
        """Set the bytes that positions refer to."""
        self.memory = memoryview(memory)

    def detach(self) -> None:
        """Let go of the attached bytes, so that their owner may close them."""
        self.memory = memoryview(b"\0")

    def read(self, start: int, captured: int, wire: int, link: int) -> int:
        """Decode the frame of `captured` bytes at `start`, `wire` bytes long when it was sent; return a verdict.

        Args:
            link: the LINKTYPE_ of the capture formats; 1 is Ethernet.
        """
        if start < 0 or captured < 0 or start + captured > len(self.memory):
            return TRUNCATED
        if link == 1 and captured >= 54 and big16(self.memory, start + 12) == 0x0800:
            verdict = self._plain(start + 14, start + captured)
            if verdict == SEGMENT:
                return verdict
        self.position = start
        self.end = start + captured
        self.limit = start + (max(captured, wire))
        verdict = self._ethernet() if link == 1 else self._link(link)
        layers = 0
        while verdict >= ETHERTYPE:
            layers += 1
            if layers > MAX_LAYERS:
                return NESTED
            verdict = self._layer(verdict)
        return verdict

    def _plain(self, at: int, end: int) -> int:
        """Decode what most packets are, TCP in IPv4 without options and fragments; OTHER leaves it to the layers."""
        head = big64(self.memory, at)  # version, length, service, total, identification, fragment
        tail = big16(self.memory, at + 32)  # data offset and flags
        total = head >> 32 & 0xFFFF
        header = 20 + (tail >> 12) * 4
        plain = head >> 56 == 0x45 and head & 0x3FFF == 0 and self.memory[at + 9] == TCP
        if not plain or header < 40 or total < header:
            return OTHER
        addresses = big64(self.memory, at + 12)
        begin = big64(self.memory, at + 20)  # ports and sequence number
        self.source_high = self.target_high = 0
        self.source_low = MAPPED | addresses >> 32
        self.target_low = MAPPED | addresses & HALF
        self.source_port = begin >> 48
        self.target_port = begin >> 32 & 0xFFFF
        self.sequence = begin & HALF
        self.acknowledged = big32(self.memory, at + 28)
        self.flags = tail & 0xFF
        self.protocol = TCP
        self.payload = at + header
        self.wire = total - header
        captured = end - at - header
        self.size = 0 if captured < 0 else min(captured, self.wire)
        return SEGMENT

    def _link(self, link: int) -> int:
        if link in (101, 12, 14, 228, 229):  # raw IP, under its several numbers
            return self._version()
        if link in (0, 108):  # null and loopback: an address family whose numbers differ by system
            self.position += 4
            return self._version()
        if link == 113:  # Linux cooked
            return self._typed(14, 16)
        if link == 276:  # Linux cooked, version 2
            return self._typed(0, 20)
        return self._point_to_point(link)

    def _point_to_point(self, link: int) -> int:
        if link == 104:  # Cisco HDLC
            return self._typed(2, 4)
        return self._ppp() if link in (9, 50) else self._rare(link)

    def _rare(self, link: int) -> int:
        found = behind(self.memory, link, self.position, self.end)
        self.position = found.position
        return found.kind

    def _typed(self, offset: int, size: int) -> int:
        """Pass a header of `size` bytes with an EtherType at `offset`."""
        if self.position + size > self.end:
            return TRUNCATED
        kind = big16(self.memory, self.position + offset)
        self.position += size
        return ETHERTYPE | kind

    def _version(self) -> int:
        if self.position >= self.end:
            return TRUNCATED
        version = self.memory[self.position] >> 4
        if version == 4:
            return IPV4
        return IPV6 if version == 6 else OTHER

    def _ppp(self) -> int:
        if self.position + 4 > self.end:
            return TRUNCATED
        if big16(self.memory, self.position) == 0xFF03:  # address and control, which may be left out
            self.position += 2
        kind = big16(self.memory, self.position)
        self.position += 2
        if kind == 0x21:
            return IPV4
        return IPV6 if kind == 0x57 else OTHER

    def _ethernet(self) -> int:
        if self.position + 14 > self.end:
            return TRUNCATED
        kind = big16(self.memory, self.position + 12)
        self.position += 14
        if kind >= 0x600:
            return ETHERTYPE | kind
        # IEEE 802.3: a length; IP may follow behind LLC and SNAP.
        if self.position + 8 > self.end or big16(self.memory, self.position) != 0xAAAA:
            return OTHER
        return self._typed(6, 8)

    def _layer(self, kind: int) -> int:
        if kind == IPV4:
            return self._ipv4()
        if kind & TRANSPORT:
            return self._transport(kind & 0xFF)
        if kind == IPV6:
            return self._ipv6()
        if kind in (0x18100, 0x188A8, 0x19100, 0x19200):  # VLAN tags
            return self._typed(2, 4)
        return self._tunnel(kind)

    def _tunnel(self, kind: int) -> int:
        if kind in (0x18847, 0x18848):
            return self._mpls()
        if kind == ETHERNET:
            return self._ethernet()
        if kind == 0x18864:  # PPPoE session
            self.position += 6
            return self._ppp()
        if kind == 0x1880B:
            return self._ppp()
        return OTHER

    def _mpls(self) -> int:
        while True:
            if self.position + 4 > self.end:
                return TRUNCATED
            bottom = self.memory[self.position + 2] & 1
            self.position += 4
            if bottom:
                break
        kind = self._version()
        if kind != OTHER:
            return kind
        if self.memory[self.position] >> 4 == 0:  # a pseudowire's control word
            self.position += 4
        return ETHERNET

    def _ipv4(self) -> int:
        at = self.position
        if at + 20 > self.end:
            return TRUNCATED
        first = self.memory[at]
        length = (first & 15) * 4
        total = big16(self.memory, at + 2)
        if first >> 4 != 4 or length < 20 or (total and total < length):
            return MALFORMED
        self.header = at
        self.network = IPV4 & 0xFFFF
        # Segmentation offload of more than 64 KB leaves the length 0: the frame's own then counts.
        self._bound(at + total if total else self.limit)
        self.source_high = self.target_high = 0
        self.source_low = MAPPED | big32(self.memory, at + 12)
        self.target_low = MAPPED | big32(self.memory, at + 16)
        self.position = at + length
        self.protocol = self.memory[at + 9]
        fragment = big16(self.memory, at + 6)
        if fragment & 0x3FFF:
            return self._fragmented(big16(self.memory, at + 4), (fragment & 0x1FFF) * 8, fragment >> 13 & 1)
        return TRANSPORT | self.protocol

    def _bound(self, limit: int) -> None:
        """Take the innermost packet's end on the wire from its IP header; what lies behind is padding."""
        self.limit = limit
        self.end = min(self.end, limit)

    def _ipv6(self) -> int:
        at = self.position
        if at + 40 > self.end:
            return TRUNCATED
        if self.memory[at] >> 4 != 6:
            return MALFORMED
        self.header = at
        self.network = IPV6 & 0xFFFF
        length = big16(self.memory, at + 4)
        # Length 0: a jumbogram, or segmentation offload of more than 64 KB.
        self._bound(at + 40 + length if length else self.limit)
        self.source_high = big64(self.memory, at + 8)
        self.source_low = big64(self.memory, at + 16)
        self.target_high = big64(self.memory, at + 24)
        self.target_low = big64(self.memory, at + 32)
        self.protocol = self.memory[at + 6]
        self.position = at + 40
        return TRANSPORT | self.protocol

    def _fragmented(self, identification: int, offset: int, more: int) -> int:
        self.fragment = identification
        self.fragment_offset = offset
        self.fragment_more = more
        return self._carry(self.position)

    def _carry(self, payload: int) -> int:
        """Set the payload's place and sizes; return FRAGMENT, or MALFORMED where the headers overrun the packet."""
        if payload > self.limit:
            return MALFORMED
        self.payload = payload
        self.wire = self.limit - payload
        self.size = self.end - payload if self.end > payload else 0
        return FRAGMENT

    def _transport(self, protocol: int) -> int:
        if protocol == TCP:
            return self._tcp()
        if protocol == UDP:
            return self._udp()
        if protocol in (0, 43, 44, 51, 60, 135, 139, 140):
            return self._extension(protocol)
        if protocol == 4:
            return IPV4
        if protocol == 41:
            return IPV6
        return self._gre() if protocol == 47 else OTHER

    def _extension(self, protocol: int) -> int:
        """Pass an IPv6 extension header; the authentication header (51) may follow IPv4 too."""
        at = self.position
        if at + 8 > self.end:
            return TRUNCATED
        self.protocol = self.memory[at]
        if protocol == 44:
            self.position = at + 8
            place = big16(self.memory, at + 2)
            if place & 0xFFF9:
                return self._fragmented(big32(self.memory, at + 4), place & 0xFFF8, place & 1)
        elif protocol == 51:
            self.position = at + (self.memory[at + 1] + 2) * 4
        else:
            self.position = at + (self.memory[at + 1] + 1) * 8
        return TRANSPORT | self.protocol

    def _tcp(self) -> int:
        at = self.position
        if at + 20 > self.end:
            return TRUNCATED if at + 20 <= self.limit else MALFORMED
        offset = (self.memory[at + 12] >> 4) * 4
        if offset < 20 or self._carry(at + offset) != FRAGMENT:
            return MALFORMED
        self.source_port = big16(self.memory, at)
        self.target_port = big16(self.memory, at + 2)
        self.sequence = big32(self.memory, at + 4)
        self.acknowledged = big32(self.memory, at + 8)
        self.flags = self.memory[at + 13]
        self.protocol = TCP
        return SEGMENT

    def _udp(self) -> int:
        at = self.position
        if at + 8 > self.end:
            return TRUNCATED if at + 8 <= self.limit else MALFORMED
        self.source_port = big16(self.memory, at)
        self.target_port = big16(self.memory, at + 2)
        length = big16(self.memory, at + 4)
        if length and length < 8:
            return MALFORMED
        if length:
            self._bound(min(self.limit, at + length))
        if self._carry(at + 8) != FRAGMENT:
            return MALFORMED
        self.protocol = UDP
        if self.target_port in (4789, 8472, 6081):
            return self._overlay()
        return DATAGRAM

    def _overlay(self) -> int:
        """Enter VXLAN or Geneve; a datagram that only happens to use the port stays one."""
        at = self.payload
        if at + 8 > self.end:
            return DATAGRAM
        first = self.memory[at]
        if self.target_port == 6081:
            if first >> 6:  # an unknown version
                return DATAGRAM
            self.position = at + 8 + (first & 63) * 4
            return ETHERTYPE | big16(self.memory, at + 2)
        if first & 8 == 0:  # no valid network identifier
            return DATAGRAM
        self.position = at + 8
        return ETHERNET

    def _gre(self) -> int:
        at = self.position
        if at + 4 > self.end:
            return TRUNCATED
        flags = big16(self.memory, at)
        kind = big16(self.memory, at + 2)
        if flags & 0x4000 or flags & 7 > 1:  # source routing, or an unknown version
            return OTHER
        # Checksum, key, sequence number, and in version 1 an acknowledgement: 4 bytes each.
        optional = (flags >> 15) + (flags >> 13 & 1) + (flags >> 12 & 1) + (flags >> 7 & flags & 1)
        self.position = at + 4 + optional * 4
        if kind == 0x88BE:  # ERSPAN: type I has neither sequence number nor header
            self.position += 8 if flags & 0x1000 else 0
            return ETHERNET
        if kind == 0x22EB:
            return self._erspan3()
        return ETHERTYPE | kind

    def _erspan3(self) -> int:
        if self.position + 12 > self.end:
            return TRUNCATED
        self.position += 20 if self.memory[self.position + 11] & 1 else 12  # with the platform's sub-header
        return ETHERNET
