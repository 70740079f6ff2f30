"""The beginning of a packet filter that judges the commonest packet with one look at it; pure.

That is a TCP segment over IPv4, without options of IP, that is copied whole because it is short. The classic program
loads each header field by a call of its own, which is what most of a filter's time goes into, and every packet of every
service on the host waits for it. Whatever is anything else is left to that program.
"""

import struct

from exporter.sources import classicfilter
from exporter.sources.ebpf import assembler
from exporter.sources.ebpf.assembler import (
    FRAME,
    R0,
    R1,
    R2,
    R3,
    R4,
    Line,
    call,
    compute_by,
    compute_word_by,
    jump_if_word,
    jump_if_word_number,
    leave_with_word,
    load,
    move,
    put_word,
    to_network_half,
)

HEADERS = -144  # the place of the packet's headers on the stack, below all that the rest of the program keeps there
IP_BYTES, TCP_BYTES = 20, 20
PLAIN_IP = 0x45  # version 4, five words
FRAGMENT_BITS = struct.unpack("=H", b"\x3f\xff")[0]  # as they are loaded
ETHERTYPE = struct.unpack("=H", b"\x08\x00")[0]
FIN_SYN_RST = 7


def short_segments(link_header: int, context: int, head_bytes: int, otherwise: str) -> list[Line]:
    """Return what keeps or drops short TCP segments, and goes on at the label with all else.

    Args:
        link_header: 14 for Ethernet, 0 where frames begin with IP.
        context: the register of the packet.
        head_bytes: packets up to this length are copied whole.
    """
    return [
        load(4, R2, context, 0),  # its length
        jump_if_word_number(assembler.MORE_THAN, R2, head_bytes, otherwise),
        move(R1, context),
        put_word(R2, 0),
        move(R3, FRAME),
        compute_by(assembler.ADD, R3, HEADERS),
        put_word(R4, link_header + IP_BYTES + TCP_BYTES),
        call(assembler.LOAD_BYTES),
        jump_if_word_number(assembler.NOT_EQUAL, R0, 0, otherwise),
        *segments(FRAME, HEADERS, link_header, otherwise),
        jump_if_word(assembler.MORE_THAN, R0, R1, "short"),
        *leave_with_word(0),
        "short",
        *leave_with_word(classicfilter.WHOLE),
    ]


def segments(base: int, place: int, link_header: int, otherwise: str) -> list[Line]:
    """Return what goes on at the label unless the headers at a place behind a register are a plain segment's.

    How long it is, from IP's header on, is left in R0, and how much of that are headers in R1.
    """
    ip, tcp = place + link_header, place + link_header + IP_BYTES
    return [
        *_unless(2, base, place + 12, ETHERTYPE, otherwise)[: 2 if link_header else 0],
        *_unless(1, base, ip, PLAIN_IP, otherwise),
        *_unless(1, base, ip + 9, classicfilter.TCP, otherwise),
        load(2, R0, base, ip + 6),
        jump_if_word_number(assembler.SOME_BITS, R0, FRAGMENT_BITS, otherwise),
        load(1, R0, base, tcp + 13),
        jump_if_word_number(assembler.SOME_BITS, R0, FIN_SYN_RST, otherwise),
        load(1, R1, base, tcp + 12),
        compute_word_by(assembler.SHIFT_RIGHT, R1, 4),
        compute_word_by(assembler.SHIFT_LEFT, R1, 2),
        compute_word_by(assembler.ADD, R1, IP_BYTES),
        load(2, R0, base, ip + 2),
        to_network_half(R0),
        jump_if_word_number(assembler.EQUAL, R0, 0, otherwise),
    ]


def _unless(size: int, base: int, place: int, value: int, otherwise: str) -> list[Line]:
    return [load(size, R0, base, place), jump_if_word_number(assembler.NOT_EQUAL, R0, value, otherwise)]
