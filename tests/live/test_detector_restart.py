"""A detector between real servers, with two weeks of history behind it, killed while its alert fires."""

import signal
import time
from pathlib import Path
from typing import Any

import requests

from quickstart.debian import Tree
from tests.live.exporter import Exporter
from tests.live.history import backfill
from tests.live.support.processes import free_port
from tests.live.support.stack import Alertmanager, alertmanager, detector, prometheus
from tests.live.support.waiting import until

RATES = {"shop": 50.0, "cart": 20.0}
FLAGS = (
    *("--evaluation.interval=2s", "--query.window=20s", "--alertmanager.resend-delay=5s"),
    *("--history.duration=13d", "--history.step=60s", "--fit.workers=1"),
)
WINDOW_SECONDS = 24  # the rate window and a little more; there is one scrape each second


def ready(url: str) -> bool:
    return requests.get(f"{url}/-/ready", timeout=5).ok


def told(notified: Alertmanager) -> list[dict[str, Any]]:
    return notified.firing(list(RATES))


def test_a_killed_detector_neither_resolves_nor_repeats_its_alert(tree: Tree, tmp_path: Path) -> None:
    with Exporter(RATES).serving() as exporter:
        target = exporter.url.partition("//")[2]
        labels = f'job="larimar",instance="{target}"'
        backfill(tree.binary("promtool"), tmp_path / "tsdb", RATES, labels, time.time(), days=14)
        with (
            prometheus(tree, tmp_path, {"larimar": [target]}, 1.0) as metrics,
            alertmanager(tree, tmp_path) as notified,
        ):
            filled = f'count_over_time(up{{job="larimar"}}[1m]) > {WINDOW_SECONDS}'
            until(lambda: metrics.query(filled), 60, "a full window")
            with detector(tmp_path, free_port(), metrics.url, notified.url, *FLAGS) as watching:
                until(lambda: ready(watching.url), 60, "the first evaluation")
                assert told(notified) == []
                exporter.stopped.add("shop")
                first = until(lambda: told(notified), 30, "an alert for the stopped service")
                watching.child.end(signal.SIGKILL)
                watching.child.start()
                until(lambda: ready(watching.url), 60, "the first evaluation after the kill")
                repeats = until(lambda: _repeated(notified, first), 30, "the alert from the new detector")
                assert [alert["labels"]["alertname"] for alert in repeats] == ["LarimarServiceSilent"]
                assert [(one["fingerprint"], one["startsAt"]) for one in repeats] == [
                    (one["fingerprint"], one["startsAt"]) for one in first
                ]
                exporter.stopped.clear()
                until(lambda: told(notified) == [], 60, "the end of the alert")


def _repeated(notified: Alertmanager, first: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The alerts once they were sent anew."""
    now = told(notified)
    return now if now and now[0]["updatedAt"] > first[0]["updatedAt"] else []
