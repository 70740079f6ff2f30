"""Counts the alerts that weeks of a healthy shop would have caused, through a real Prometheus and `larimar backtest`.

usage: python -m benchmarks.calm [--weeks 4] [--learnt 4] [--seed N] [--budget 3] [--json] [flag ...]

The shop's past (benchmarks/shop.py: seasons, a holiday, releases, restarts, failed scrapes, nothing wrong) is written
into Prometheus as blocks. Its newest weeks are lived again, each moment judged by what was known then. Exits with
status 1 unless there were fewer alerts than the budget accepts. Other flags are those of `larimar backtest`, such as
--evaluation.interval=5m, which takes a fifth of the time.
"""

import argparse
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from benchmarks.shop import MINUTE, SERVICES, write
from benchmarks.stored import prometheus
from detector.backtest.config import BacktestConfig
from detector.backtest.past import tell_past
from quickstart.debian import Tree, obtain
from toolkit.settings import load_or_exit

PROGRAMS = ("prometheus", "promtool")
TOLD_PARTS = 20
PACKAGES = Path(__file__).parents[1] / ".larimar" / "packages"


class Lines:
    """Progress as lines, one for each twentieth, which also a log can hold."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream, self._clock, self._begun, self._told = stream, clock, clock(), 0

    def __call__(self, share: float, doing: str = "") -> None:
        """Tell how much is done, from 0 to 1; what is under way beside that is no line worth."""
        if (done := int(TOLD_PARTS * share)) > self._told:
            self._told = done
            self._stream.write(f"{done / TOLD_PARTS:4.0%} lived again after {self._clock() - self._begun:.0f} s\n")
            self._stream.flush()

    def clear(self) -> None:
        """A line that is written stays."""


def replayed(url: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the alerts that the product would have sent. Raises QueryError: Prometheus gave no usable answer."""
    flags = [
        f"--prometheus.url={url}",
        f"--since={options.weeks * 7}d",
        f"--history.duration={options.learnt * 7}d",
        f"--alert-budget={options.budget:g}",
        "--fit.workers=1",
        *options.flags,
    ]
    config = load_or_exit(BacktestConfig, flags, os.environ, "benchmarks.calm")
    printed = io.StringIO()
    tell_past(config, True, None, printed, Lines(sys.stderr, time.monotonic))
    return [json.loads(line) for line in printed.getvalue().splitlines()]


def measure(tree: Tree, options: argparse.Namespace) -> dict[str, Any]:
    """Write the past, live it again, and return what was told of it."""
    with tempfile.TemporaryDirectory() as name:
        folder, begun = Path(name), time.monotonic()
        end = int(time.time()) // MINUTE * MINUTE
        samples = write(folder / "past.txt", options.weeks + options.learnt, end, options.seed)
        with prometheus(tree, folder, folder / "past.txt") as url:
            alerts = replayed(url, options)
    return {
        "services": len(SERVICES),
        "samples": samples,
        "weeks": options.weeks,
        "accepted": options.budget * options.weeks,
        "alerts": [
            {**alert["labels"], "at": alert["told_at"], "says": alert["annotations"]["summary"]} for alert in alerts
        ],
        "seconds": round(time.monotonic() - begun, 1),
    }


def show(result: dict[str, Any]) -> None:
    """Print each alert, and how many there were."""
    for alert in result["alerts"]:
        moment = time.strftime("%Y-%m-%d %H:%M", time.gmtime(alert["at"]))
        print(f"  {moment} {alert['alertname']:24s} {alert.get('service_name', ''):12s} {alert['says']}")
    print(
        f"{len(result['alerts'])} alerts in {result['weeks']} weeks of {result['services']} services in good health; "
        f"the budget accepts {result['accepted']:g}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weeks", type=int, default=4, help="that are lived again")
    parser.add_argument("--learnt", type=int, default=4, help="before them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=float, default=3.0, help="false alerts per week, of all series together")
    parser.add_argument("--json", action="store_true")
    options, flags = parser.parse_known_args(arguments)
    options.flags = flags
    result = measure(obtain(PROGRAMS, PACKAGES, os.environ), options)
    if options.json:
        print(json.dumps(result))
    else:
        show(result)
    return 0 if len(result["alerts"]) < result["accepted"] else 1


if __name__ == "__main__":
    sys.exit(main())
