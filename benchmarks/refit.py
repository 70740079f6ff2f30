"""Measures a whole detector at full size: the first fit, evaluations, and a refit beside them.

usage: python -m benchmarks.refit [--series 100000] [--days 28] [--first-days 2] [--hours 2] [--cores 2] [--json]

A VictoriaMetrics on loopback is filled with four weeks of the exporter's metrics and with samples of the hours to come,
two for each window. The product's own command then runs against it, with the settings that it has by default but for
when it fits, until it has fitted twice: first from --first-days, for without baselines there are no evaluations to be
delayed, then from all of history. --prometheus takes one that is filled already; its state may be kept (--state).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.backfill import Span, fill, victoriametrics
from benchmarks.detector import on_cores
from benchmarks.ports import free_ports
from benchmarks.stored import SIGNALS_PER_SERVICE, STEP
from quickstart.debian import obtain

INTERVAL = 60.0
DELAY = 10.0  # the detector leaves scrapes so long to be stored
LOOK_SECONDS = 1.0


@dataclass(slots=True)
class Watch:
    """What was seen of one detector, by looking at its files and its processes."""

    started: float
    fitted: list[float] = field(default_factory=list)
    late: list[tuple[float, float]] = field(
        default_factory=list
    )  # when evaluations ended, and how late after their time
    peak: int = 0
    peak_all: int = 0
    settled: int = 0
    cpu: float = 0.0

    def look(self, folder: Path, pid: int) -> None:
        """Take down what changed."""
        fitted, told = _written(folder / "baselines.npz"), _written(folder / "incidents.json")
        if fitted > max([self.started, *self.fitted]):
            self.fitted.append(fitted)
        if told > max([self.started, *(at for at, _ in self.late)]):
            evaluated = json.loads((folder / "incidents.json").read_text())["told_at"]
            self.late.append((told, told - evaluated - DELAY))
        own, all_of_it = _resident(pid), sum(map(_resident, _family(pid)))
        self.peak, self.peak_all = max(self.peak, own), max(self.peak_all, all_of_it)
        self.settled = own

    def during(self, begin: float, end: float) -> list[float]:
        """How late evaluations were that ended between two times."""
        return [late for at, late in self.late if begin <= at <= end]


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _resident(pid: int) -> int:
    """Return how much of a process is in memory, in bytes; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for task in Path(f"/proc/{pid}/task").iterdir():
            if task.name != str(pid):
                children += (task / "children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


@contextmanager
def _detector(url: str, folder: Path, days: float, options: argparse.Namespace) -> Iterator["subprocess.Popen[bytes]"]:
    flags = [
        *(f"--web.listen-address=127.0.0.1:{free_ports(1)[0]}", f"--prometheus.url={url}", "--no-alerting"),
        *(f"--storage.path={folder}", f"--fit.workers={options.workers}", f"--fit.interval={options.every:g}s"),
        *(f"--history.duration={days:g}d", f"--prometheus.timeout={options.timeout:g}s"),
    ]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "detector", *flags], stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(120)


def measure(url: str, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Run a detector until it knows all series, then one that fits anew and three times more evaluates."""
    folder.mkdir(parents=True, exist_ok=True)
    first = _run(url, folder, options.first_days, 1, options) if options.first_days else None
    watch = _run(url, folder, options.days, options.fits, options)
    result = _told(watch, options)
    return {"first_s": round(first.fitted[0] - first.started, 1), **result} if first and first.fitted else result


def _run(url: str, folder: Path, days: float, fits: int, options: argparse.Namespace) -> Watch:
    """Watch a detector that learns from so many days, until it has so many fits, the one it began with among them."""
    watch, spent = Watch(time.time()), _spent()
    if begun_with := _written(folder / "baselines.npz"):
        watch.fitted.append(begun_with)
    deadline = watch.started + options.hours * 3600
    with _detector(url, folder, days, options) as process:
        while time.time() < deadline and process.poll() is None and not _enough(watch, fits):
            time.sleep(LOOK_SECONDS)
            watch.look(folder, process.pid)
            if watch.late and options.trace:
                print(
                    f"{time.time():.0f} {watch.late[-1][1]:.1f} {watch.settled >> 20} {len(watch.fitted)}", flush=True
                )
    watch.cpu = _spent() - spent
    return watch


def _spent() -> float:
    """Return the CPU time of all children that have ended, and of theirs, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _enough(watch: Watch, fits: int) -> bool:
    return len(watch.fitted) >= fits and sum(at > watch.fitted[fits - 1] for at, _ in watch.late) >= 3


def _told(watch: Watch, options: argparse.Namespace) -> dict[str, float]:
    result = {"cpu_s": watch.cpu}
    if len(watch.fitted) > 1:
        begin = (max(watch.started, watch.fitted[-2]) // options.every + 1) * options.every
        beside = watch.during(begin, watch.fitted[-1] + 2 * INTERVAL)
        alone = watch.during(max(watch.started, watch.fitted[0]) + 2 * INTERVAL, begin)
        result |= {
            "refit_s": watch.fitted[-1] - begin,
            "evaluations_beside": len(beside),
            "latest_beside_s": max(beside, default=float("nan")),
            "mean_beside_s": sum(beside) / max(1, len(beside)),
            "latest_alone_s": max(alone, default=float("nan")),
            "mean_alone_s": sum(alone) / max(1, len(alone)),
        }
    return {name: round(value, 1) for name, value in result.items()} | {
        "resident_mb": watch.settled >> 20,
        "peak_mb": watch.peak >> 20,
        "peak_with_workers_mb": watch.peak_all >> 20,
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--days", type=float, default=28)
    parser.add_argument("--first-days", type=float, default=2, help="0: as all fits")
    parser.add_argument("--hours", type=float, default=2, help="when to give up, and for how long there are samples")
    parser.add_argument("--fits", type=int, default=2)
    parser.add_argument("--every", type=float, default=3600, help="seconds between fits")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=60, help="of one query, in seconds")
    parser.add_argument("--prometheus", default="", help="URL of a server that is filled already")
    parser.add_argument("--state", type=Path, help="folder for the detector's state, to begin with what is there")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with ExitStack() as closing:
        closing.enter_context(on_cores(options.cores))
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        url = options.prometheus or closing.enter_context(_filled(folder, options))
        result = measure(url, options.state or folder / "state", options)
    print(
        json.dumps(result) if options.json else "\n".join(f"{name:24s} {value:12g}" for name, value in result.items())
    )
    return 0


@contextmanager
def _filled(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    tree = obtain(("victoria-metrics",), Path(".larimar/packages"), os.environ)
    now = int(time.time()) // STEP * STEP
    # What filling takes is over by then.
    span = Span(now - int(options.days * 86_400), now, now + int((options.hours + 1) * 3600))
    with victoriametrics(tree, folder) as url:
        fill(url, -(-options.series // SIGNALS_PER_SERVICE), span, 1)
        yield url


if __name__ == "__main__":
    sys.exit(main())
