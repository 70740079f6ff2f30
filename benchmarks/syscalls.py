"""What counting system calls costs who makes them: `python -m benchmarks.syscalls [--rounds N] [--continuous N]`.

Redis at full load over loopback, for which a request is little but system calls. Each round has three turns in random
order: two without counting, and one with the exporter's default windows; the two are each other's control (A/A).
Processor time is Redis' by the scheduler's count, per request by its own count. Medians and their 95 % intervals
are of the ratios within rounds. Then the same for counting all the time. As root; `--json` prints one object.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks import recording
from benchmarks.throttle import Load, loads
from exporter.app import SYSCALL_WINDOWS
from exporter.services.windows import Windows
from exporter.sources.callcounts import Counting
from exporter.sources.calling import Calling
from exporter.sources.pidnamespace import shown_by

ROUNDS, SECONDS = 40, 4.0
SETTLING_SECONDS = 3.0
RESAMPLES = 4000
OFF, CONTROL, ON = "off", "control", "on"


@dataclass(frozen=True, slots=True)
class Ratio:
    """Processor time per request beside that without counting: the median of the rounds, and its 95 % interval."""

    median: float
    lower: float
    upper: float
    mean: float
    rounds: int


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--continuous", type=int, default=0, help="rounds of counting all the time")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each turn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        redis = loads(recording.programs(), Path(folder), running)["redis"]
        windows = replace(SYSCALL_WINDOWS, dice=dice.random)
        figures = {
            **ratios("windows", redis, windows, arguments.rounds, arguments.seconds, dice),
            **ratios("continuous", redis, None, arguments.continuous, arguments.seconds, dice),
        }
    if arguments.json:
        print(json.dumps({name: asdict(ratio) for name, ratio in figures.items()}))
        return 0
    for name, ratio in figures.items():
        print(f"{name:20}x{ratio.median:.4f} ({ratio.lower:.4f} {ratio.upper:.4f}) in {ratio.rounds} rounds")
    return 0


def ratios(
    name: str, load: Load, windows: Windows | None, rounds: int, seconds: float, dice: random.Random
) -> dict[str, Ratio]:
    """Return what counting costs, and what not counting does."""
    if not rounds:
        return {}
    counted, controls = [], []
    with load.running() as pids:
        time.sleep(SETTLING_SECONDS)
        server = pids()[1]
        for _ in range(rounds):
            order = [OFF, CONTROL, ON]
            dice.shuffle(order)
            turns = {kind: turn(load, server, windows, seconds, counts=kind == ON) for kind in order}
            counted.append(turns[ON] / turns[OFF])
            controls.append(turns[CONTROL] / turns[OFF])
    return {name: ratio(counted, dice), f"{name} control": ratio(controls, dice)}


def turn(load: Load, server: int, windows: Windows | None, seconds: float, *, counts: bool) -> float:
    """Return Redis' processor time per request in nanoseconds, with or without counting."""
    stop = threading.Event()
    with ExitStack() as ending:
        if counts:
            calling = Calling(Counting(shown_by(Path("/proc"))), windows, lambda: {server: "redis"}, time.monotonic)
            thread = threading.Thread(target=calling.run, args=(stop,))
            ending.callback(calling.close)
            ending.callback(thread.join)
            ending.callback(stop.set)
            thread.start()
        requests, used = load.requests(), used_ns(server)
        time.sleep(seconds)
        requests, used = load.requests() - requests, used_ns(server) - used
    return used / requests


def used_ns(pid: int) -> int:
    """Return the processor time of a process of one thread."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def ratio(values: Sequence[float], dice: random.Random) -> Ratio:
    """Return the median with the interval that resampling gives."""
    medians = sorted(statistics.median(dice.choices(values, k=len(values))) for _ in range(RESAMPLES))
    lower, upper = medians[RESAMPLES // 40], medians[-RESAMPLES // 40]
    return Ratio(statistics.median(values), lower, upper, statistics.fmean(values), len(values))


if __name__ == "__main__":
    sys.exit(main())
