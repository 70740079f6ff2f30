"""Tells HTTP/2 by its preface or by frames that bear headers, and gRPC by its first request or response."""

from dataclasses import dataclass
from enum import Enum

from exporter.protocols.base import Match, ParseError
from exporter.protocols.http2_frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEAD_BYTES,
    HEADERS,
    MAX_KEPT_BYTES,
    PADDED,
    PING,
    PREFACE,
    SETTINGS,
    block_of,
    frame_size,
)
from exporter.protocols.http2_headers import HeaderDecoder, Headers
from exporter.protocols.http2_streams import GRPC

# So many frames without a request are a connection of which nothing more will be learnt soon.
FRAMES_WITHOUT_REQUEST = 8
DEFAULT_FRAME_BYTES = 16_384
SETTINGS_KIND = bytes((SETTINGS,))
PREFIX_BYTES = 5  # of a message of gRPC: whether it is compressed, and its length


class Nature(Enum):
    """What the streams carry."""

    UNDECIDED = 0
    PLAIN = 1
    GRPC = 2


@dataclass(slots=True)
class _Scan:
    """What one side's first bytes hold.

    Attributes:
        valid: whether they can be frames; a preface, if there is one, is cut off.
        preface: whether the client's preface is there.
        whole: whether what follows the preface is what has to: else something in between was not captured.
        frames: how many are whole.
        headers: whether a header block is among them, and makes sense.
    """

    valid: bool = True
    preface: bool = False
    whole: bool = False
    frames: int = 0
    headers: bool = False
    pinged: bool = False
    nature: Nature = Nature.UNDECIDED


def match_http2(client: bytes, server: bytes) -> Match:
    """Judge; what may still turn out to be gRPC is `MAYBE`."""
    match, nature = _judge(client, server)
    if match is not Match.YES or nature is Nature.PLAIN:
        return match
    return Match.MAYBE if nature is Nature.UNDECIDED else Match.NO


def match_grpc(client: bytes, server: bytes) -> Match:
    """Judge; nothing is gRPC before a request or a response says so."""
    match, nature = _judge(client, server)
    if match is not Match.YES or nature is Nature.GRPC:
        return match if match is Match.YES else min(match, Match.NOT_YET)
    return Match.NOT_YET if nature is Nature.UNDECIDED else Match.NO


def _judge(client: bytes, server: bytes) -> tuple[Match, Nature]:
    if client and PREFACE.startswith(client[: len(PREFACE)]) and len(client) < len(PREFACE):
        return Match.NOT_YET, Nature.UNDECIDED
    asked, told = _scan(client, of_client=True), _scan(server, of_client=False)
    if not asked.preface and not (asked.valid and told.valid):
        return Match.NO, Nature.UNDECIDED
    nature = asked.nature if asked.nature is not Nature.UNDECIDED else told.nature
    if asked.preface:
        enough = asked.frames + told.frames >= FRAMES_WITHOUT_REQUEST or asked.pinged
        if nature is Nature.UNDECIDED and enough and asked.whole and not asked.headers:
            nature = Nature.PLAIN
        return Match.YES, nature
    torn = (client and not asked.frames) or (server and not told.frames)
    if (asked.headers or told.headers) and not torn:
        return Match.YES, nature
    return (Match.MAYBE if asked.frames + told.frames else Match.NOT_YET), nature


def _scan(data: bytes, of_client: bool) -> _Scan:
    scan = _Scan()
    at = 0
    if data.startswith(PREFACE):
        scan.preface = True
        at = len(PREFACE)
    decoder = HeaderDecoder()
    while at < len(data):
        size = frame_size(data, at)
        if size < 0 or size > HEAD_BYTES + DEFAULT_FRAME_BYTES:
            scan.valid = False
            break
        scan.whole = scan.whole or (at == len(PREFACE) and data[at + 3 : at + 4] == SETTINGS_KIND)
        if size == 0 or at + size > len(data):
            if of_client and scan.preface:
                _peek(scan, data[at:])
            elif size and scan.headers and scan.nature is Nature.UNDECIDED:
                _peek_body(scan, data[at:], size)
            break
        frame = data[at : at + size]
        at += size
        scan.frames += 1
        scan.pinged = scan.pinged or frame[3] == PING
        if not _look(scan, frame, decoder, of_client):
            scan.valid = False
            break
    return scan


def _peek(scan: _Scan, begun: bytes) -> None:
    """Learn what the beginning of a request's headers tells: one without a body is no call of gRPC."""
    if len(begun) > HEAD_BYTES and begun[3] == HEADERS and begun[4] & END_STREAM:
        scan.headers = True
        scan.nature = Nature.PLAIN


def _peek_body(scan: _Scan, begun: bytes, size: int) -> None:
    """Learn what the beginning of a frame of data tells, whose rest may not have been copied."""
    prefix = HEAD_BYTES + PREFIX_BYTES
    told = begun[3] == DATA and not begun[4] & PADDED and len(begun) >= prefix and begun[HEAD_BYTES] <= 1
    if told and int.from_bytes(begun[HEAD_BYTES + 1 : prefix], "big") == size - prefix:
        scan.nature = Nature.GRPC


def _look(scan: _Scan, frame: bytes, decoder: HeaderDecoder, of_client: bool) -> bool:
    """Learn what a frame tells; return whether it can be one."""
    if frame[3] == DATA and scan.headers and scan.nature is Nature.UNDECIDED and len(frame) > HEAD_BYTES:
        scan.nature = Nature.GRPC if _is_grpc_message(frame) else Nature.PLAIN
    elif frame[3] == HEADERS and frame[4] & END_HEADERS:
        try:
            headers = decoder.decode(block_of(frame))
        except ParseError:
            return False
        if headers.status if of_client else headers.method:
            return False
        scan.headers = True
        if scan.nature is Nature.UNDECIDED:
            scan.nature = _nature(headers, bool(frame[4] & END_STREAM))
    elif frame[3] in (HEADERS, CONTINUATION):
        # A block in several frames: seldom, and never of gRPC.
        scan.headers = True
        scan.nature = Nature.PLAIN
    return True


def _nature(headers: Headers, ended: bool) -> Nature:
    if headers.content_type.startswith(GRPC) or headers.grpc_status:
        return Nature.GRPC
    if headers.content_type or ended or not headers.unknown:
        return Nature.PLAIN
    return Nature.UNDECIDED


def _is_grpc_message(frame: bytes) -> bool:
    """Return whether a DATA frame begins with a message's prefix: not compressed or compressed, and its length."""
    if frame[4] & PADDED:
        frame = frame[: len(frame) - frame[HEAD_BYTES]]
    begin = HEAD_BYTES + bool(frame[4] & PADDED)
    length = int.from_bytes(frame[begin + 1 : begin + 5], "big")
    rest = len(frame) - begin - 5
    return rest >= 0 and frame[begin] <= 1 and (length == rest or (length > rest and length <= MAX_KEPT_BYTES))
