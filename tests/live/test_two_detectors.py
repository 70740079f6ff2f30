"""Two detectors on one Prometheus and one Alertmanager: people are told as if there were one that is never away."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from quickstart.debian import Tree
from tests.live.exporter import Exporter
from tests.live.history import backfill
from tests.live.support import stack
from tests.live.support.processes import free_port
from tests.live.support.receiver import Receiver, receiver
from tests.live.support.stack import Process, alertmanager, detector, is_ready, prometheus
from tests.live.support.waiting import looks, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

RATES = {"shop": 50.0, "cart": 20.0}
RESEND_SECONDS = 5
FLAGS = (
    *("--evaluation.interval=2s", "--query.window=20s", f"--alertmanager.resend-delay={RESEND_SECONDS}s"),
    *("--history.duration=13d", "--history.step=60s", "--fit.workers=1"),
)
WINDOW_SECONDS = 24  # the rate window and a little more; there is one scrape each second
EXPIRED_SECONDS = 5 * RESEND_SECONDS  # an alert that nobody sends again is over by then
# One notification for each set of labels and no repeats. Alertmanager's pause between notifications, by default five
# minutes, is what covers that one of two sees the end some evaluations before the other.
ROUTE = {
    "receiver": "people",
    "group_by": ["..."],
    "group_wait": "0s",
    "group_interval": "30s",
    "repeat_interval": "4h",
}
FIRING, RESOLVED = "firing", "resolved"


@dataclass(frozen=True, slots=True)
class Twin:
    """One of two detectors, and what it alone posts."""

    process: Process
    posts: Receiver

    def kill(self) -> None:
        stack.kill(self.process)

    def start(self) -> None:
        self.process.child.start()
        until(lambda: is_ready(self.process.url), 60, lambda: f"not ready:\n{self.process.child.tail()}")


@dataclass(frozen=True, slots=True)
class Scene:
    """What both watch, and who is told."""

    exporter: Exporter
    people: Receiver
    first: Twin
    second: Twin

    def told(self, service: str) -> list[str]:
        """What people were told of one service: the statuses in their order."""
        return [
            status for status, labels in self.people.notifications() if json.loads(labels)["service_name"] == service
        ]

    def alone(self, one: Twin, service: str) -> None:
        """Wait for so long on one detector that what it did not send again would be over."""
        before, end = self.told(service), time.monotonic() + EXPIRED_SECONDS
        sent = len(one.posts.posted)
        for _ in looks(lambda: time.monotonic() < end, 2 * EXPIRED_SECONDS):
            assert self.told(service) == before
        assert len(one.posts.posted) > sent


@pytest.fixture
def scene(tree: Tree, tmp_path: Path) -> Iterator[Scene]:
    with Exporter(RATES).serving() as exporter, receiver() as people:
        target = exporter.url.partition("//")[2]
        backfill(
            tree.binary("promtool"),
            tmp_path / "tsdb",
            RATES,
            f'job="larimar",instance="{target}"',
            time.time(),
            days=14,
        )
        with (
            prometheus(tree, tmp_path, {"larimar": [target]}, 1.0) as metrics,
            alertmanager(tree, tmp_path, ROUTE, people.url) as notified,
        ):
            filled = f'count_over_time(up{{job="larimar"}}[1m]) > {WINDOW_SECONDS}'
            until(lambda: metrics.query(filled), 60, "a full window")
            with (
                twin(tmp_path / "first", metrics.url, notified.url) as first,
                twin(tmp_path / "second", metrics.url, notified.url) as second,
            ):
                yield Scene(exporter, people, first, second)


@contextmanager
def twin(folder: Path, metrics: str, notified: str) -> Iterator[Twin]:
    folder.mkdir()
    with (
        receiver() as posts,
        detector(folder, free_port(), metrics, notified, f"--alertmanager.url={posts.url}", *FLAGS) as process,
    ):
        until(lambda: is_ready(process.url), 60, lambda: f"not ready:\n{process.child.tail()}")
        yield Twin(process, posts)


def test_whichever_is_killed_people_are_told_of_each_incident_once_and_of_its_end_once(scene: Scene) -> None:
    first, second = scene.first, scene.second

    scene.exporter.stopped.add("shop")
    until(lambda: scene.told("shop"), 60, "nobody was told of the stopped service")
    first.kill()
    scene.alone(second, "shop")
    first.start()
    second.kill()
    scene.alone(first, "shop")
    assert scene.told("shop") == [FIRING]
    scene.exporter.stopped.clear()
    until(lambda: RESOLVED in scene.told("shop"), 150, "nobody was told of its end")

    scene.exporter.errors["cart"] = 0.3  # of which only one of them knows at first
    until(lambda: scene.told("cart"), 60, "nobody was told of the errors")
    second.start()
    first.kill()
    scene.alone(second, "cart")
    first.start()
    scene.exporter.errors.clear()
    until(lambda: RESOLVED in scene.told("cart"), 150, "nobody was told of the end of the errors")

    scene.exporter.added_seconds["shop"] = 0.5
    until(lambda: len(scene.told("shop")) > 2, 60, "nobody was told of the latency")
    scene.exporter.added_seconds.clear()
    until(lambda: len(scene.told("shop")) > 3, 90, "nobody was told of the end of the latency")
    scene.alone(first, "shop")

    assert scene.told("shop") == [FIRING, RESOLVED, FIRING, RESOLVED]
    assert scene.told("cart") == [FIRING, RESOLVED]
    assert first.posts.labels() == second.posts.labels() == {labels for _, labels in scene.people.notifications()}
