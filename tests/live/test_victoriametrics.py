"""The detector on VictoriaMetrics instead of Prometheus."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import requests

from detector.clients.endpoint import Credentials, Endpoint
from detector.clients.matrix import Grid
from detector.clients.prometheus import Prometheus, QueryError
from detector.model import Bad, Kind, Signal
from detector.pull import Puller
from detector.reader import Reader
from quickstart.debian import Tree
from tests.detector.running import AtOnce
from tests.live.exporter import Exporter
from tests.live.history import MINUTE, exposition
from tests.live.support import packages
from tests.live.support.processes import Command, free_port, running
from tests.live.support.stack import alertmanager, detector, is_ready, url_of
from tests.live.support.waiting import until

RATES = {"shop": 50.0, "cart": 20.0}
FLAGS = (
    *("--evaluation.interval=2s", "--query.window=20s", "--alertmanager.resend-delay=5s"),
    *("--history.duration=13d", "--history.step=60s", "--fit.workers=1"),
)


@contextmanager
def victoriametrics(folder: Path, target: str) -> Iterator[str]:
    """Run a VictoriaMetrics that scrapes one target each second."""
    program = packages.with_programs("victoria-metrics").binary("victoria-metrics")
    url = url_of(port := free_port())
    scrapes = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "larimar", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "scrapes.yml").write_text(json.dumps(scrapes))
    command = Command(
        (
            *(program, f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder / 'data'}"),
            *(f"-promscrape.config={folder / 'scrapes.yml'}", "-retentionPeriod=2", "-memory.allowedBytes=256MB"),
        ),
        folder / "victoriametrics.log",
    )
    with running(command, lambda: is_ready(url)):
        yield url


def client(url: str) -> Prometheus:
    return Prometheus(Endpoint(url, Credentials(), 10.0, 1 << 24), lambda _: None, lambda _: None)


def load(url: str, text: str) -> None:
    requests.post(f"{url}/api/v1/import/prometheus", data=text, timeout=60).raise_for_status()
    requests.get(f"{url}/internal/force_flush", timeout=60).raise_for_status()


def test_the_newest_seconds_are_not_hidden(tmp_path: Path) -> None:
    with Exporter(RATES).serving() as exporter, victoriametrics(tmp_path, exporter.url.partition("//")[2]) as url:
        until(lambda: client(url).query("up == 1", time.time() - 2).labels, 20, "a sample of two seconds ago")


def test_grids_are_answered_as_they_are_asked(tmp_path: Path) -> None:
    with victoriametrics(tmp_path, "127.0.0.1:9") as url:
        now = int(time.time()) // MINUTE * MINUTE
        times = range(now - 10 * MINUTE, now + 1, MINUTE)
        load(url, "".join(f'value{{service_name="a"}} {at - now} {at}000\n' for at in times))
        prometheus = client(url)
        grid = Grid(now - 4 * MINUTE, MINUTE, 5)
        assert prometheus.query_range("value", grid).values.tolist() == [[-240.0, -180.0, -120.0, -60.0, 0.0]]
        assert prometheus.query("value", float(now)).values.tolist() == [[0.0]]
        assert not np.isfinite(prometheus.query("value / 0", float(now)).values).any()
        with pytest.raises(QueryError) as refused:
            prometheus.query("sum(", float(now))
        assert refused.value.reason == "refused"


def test_the_newest_of_several_columns_are_not_those_before_again(tmp_path: Path) -> None:
    with victoriametrics(tmp_path, "127.0.0.1:9") as url:
        now = int(time.time())
        load(url, "".join(f'value{{service_name="a"}} {at} {at}000\n' for at in range(now - 120, now + 1)))
        signal = Signal("own", "value", "things", Bad.UP, Kind.GAUGE, "", "", 1.0, False, 1)
        puller = Puller(client(url), (signal,), 20.0, AtOnce(), Reader((signal,)))
        grid = Grid(now - 100.0, 2.0, 51)
        seen = puller.observe(grid).history
        assert seen.values.tolist() == [[grid.start + 2.0 * column for column in range(51)]]


@pytest.mark.long
def test_a_service_that_stops_is_told_of_and_its_return_too(tree: Tree, tmp_path: Path) -> None:
    with Exporter(RATES).serving() as exporter:
        target = exporter.url.partition("//")[2]
        with victoriametrics(tmp_path, target) as url, alertmanager(tree, tmp_path) as notified:
            load(url, exposition(RATES, f'job="larimar",instance="{target}"', time.time(), days=14))
            full = 'count_over_time(up{job="larimar"}[2m]) > 84'  # what is replayed, and a window before it
            until(lambda: client(url).query(full, time.time()).labels, 120, "a full window")
            with detector(tmp_path, free_port(), url, notified.url, *FLAGS) as watching:
                until(lambda: is_ready(watching.url), 60, "the first evaluation")
                assert notified.firing(list(RATES)) == []
                exporter.stopped.add("shop")
                (alert,) = until(lambda: notified.firing(list(RATES)), 60, "an alert for the stopped service")
                assert alert["labels"]["alertname"] == "LarimarServiceSilent"
                assert alert["labels"]["service_name"] == "shop"
                exporter.stopped.clear()
                until(lambda: notified.firing(list(RATES)) == [], 60, "the end of the alert")
