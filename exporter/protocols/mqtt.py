"""MQTT 3.1, 3.1.1 and 5: what clients publish, subscribe and confirm, and what brokers deliver."""

from collections.abc import Sequence

from exporter.model import Direction, Kind, Message, Nanoseconds, Operation
from exporter.protocols import mqtt_packets as packets
from exporter.protocols.base import Family, Match, ProtocolSpec
from exporter.protocols.mqtt_packets import begins, body_start, match_connect, match_midst, measure, quality
from exporter.protocols.names import directed
from exporter.protocols.units import Unit, Units

CLIENT = 0
MQTT_5 = 5
FAILURES = 0x80  # reasons from here on are failures
OPERATIONS = {
    kind: Operation(name)
    for kind, name in (
        (packets.CONNECT, "CONNECT"),
        (packets.PUBLISH, "PUBLISH"),
        (packets.PUBREL, "PUBREL"),
        (packets.SUBSCRIBE, "SUBSCRIBE"),
        (packets.UNSUBSCRIBE, "UNSUBSCRIBE"),
        (packets.PINGREQ, "PINGREQ"),
    )
}
DELIVERY = Operation("PUBLISH_OUT")
ANSWERS = {
    packets.CONNECT: packets.CONNACK,
    packets.PUBREL: packets.PUBCOMP,
    packets.SUBSCRIBE: packets.SUBACK,
    packets.UNSUBSCRIBE: packets.UNSUBACK,
    packets.PINGREQ: packets.PINGRESP,
}
UNNUMBERED = frozenset({packets.CONNECT, packets.CONNACK, packets.PINGREQ, packets.PINGRESP})
TO_CLIENT = frozenset({*ANSWERS.values(), packets.PUBACK, packets.PUBREC})
# What answers a publication of each quality of service.
CONFIRMATIONS = (0, packets.PUBACK, packets.PUBREC)


class MqttParser:
    """One connection's state."""

    __slots__ = ("_level", "_sides")

    def __init__(self) -> None:
        self._sides = (Units(measure, begins), Units(measure, begins))
        self._level = 0  # of the protocol; 0 where its beginning was not seen

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        return self._messages(direction, self._sides[direction].feed(data, at))

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        return self._messages(direction, self._sides[direction].gap(size_bytes, at))

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of a packet of which nothing more matters."""
        return self._sides[direction].skippable

    def left(self) -> bytes | None:
        """Return None: nothing takes over from MQTT."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return nothing: every packet tells its end."""
        return ()

    def _messages(self, direction: Direction, units: Sequence[Unit]) -> list[Message]:
        read = self._of_client if direction == CLIENT else self._of_server
        return [message for unit in units if (message := read(unit)) is not None]

    def _of_client(self, unit: Unit) -> Message | None:
        kind = unit.head[0] >> 4
        operation = OPERATIONS.get(kind)
        if operation is None:
            return None
        answer = CONFIRMATIONS[quality(unit.head[0])] if kind == packets.PUBLISH else ANSWERS[kind]
        if kind == packets.CONNECT:
            self._level = _level(unit.head)
        elif kind == packets.PUBLISH:
            operation = directed(operation, _topic(unit.head))
        if answer == 0:
            return Message(Kind.ONE_WAY, unit.first_at, unit.last_at, unit.size_bytes, operation)
        correlation = answer << 16 | _number(unit.head)
        return Message(Kind.REQUEST, unit.first_at, unit.last_at, unit.size_bytes, operation, correlation=correlation)

    def _of_server(self, unit: Unit) -> Message | None:
        kind = unit.head[0] >> 4
        if kind == packets.PUBLISH:
            return Message(
                Kind.PUSH, unit.first_at, unit.last_at, unit.size_bytes, directed(DELIVERY, _topic(unit.head))
            )
        if kind not in TO_CLIENT:
            return None
        reason = self._reason(kind, unit.head)
        return Message(
            Kind.RESPONSE,
            unit.first_at,
            unit.last_at,
            unit.size_bytes,
            status=str(reason) if reason else "",
            failed=reason != 0,
            correlation=kind << 16 | _number(unit.head),
        )

    def _reason(self, kind: int, packet: bytes) -> int:
        """Return why a request failed, 0 if it did not."""
        body = packet[body_start(packet, 0) :]
        if kind == packets.CONNACK:
            return body[1] if len(body) > 1 else 0
        if kind in (packets.SUBACK, packets.UNSUBACK):
            reasons = body[2:]
            if self._level == MQTT_5 and reasons and reasons[0] < FAILURES:
                reasons = reasons[1 + reasons[0] :]
            elif self._level == 0:
                reasons = reasons[-1:]  # properties, if there are any, come first
        else:
            reasons = body[2:3]
        return max((reason for reason in reasons if reason >= FAILURES), default=0)


def _number(packet: bytes) -> int:
    """Return the number that pairs a packet with its answer; 0 for those that have none."""
    kind = packet[0] >> 4
    if kind in UNNUMBERED:
        return 0
    start = len(packet) - 2 if kind == packets.PUBLISH else body_start(packet, 0)
    return int.from_bytes(packet[start : start + 2], "big")


def _topic(packet: bytes) -> bytes:
    """Return where a publication goes; empty where an alias says it (MQTT 5)."""
    at = body_start(packet, 0) + 2
    return packet[at : at + int.from_bytes(packet[at - 2 : at], "big")]


def _level(packet: bytes) -> int:
    """Return the protocol's level that a CONNECT names."""
    body = packet[body_start(packet, 0) :]
    at = 2 + int.from_bytes(body[:2], "big")
    return body[at] & 0x7F if at < len(body) else 0


def match(client: bytes, server: bytes) -> Match:
    """Judge by a session's first packet, else by whole packets of both sides."""
    begun = match_connect(client) if client else Match.NO
    return begun if begun is not Match.NO else match_midst(client, server)


SPEC = ProtocolSpec("mqtt", frozenset({1883}), match, MqttParser, Family.MESSAGING, trains=MqttParser.skippable)
