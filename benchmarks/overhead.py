"""What watching costs the watched: `python -m benchmarks.overhead [--rounds N] [--seconds S] [--only LOAD] [--json]`.

Servers at full load over loopback, with nobody looking, beside the exporter as it is delivered, beside the exporter
that may use as much as it likes, beside `tcpdump -s 256 -w /dev/null`, and beside a scapy sniffer. As root. Each
watcher's turn lies between two without any, and is compared with their mean; medians and quartiles are of the turns.

Processor time per request is that of the server and of its load generator, where the kernel's part of a capture falls;
the watcher's own time per request stands beside it, and of the exporter's that of the thread that captures.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from benchmarks import recording
from benchmarks.exporter import cpu_seconds, exporter, read, sample
from benchmarks.throttle import Load, Pids, loads
from quickstart.debian import Tree

ROUNDS, SECONDS = 5, 4.0
SETTLING_SECONDS = 2.0
SNIFFER = "import scapy.all; print(flush=True); scapy.all.sniff(iface='lo', store=False, prn=lambda packet: None)"


@dataclass(frozen=True, slots=True)
class Turn:
    """What was measured while a load ran, per second or per request in seconds of processor time."""

    rate: float
    served: float
    watched: float
    thread: float


@dataclass(frozen=True, slots=True)
class Quartiles:
    """A quarter, a half and three quarters of the pairs are at most these."""

    lower: float
    median: float
    upper: float


@dataclass(frozen=True, slots=True)
class Cost:
    """A watcher beside a load.

    Attributes:
        requests_ratio: requests a second, divided by those of the turns before and after it.
        added_ratio: what the processor time per request of the server and its clients is beyond those turns', divided
            by it.
        watcher_us: processor time of the watcher per request, microseconds.
        thread_us: of that the thread that captures, 0 where it is not told.
    """

    requests_ratio: Quartiles
    added_ratio: Quartiles
    watcher_us: Quartiles
    thread_us: Quartiles


@dataclass(frozen=True, slots=True)
class Watching:
    """A running watcher, and the processor time of its thread that captures."""

    pid: int
    thread: Callable[[], float] = lambda: 0.0


Watcher = Callable[[], AbstractContextManager[Watching]]


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of each watcher beside each load")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each turn")
    parser.add_argument("--only", action="append", default=[], help="a load; may be repeated")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        tree = recording.programs()
        found = loads(tree, Path(folder), running)
        asked = {name: load for name, load in found.items() if name in (arguments.only or found)}
        figures = {
            name: costs(load, watchers(tree), arguments.rounds, arguments.seconds) for name, load in asked.items()
        }
    if arguments.json:
        print(
            json.dumps({load: {name: asdict(cost) for name, cost in found.items()} for load, found in figures.items()})
        )
    else:
        table(figures)
    return 0


def table(figures: Mapping[str, Mapping[str, Cost]]) -> None:
    """Print medians with their quartiles."""
    for load, found in figures.items():
        print(f"{load:20}{'requests/s':>24}{'CPU/request added':>24}{'watcher us/request':>24}{'its thread':>22}")
        for name, cost in found.items():
            print(
                f"  {name:18}{told(cost.requests_ratio, 'x'):>24}{told(cost.added_ratio, '%', 100):>24}"
                f"{told(cost.watcher_us):>24}{told(cost.thread_us):>22}"
            )


def told(quartiles: Quartiles, unit: str = "", scale: float = 1.0) -> str:
    """Return the median and the quartiles."""
    lower, median, upper = (scale * value for value in (quartiles.lower, quartiles.median, quartiles.upper))
    return f"{median:.2f}{unit} ({lower:.2f} {upper:.2f})"


def watchers(tree: Tree) -> dict[str, Watcher]:
    """Return what starts each watcher."""
    dump = [str(tree.binary("tcpdump")), "-i", "lo", "-s", "256", "-w", "/dev/null", "-Z", "root"]
    return {
        "larimar": larimar,
        "larimar_unbounded": partial(larimar, "--capture.cpu-budget=64"),
        "tcpdump": partial(program, dump, tree.environment({})),
        "scapy": partial(program, [sys.executable, "-c", SNIFFER], {}),
    }


@contextmanager
def larimar(*flags: str) -> Iterator[Watching]:
    """Run the exporter."""
    with exporter(*flags) as (pid, url):
        yield Watching(pid, lambda: sample(read(f"{url}/metrics"), "larimar_capture_cpu_seconds_total"))


@contextmanager
def program(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Watching]:
    """Run another program, which says something once it captures."""
    output = subprocess.STDOUT
    with subprocess.Popen(command, env=environment or None, stdout=subprocess.PIPE, stderr=output) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield Watching(process.pid)
        finally:
            process.kill()


def costs(load: Load, starting: Mapping[str, Watcher], rounds: int, seconds: float) -> dict[str, Cost]:
    """Return what each watcher costs a load, which goes on all the time: each start of it would cost differently."""
    found: dict[str, list[tuple[Turn, Turn, Turn]]] = {name: [] for name in starting}
    dice = random.Random(1)
    with load.running() as pids:
        before = turn(load, pids, None, seconds)
        for _ in range(rounds):
            for name, start in dice.sample(list(starting.items()), len(starting)):  # what came before lingers
                with start() as watching:
                    beside = turn(load, pids, watching, seconds)
                after = turn(load, pids, None, seconds)
                found[name].append((before, beside, after))
                before = after
    return {name: cost(measured) for name, measured in found.items()}


def turn(load: Load, pids: Pids, watching: Watching | None, seconds: float) -> Turn:
    """Measure the load once it has settled."""
    time.sleep(SETTLING_SECONDS)
    workers = pids()
    requests, served, at = load.requests(), sum(map(cpu_seconds, workers)), time.monotonic()
    thread, watched = (watching.thread(), cpu_seconds(watching.pid)) if watching is not None else (0.0, 0.0)
    time.sleep(seconds)
    requests, seconds = load.requests() - requests, time.monotonic() - at
    served = sum(map(cpu_seconds, workers)) - served
    if watching is not None:
        watched, thread = cpu_seconds(watching.pid) - watched, watching.thread() - thread
    return Turn(requests / seconds, served / requests, watched / requests, thread / requests)


def cost(measured: Sequence[tuple[Turn, Turn, Turn]]) -> Cost:
    """Return the quartiles of how turns differ from those before and after them."""
    return Cost(
        quartiles([2 * beside.rate / (before.rate + after.rate) for before, beside, after in measured]),
        quartiles([2 * beside.served / (before.served + after.served) - 1 for before, beside, after in measured]),
        quartiles([beside.watched * 1e6 for _, beside, _ in measured]),
        quartiles([beside.thread * 1e6 for _, beside, _ in measured]),
    )


def quartiles(values: Sequence[float]) -> Quartiles:
    """Return the quartiles of one value or more."""
    if len(values) == 1:
        return Quartiles(values[0], values[0], values[0])
    return Quartiles(*statistics.quantiles(values, method="inclusive"))


if __name__ == "__main__":
    sys.exit(main())
