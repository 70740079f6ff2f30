"""Measures what it costs Prometheus to be asked who does something new: of everybody, and of those who changed.

usage: python -m benchmarks.novelty [--series 20000] [--looks 12] [--cores 2] [--json]

A Prometheus on loopback holds so many series of system calls, as they were a week, a day and an hour ago and lately;
one service in a hundred makes a new call in the last minutes.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import requests

from benchmarks.detector import on_cores
from benchmarks.stored import TARGET, Times, prometheus, write_series
from detector.app import ANSWER_BYTES
from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.matrix import Matrix
from detector.clients.prometheus import Prometheus
from detector.novelty import Novelty
from detector.signals import SHIPPED, load, with_window
from quickstart.debian import obtain

CALLS = 20  # of each service
NEW_SHARE = 0.01
SCRAPE = 30
WINDOW = 120.0
EVERY = 300


def write(path: Path, series: int, end: int) -> None:
    """Write counters as OpenMetrics, up to a time."""
    recent = np.arange(end - 4 * 3600, end + 1, SCRAPE, dtype=np.int64)
    past = [np.arange(end - ago - 3 * 3600, end - ago + 601, SCRAPE, dtype=np.int64) for ago in (7 * 86_400, 86_400)]
    times = np.concatenate([*past, recent])
    target = ",".join(f'{name}="{value}"' for name, value in TARGET.items())
    services = -(-series // CALLS)
    with path.open("w") as file:
        for metric in ("larimar_service_info", "larimar_service_syscalls_total", "process_start_time_seconds"):
            file.write(f"# TYPE {metric} unknown\n")
            if metric.startswith("process"):
                write_series(file.write, f"{metric}{{{target}}}", np.full(len(times), 1.7e9), times)
                continue
            for service in range(services):
                _service(file.write, metric, service, target, times)
        file.write("# EOF\n")


def _service(write: Callable[[str], object], metric: str, service: int, target: str, times: Times) -> None:
    labels = f'service_name="service-{service:05}",{target}'
    if metric == "larimar_service_info":
        write_series(write, f"{metric}{{{labels}}}", np.ones(len(times)), times)
        return
    for call in range(CALLS):
        is_new = call == 0 and service % round(1 / NEW_SHARE) == 0
        since = times[times > times[-1] - 600] if is_new else times
        write_series(
            write, f'{metric}{{{labels},syscall="call{call:03}"}}', np.arange(len(since), dtype=np.float64), since
        )


def measure(series: int, looks: int, cores: int) -> dict[str, float]:
    """Ask both ways at as many looks, the last of which is at the end of what is stored."""
    tree = obtain(("prometheus", "promtool"), Path(".larimar/packages"), os.environ)
    end = int(time.time()) // EVERY * EVERY
    signal = next(signal for signal in load((SHIPPED,)) if signal.name == "new_system_calls")
    with tempfile.TemporaryDirectory() as name, on_cores(cores):
        folder = Path(name)
        write(folder / "history.txt", series, end)
        with prometheus(tree, folder, folder / "history.txt") as url:
            client = Prometheus(Endpoint(url, Credentials(), 60.0, ANSWER_BYTES), lambda _: None, lambda _: None)
            novelty, everybody = Novelty(client, signal, WINDOW), with_window(signal.query, WINDOW)
            times = [end - EVERY * float(back) for back in reversed(range(looks))]
            spent = [_spent(url)]
            novelty.look(times[0] - EVERY)
            spent.append(_spent(url))
            changed = [novelty.look(at) for at in times]
            spent.append(_spent(url))
            of_all = [client.query(everybody, at) for at in times]
            spent.append(_spent(url))
    assert [_new(one) for one in changed] == [_new(one) for one in of_all]
    first, after, every = np.diff(spent)
    return {
        "series": float(series),
        "new": float(len(_new(changed[-1]))),
        "first_look_s": round(float(first), 3),
        "look_s": round(float(after) / looks, 4),
        "of_everybody_s": round(float(every) / looks, 4),
    }


def _new(matrix: Matrix) -> dict[str, float]:
    rows = zip(matrix.labels, matrix.values[:, 0], strict=True)
    return {labels["service_name"]: value for labels, value in rows if value}


def _spent(url: str) -> float:
    """Return the CPU time that Prometheus took so far, in seconds."""
    lines = requests.get(f"{url}/metrics", timeout=10).text.splitlines()
    return float(next(line for line in lines if line.startswith("process_cpu_seconds_total")).split()[1])


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=20_000)
    parser.add_argument("--looks", type=int, default=12)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    result = measure(options.series, options.looks, options.cores)
    print(json.dumps(result) if options.json else "\n".join(f"{key:16s} {value:10g}" for key, value in result.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
