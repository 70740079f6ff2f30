"""The parsers as layers: one for each protocol, fed as a conversation feeds it once it knows what is spoken."""

import re
import struct
from collections.abc import Callable, Iterable
from itertools import islice

from exporter.model import Direction, Exchange, Nanoseconds
from exporter.protocols import PROTOCOLS, UNKNOWN
from exporter.protocols.base import ParseError, ProtocolSpec
from exporter.protocols.pairing import Pairing
from tests.exporter.protocols.conversing import Step
from tests.exporter.protocols.samples import SAMPLES

HEAD = struct.Struct("<BH")  # 1 for the server, 2 for bytes that are lost, 4 for another time; how many
MAX_STEPS = 400
MOST_CHARACTERS = 64  # of an operation's name or a status
SIDES = (Direction.REQUEST, Direction.RESPONSE)


def encode(steps: Iterable[Step]) -> bytes:
    """Return steps in the form that the layers read."""
    out = b""
    for step in steps:
        size = step.lost or len(step.payload)
        out += HEAD.pack(step.direction | 2 * bool(step.lost) | 4 * (not step.at_once), min(size, 0xFFFF))
        out += step.payload[:0xFFFF]
    return out


def decode(data: bytes) -> list[Step]:
    """Return the steps that bytes say."""
    steps: list[Step] = []
    at = 0
    while at + HEAD.size <= len(data) and len(steps) < MAX_STEPS:
        kind, size = HEAD.unpack_from(data, at)
        at += HEAD.size
        if kind & 2:
            steps.append(Step(kind & 1, lost=size + 1, at_once=not kind & 4))
        elif payload := data[at : at + size]:
            steps.append(Step(kind & 1, payload, at_once=not kind & 4))
            at += len(payload)
    return steps


def parse(spec: ProtocolSpec, steps: Iterable[Step]) -> list[Exchange]:
    """Return the exchanges that a protocol's parser and the pairing make of the steps, as far as it believes them."""
    exchanges: list[Exchange] = []
    pairing = Pairing(exchanges.append)
    parser = spec.parser()
    now: Nanoseconds = 0
    try:
        for step in steps:
            now += 0 if step.at_once else 1_000_000
            side = SIDES[step.direction]
            if step.lost:
                if step.lost > parser.skippable(side):
                    pairing.lose()
                messages = parser.gap(side, step.lost, now)
            else:
                messages = parser.feed(side, step.payload, now)
            for message in messages:
                pairing.take(message)
            assert parser.skippable(side) >= 0
            if parser.left() is not None:
                break
        for message in parser.finish(now):
            pairing.take(message)
    except ParseError:
        pass  # as is its right
    pairing.finish()
    return exchanges


def layer(spec: ProtocolSpec) -> Callable[[bytes], None]:
    """Return the layer of a protocol: only a ParseError comes out, and what is told is fit for labels."""

    def check(data: bytes) -> None:
        steps = decode(data)
        exchanges = parse(spec, steps)
        assert len(exchanges) <= len(data) + sum(step.lost for step in steps)
        for exchange in exchanges:
            for text in texts(exchange):
                assert len(text) <= MOST_CHARACTERS, f"{spec.name}: a label of {len(text)} characters"
                assert text.isprintable(), f"{spec.name}: {text!r}"

    return check


def texts(exchange: Exchange) -> Iterable[str]:
    """Return what may become a label's value."""
    if exchange.request is not None:
        yield exchange.request.operation.name
    if exchange.response is not None:
        yield exchange.response.status


def name_of(spec: ProtocolSpec) -> str:
    """Return the layer's name, which is also part of a file's."""
    return "parse_" + re.sub(r"\W+", "_", f"{spec.name}_{'' if 'tcp' in spec.transports else 'udp'}".rstrip("_"))


def seeds(name: str) -> list[bytes]:
    """Return the samples of a layer's protocol, whole and with losses."""
    spec = SPECS[name]
    found = []
    for sample in SAMPLES.get(spec.name, ()):
        found.append(encode(sample.steps))
        lossy = [
            Step(step.direction, lost=len(step.payload)) if number % 3 == 2 else step
            for number, step in enumerate(sample.steps)
        ]
        found.append(encode(islice(lossy, MAX_STEPS)))
    return found or [encode([Step(0, b"ask"), Step(1, b"answer")])]


SPECS: dict[str, ProtocolSpec] = {name_of(spec): spec for spec in (*PROTOCOLS, UNKNOWN)}
PARSERS: dict[str, Callable[[bytes], None]] = {name: layer(spec) for name, spec in SPECS.items()}
