"""What a service did lately: amounts whose weight halves with time, and what it holds now."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

HALF_LIFE_SECONDS = 60.0


class Amount(Enum):
    """What only grows while a service lives; seconds, bytes or numbers."""

    CPU_USER = auto()
    CPU_SYSTEM = auto()
    FAULTS = auto()
    READ_BYTES = auto()
    WRITTEN_BYTES = auto()
    READ_CALLS = auto()
    WRITE_CALLS = auto()
    ACCEPTS = auto()
    CONNECTS = auto()
    SERVED = auto()
    FAILED = auto()
    ASKED = auto()
    REQUEST_BYTES = auto()
    RESPONSE_BYTES = auto()
    GOT_BYTES = auto()
    WRITES = auto()
    TIMED = auto()
    RESPONSE_SECONDS = auto()
    SPEAKS_HTTP = auto()
    SPEAKS_RECORDS = auto()
    SPEAKS_KEYS = auto()
    SPEAKS_MESSAGES = auto()
    SPEAKS_NAMES = auto()
    SPEAKS_MAIL = auto()
    SPEAKS_SEARCH = auto()
    SPEAKS_DIRECTORY = auto()
    SPEAKS_OTHER = auto()
    ASKS_HTTP = auto()
    ASKS_RECORDS = auto()
    ASKS_KEYS = auto()
    ASKS_MESSAGES = auto()
    ASKS_NAMES = auto()
    ASKS_OTHER = auto()


@dataclass(frozen=True, slots=True)
class Holding:
    """What a service has at one moment.

    Attributes:
        processes, threads, open_files: numbers.
        resident_bytes: memory.
        ports: the TCP ports that it listens on, those of the ephemeral range left out unless it has no others.
        datagram_ports: the same of UDP.
        is_interpreted: whether a language runtime runs it.
        has_io: whether its disk and call counts may be read.
    """

    processes: int = 0
    threads: int = 0
    open_files: int = 0
    resident_bytes: int = 0
    ports: frozenset[int] = frozenset()
    datagram_ports: frozenset[int] = frozenset()
    is_interpreted: bool = False
    has_io: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A service's counters since it was first seen, and what it holds; amounts that are missing are zero."""

    amounts: Mapping[Amount, float]
    holding: Holding


@dataclass(slots=True)
class Activity:
    """What a service did lately.

    Attributes:
        sums: by amount, each growth halved in weight after every half-life.
        seconds: the weight of the time that they are of; a sum divided by it is a rate.
        steps, squares: of the growth in requests between two readings, the weighted sum of it and of its square.
        count: the weighted number of readings.
        age_seconds: since the first reading.
        holding: the newest.
    """

    sums: dict[Amount, float] = field(default_factory=dict)
    seconds: float = 0.0
    steps: float = 0.0
    squares: float = 0.0
    count: float = 0.0
    age_seconds: float = 0.0
    holding: Holding = Holding()
    _last: Reading | None = None

    def add(self, reading: Reading, seconds: float) -> None:
        """Take a reading that is `seconds` younger than the one before; the first one only begins."""
        last, self._last, self.holding = self._last, reading, reading.holding
        if last is None or seconds <= 0:
            return
        kept = math.exp2(-seconds / HALF_LIFE_SECONDS)
        self.age_seconds += seconds
        self.seconds = self.seconds * kept + seconds
        for amount in self.sums.keys() | reading.amounts.keys():
            growth = max(0.0, reading.amounts.get(amount, 0.0) - last.amounts.get(amount, 0.0))
            self.sums[amount] = self.sums.get(amount, 0.0) * kept + growth
        step = sum(
            max(0.0, reading.amounts.get(amount, 0.0) - last.amounts.get(amount, 0.0))
            for amount in (Amount.SERVED, Amount.ASKED)
        )
        self.steps = self.steps * kept + step
        self.squares = self.squares * kept + step * step
        self.count = self.count * kept + 1

    def amount(self, amount: Amount) -> float:
        """Return the weighted sum of one amount."""
        return self.sums.get(amount, 0.0)

    def rate(self, amount: Amount) -> float:
        """Return one amount per second."""
        return self.sums.get(amount, 0.0) / self.seconds if self.seconds else 0.0
