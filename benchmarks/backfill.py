"""A VictoriaMetrics on loopback with weeks of 100,000 series in it: what promtool's text would take days to hold."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import requests

from benchmarks.ports import free_ports
from benchmarks.stored import FAMILIES, RECENT_SECONDS, STEP, TARGET, WINDOW, Family, Times, await_ready, values
from quickstart.debian import Tree

SCRAPE = WINDOW // 4
PATTERNS = 48  # different courses of each metric; services share them, for making them takes longer than storing them
SERVICES_AT_ONCE = 8
SENDERS = 3
MEMORY = "3GB"


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when there are samples, in seconds: coarse up to `now` but for the last minutes, then scrapes."""

    begin: int
    now: int
    end: int

    def times(self, counter: bool) -> Times:
        """When there are samples; a rate needs two within its window."""
        grid = np.arange(self.begin, self.now, STEP, dtype=np.int64)
        scrapes = np.arange(self.now - RECENT_SECONDS, self.end + 1, SCRAPE, dtype=np.int64)
        return np.unique(np.concatenate([grid, grid - WINDOW // 2, scrapes] if counter else [grid, scrapes]))


@contextmanager
def victoriametrics(tree: Tree, folder: Path) -> Iterator[str]:
    """Run one that scrapes nothing; gives its URL. Raises RuntimeError: it does not start."""
    url = f"http://127.0.0.1:{(port := free_ports(1)[0])}"
    program = str(tree.binary("victoria-metrics"))
    flags = [
        *(f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder / 'data'}", "-retentionPeriod=4"),
        *(f"-memory.allowedBytes={MEMORY}", "-search.maxUniqueTimeseries=3000000", "-loggerLevel=ERROR"),
    ]
    process = subprocess.Popen([program, *flags], env=tree.environment({}))
    try:
        await_ready(process, url)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def fill(url: str, services: int, span: Span, seed: int) -> int:
    """Store the metrics of so many services, and return how many samples they have.

    The newest come last, as if scraped: in one block with weeks of history, each look at them would unpack it all.
    """
    random = np.random.default_rng(seed)
    _post(url, _line("up", {}, _body(np.ones(len(span.times(False))), span.times(False))))
    stored = len(span.times(False))
    newest: list[list[bytes]] = []
    with ThreadPoolExecutor(SENDERS) as senders:
        for family in FAMILIES:
            times = span.times(family.counter)
            old = times < span.now - RECENT_SECONDS
            courses = [values(family, times, service, random) for service in range(PATTERNS)]
            newest.append([_body(course[~old], times[~old]) for course in courses])
            _send_all(senders, url, family, services, [_body(course[old], times[old]) for course in courses])
            stored += services * len(times)
        requests.get(f"{url}/internal/force_flush", timeout=600).raise_for_status()
        for family, bodies in zip(FAMILIES, newest, strict=True):
            _send_all(senders, url, family, services, bodies)
    requests.get(f"{url}/internal/force_flush", timeout=600).raise_for_status()
    return stored


def _send_all(senders: ThreadPoolExecutor, url: str, family: Family, services: int, courses: list[bytes]) -> None:
    pending = [
        senders.submit(_send, url, family, range(first, min(first + SERVICES_AT_ONCE, services)), courses)
        for first in range(0, services, SERVICES_AT_ONCE)
    ]
    for one in pending:
        one.result()


def _send(url: str, family: Family, services: range, courses: list[bytes]) -> None:
    labels = dict(part.split("=") for part in family.labels.strip(",").replace('"', "").split(",") if part)
    _post(
        url,
        b"".join(
            _line(family.name, {"service_name": f"service-{one:05}", **labels}, courses[one % PATTERNS])
            for one in services
        ),
    )


def _line(name: str, labels: dict[str, str], body: bytes) -> bytes:
    metric = {"__name__": name, **labels, **TARGET}
    return b'{"metric":' + str(metric).replace("'", '"').encode() + body


def _body(numbers: "np.typing.NDArray[np.float64]", times: Times) -> bytes:
    shown = ",".join(f"{number:.9g}" for number in numbers.tolist())
    return f',"values":[{shown}],"timestamps":[{",".join(f"{at}000" for at in times.tolist())}]}}\n'.encode()


def _post(url: str, body: bytes) -> None:
    requests.post(f"{url}/api/v1/import", data=body, timeout=300).raise_for_status()
