"""What is read in place counts exactly as what goes through the parser and the pairing."""

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model import Exchange, Flow, Nanoseconds
from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from exporter.protocols.lane import Counting, Turn
from exporter.protocols.recorder import Recorder
from exporter.services.attribution import Attribution, Patience
from exporter.services.families import family_of
from exporter.services.sampling import Sampling, Window
from exporter.services.traffic import Caps, Traffic
from exporter.services.view import HostView, Listener
from tests.exporter.net.packets import ACK, PSH, SYN, tcp

SERVER = ("10.0.0.2", 6379)
START = 1_700_000_000 * 10**9
MICROSECOND = 1000
CLIENT_PORTS = (40_001, 40_002, 40_003)


def command(*words: bytes) -> bytes:
    """Return a command."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


COMMANDS = (
    command(b"GET", b"a"),
    command(b"get", b"key"),
    command(b"SET", b"key", b"x" * 300),
    command(b"MGET", b"a", b"b", b"c"),
    command(b"HGETALL", b"h"),
    command(b"Get", b"odd case"),
    command(b"ZRANGEBYSCORE", b"z", b"0", b"1"),
    command(b"BLPOP", b"list", b"1"),
    command(b"XREAD", b"BLOCK", b"5", b"STREAMS", b"s", b"$"),
    command(b"CLIENT", b"REPLY", b"SKIP"),
    command(b"SUBSCRIBE", b"news"),
    command(b"MONITOR"),
    command(b"RESET"),
    command(b"NOSUCH", b"x"),
    b"PING\r\n",
    b"*0\r\n",
    b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
    b"*2\r\n$3\r\nGET\r\n$-1\r\n",
)
REPLIES = (
    b"+OK\r\n",
    b"-ERR wrong\r\n",
    b":12\r\n",
    b"$-1\r\n",
    b"$-7\r\n",
    b"$5\r\nvalue\r\n",
    b"$0\r\n\r\n",
    b"_\r\n",
    b"#t\r\n",
    b"*0\r\n",
    b"*-1\r\n",
    b"*3\r\n$1\r\na\r\n$-1\r\n_\r\n",
    b"*2\r\n*1\r\n:1\r\n-ERR inner\r\n",
    b"%1\r\n+a\r\n:1\r\n",
    b"~1\r\n:1\r\n",
    b">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nx\r\n",
    b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n",
    b"=7\r\ntxt:abc\r\n",
    b"+OK\r\n+OK\r\n",
    b"+" + b"long " * 90 + b"\r\n",
    b"?wrong\r\n",
)
HALVES = (COMMANDS, REPLIES)


@dataclass
class Slow:
    """Hides from conversations that their recorders count turns."""

    observer: Attribution

    def recognised(self, flow: Flow, protocol: str) -> Recorder:
        return Behind(self.observer.recognised(flow, protocol))

    def unparsable(self, flow: Flow, protocol: str) -> None:
        self.observer.unparsable(flow, protocol)


@dataclass
class Behind:
    recorder: Recorder

    def record(self, exchange: Exchange) -> None:
        self.recorder.record(exchange)

    def close(self, at: Nanoseconds) -> None:
        self.recorder.close(at)


class Watched(Counting):
    """A recorder that keeps how many exchanges came each way."""

    def __init__(self) -> None:
        self.recorded = self.counted = 0

    def recognised(self, flow: Flow, protocol: str) -> "Watched":
        return self

    def unparsable(self, flow: Flow, protocol: str) -> None:
        raise ValueError(protocol)

    def record(self, exchange: Exchange) -> None:
        self.recorded += 1

    def count(self, turn: Turn) -> None:
        self.counted += 1

    def close(self, at: Nanoseconds) -> None:
        pass


@dataclass
class World:
    """The packet path with counters; some connections of a client each, whose server is known or not."""

    lane: bool
    known: bool
    sampled: bool
    now: int = START
    numbers: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.traffic = Traffic(family_of, Caps(), 3600.0)
        dice = random.Random(5)
        self.sampling = Sampling(dice.getrandbits(31))
        self.attribution = Attribution(self.traffic, Patience(), self.sampling)
        if self.known:
            self.settle()
        observer = self.attribution if self.lane else Slow(self.attribution)
        self.engine = Engine(Conversations(observer, PROTOCOLS))
        for port in CLIENT_PORTS:
            self.open(port)
        if self.sampled:
            self.sampling.keep(1.5, 3)

    def settle(self) -> None:
        """Learn who listens."""
        listeners = {Listener("tcp", "*", SERVER[1]): "cache"}
        self.attribution.update(HostView(listeners=listeners, local_addresses=frozenset({SERVER[0]})), 1.0)

    def open(self, port: int) -> None:
        """Connect."""
        client = ("10.0.0.1", port)
        self.frame(tcp(client, SERVER, 0, flags=SYN))
        self.frame(tcp(SERVER, client, 0, flags=SYN | ACK, ack=1))
        self.numbers[port] = [1, 1]

    def send(self, port: int, side: int, payload: bytes, lost: bool = False) -> None:
        """Send from one side; what is lost nobody captures."""
        ends = (("10.0.0.1", port), SERVER)
        numbers = self.numbers[port]
        frame = tcp(ends[side], ends[1 - side], numbers[side], payload, PSH | ACK, numbers[1 - side])
        numbers[side] += len(payload)
        if lost:
            self.engine.lost()
        else:
            self.frame(frame)

    def frame(self, frame: bytes) -> None:
        """Have a packet captured."""
        self.engine.frame(frame, 1, len(frame), self.now)
        self.now += 37 * MICROSECOND

    def told(self) -> object:
        """Return all that was counted."""
        self.engine.close(self.now)
        self.settle()
        self.attribution.update(HostView(), 1000.0)
        found = self.traffic.snapshot()
        sides = {
            key: (
                *(side.requests, side.errors, side.request_bytes, side.response_bytes, side.cache_hits),
                *(side.cache_misses, side.duration_sum, side.durations, side.operations.counts),
            )
            for key, side in found.sides.items()
        }
        return sides, found.edges, self.attribution.counters(), self.engine.counters()


@dataclass(frozen=True)
class Step:
    """What happens next: a message of one side, whole, cut in two, late, lost in part or at all."""

    port: int
    side: int
    message: int
    cut: int
    fate: str


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(CLIENT_PORTS),
        st.integers(0, 1),
        st.integers(0, 1000),
        st.integers(0, 12),
        st.sampled_from(
            ("turn", "turn", "turn", "turn", "turn", "one", "one", "cut", "lost", "window", "settle", "early")
        ),
    ),
    max_size=60,
)


def play(world: World, steps: list[Step]) -> object:
    """Return what is counted of the steps."""
    for step in steps:
        chosen = step.message * step.message // 1000  # the first ones, which are common, more often
        halves = [half[chosen * len(half) // 1001] for half in HALVES]
        payload = halves[step.side]
        if step.fate == "turn":
            world.send(step.port, 0, halves[0])
            world.send(step.port, 1, halves[1])
        elif step.fate == "cut":
            world.send(step.port, step.side, payload[: step.cut])
            world.send(step.port, step.side, payload[step.cut :])
        elif step.fate == "window" and world.sampled:
            world.sampling.look(
                Window(world.now, world.now + 10**6, 2.0, step.cut, world.now + 2 * 10**6, 2 * 10**6, 10**6)
            )
        elif step.fate == "settle":
            world.settle()
        elif step.fate == "early":
            world.now -= 200 * MICROSECOND
        else:
            world.send(step.port, step.side, payload, lost=step.fate == "lost")
    return world.told()


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, known=st.booleans(), sampled=st.booleans())
def test_the_lane_changes_nothing(steps: list[Step], known: bool, sampled: bool) -> None:
    assert play(World(True, known, sampled), steps) == play(World(False, known, sampled), steps)


def test_common_exchanges_take_the_lane_and_others_do_not() -> None:
    watched = Watched()
    world = World(True, True, False)
    world.engine = Engine(Conversations(watched, PROTOCOLS))
    world.open(CLIENT_PORTS[0])
    for _ in range(10):
        world.send(CLIENT_PORTS[0], 0, COMMANDS[0])
        world.send(CLIENT_PORTS[0], 1, REPLIES[5])
    assert (watched.recorded, watched.counted) == (1, 9)
    for reply in (b"%1\r\n+a\r\n:1\r\n", REPLIES[0]):
        world.send(CLIENT_PORTS[0], 0, COMMANDS[0])
        world.send(CLIENT_PORTS[0], 1, reply)
    assert (watched.recorded, watched.counted) == (2, 10)
