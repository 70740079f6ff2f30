"""Packets of MQTT 3.1, 3.1.1 and 5."""

from exporter.protocols.base import Match, ParseError

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(8, 16)
OF_CLIENT = frozenset({CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ})
OF_SERVER = frozenset({CONNACK, SUBACK, UNSUBACK, PINGRESP})
# The low four bits of the first byte; MQTT 3.1 sets the bit of repetition in some more.
FLAGS = {PUBREL: (2, 10), SUBSCRIBE: (2, 10), UNSUBSCRIBE: (2, 10)}
LEAST_BYTES = {CONNECT: 10, CONNACK: 2, PUBLISH: 2, SUBSCRIBE: 5, SUBACK: 2, UNSUBSCRIBE: 4, UNSUBACK: 2}
ACKNOWLEDGEMENTS = frozenset({PUBACK, PUBREC, PUBREL, PUBCOMP})
# Enough for a packet's number, properties that matter to nobody here, and most lists of reasons.
KEPT_BYTES = 256
NAMES = ((b"\0\4MQTT", (4, 5)), (b"\0\6MQIsdp", (3,)))


def body_start(packet: bytes | bytearray, start: int) -> int:
    """Return where the body of the packet at `start` begins; 0 if its length is not there yet.

    Raises:
        ParseError: the length is longer than four bytes.
    """
    for at in range(start + 1, min(start + 5, len(packet))):
        if packet[at] < 0x80:
            return at + 1
    if len(packet) - start >= 5:
        raise ParseError("the length of an MQTT packet is too long")
    return 0


def body_size(packet: bytes | bytearray, start: int, body: int) -> int:
    """Return the length that the packet at `start` says its body has."""
    size = 0
    for at in range(body - 1, start, -1):
        size = size << 7 | packet[at] & 0x7F
    return size


def quality(first: int) -> int:
    """Return a publication's quality of service."""
    return first >> 1 & 3


def sound(first: int, size: int) -> bool:
    """Return whether a packet's first byte and length go together."""
    kind, flags = first >> 4, first & 0xF
    if kind == PUBLISH:
        return quality(first) != 3 and size >= 3
    if flags not in FLAGS.get(kind, (0,)) or kind == 0:
        return False
    if kind in (PINGREQ, PINGRESP):
        return size == 0
    return size >= (2 if kind in ACKNOWLEDGEMENTS else LEAST_BYTES.get(kind, 0))


def measure(buffer: bytes | bytearray, start: int) -> tuple[int, int]:
    """Measure a packet; of a publication the topic is kept to reach its number, of others the beginning."""
    body = body_start(buffer, start)
    if body == 0:
        return 0, 0
    size = body_size(buffer, start, body)
    if not sound(buffer[start], size):
        raise ParseError("no MQTT packet begins here")
    whole = body - start + size
    if buffer[start] >> 4 != PUBLISH:
        return min(whole, KEPT_BYTES), whole
    if len(buffer) < body + 2:
        return 0, 0
    topic = int.from_bytes(buffer[body : body + 2], "big")
    kept = body - start + 2 + topic + (2 if quality(buffer[start]) else 0)
    if kept > whole:
        raise ParseError("an MQTT topic is longer than its packet")
    return kept, whole


def begins(data: bytes) -> bool:
    """Return whether a segment consists of sound packets, or begins with one that goes beyond it."""
    at = 0
    while at < len(data):
        try:
            kept, size = measure(data, at)
        except ParseError:
            return False
        if kept == 0:
            break
        at += size
    return at > 0


def match_connect(client: bytes) -> Match:
    """Judge the client's bytes as the beginning of a session."""
    if client[:1] != b"\x10":
        return Match.NO
    try:
        body = body_start(client, 0)
    except ParseError:
        return Match.NO
    if body == 0:
        return Match.NOT_YET
    best = Match.NO
    for name, levels in NAMES:
        seen = client[body : body + len(name) + 1]
        if len(seen) <= len(name):
            best = max(best, Match.NOT_YET if name.startswith(seen) else Match.NO)
        elif seen.startswith(name) and seen[-1] & 0x7F in levels:  # the high bit marks a bridge between brokers
            best = Match.YES
    return best


def match_midst(client: bytes, server: bytes) -> Match:
    """Judge the bytes of a running session: whole packets of both sides, or several publications of one."""
    asked, told = _whole(client, OF_SERVER), _whole(server, OF_CLIENT)
    if asked < 0 or told < 0:
        return Match.NO
    if (asked and told) or asked > 2 or told > 2:
        return Match.YES
    return Match.MAYBE if asked or told else Match.NOT_YET


def _whole(data: bytes, foreign: frozenset[int]) -> int:
    """Return how many packets the bytes consist of; 0 while the last one is not whole, -1 if they are none."""
    at, packets = 0, 0
    while at < len(data):
        try:
            kept, size = measure(data, at)
        except ParseError:
            return -1
        if data[at] >> 4 in foreign or (kept and not _plausible(data[at : at + kept])):
            return -1
        if kept == 0 or at + size > len(data):
            return 0
        at += size
        packets += 1
    return packets


def _plausible(packet: bytes) -> bool:
    """Return whether a publication's topic, or a subscription's first filter, can be one."""
    kind = packet[0] >> 4
    if kind == CONNECT:
        return match_connect(packet) is Match.YES
    if kind != PUBLISH:
        return kind not in (CONNACK, AUTH)
    body = body_start(packet, 0)
    size = int.from_bytes(packet[body : body + 2], "big")
    topic = packet[body + 2 : body + 2 + size]
    try:
        text = topic.decode("utf-8")
    except UnicodeDecodeError:
        return len(topic) < size
    return text.isprintable() and not set(text) & {"+", "#"} and (bool(text) or size > 0)
