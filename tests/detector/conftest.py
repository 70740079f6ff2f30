"""A shop's Prometheus and its Alertmanager, and a detector that knows the shop in good health."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.detector.running import START, FakeClock, Run, running, settings
from tests.detector.servers import FakeAlertmanager, FakePrometheus
from tests.detector.world import World, shop


@pytest.fixture
def world() -> World:
    return shop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture
def prometheus(world: World) -> Iterator[FakePrometheus]:
    with FakePrometheus(world).serving() as server:
        yield server


@pytest.fixture
def alertmanager(clock: FakeClock) -> Iterator[FakeAlertmanager]:
    with FakeAlertmanager(clock.now).serving() as server:
        yield server


@pytest.fixture(scope="session")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a detector learns of the world in good health, as it leaves it on disk."""
    folder = tmp_path_factory.mktemp("learnt")
    with FakePrometheus(shop()).serving() as prometheus, running(settings(prometheus, folder), FakeClock(START)) as run:
        run.until(START)
    return (folder / "baselines.npz").read_bytes()


@pytest.fixture
def folder(tmp_path: Path, learnt: bytes) -> Path:
    (tmp_path / "baselines.npz").write_bytes(learnt)
    return tmp_path


@pytest.fixture
def run(prometheus: FakePrometheus, alertmanager: FakeAlertmanager, clock: FakeClock, folder: Path) -> Iterator[Run]:
    with running(settings(prometheus, folder, alertmanager), clock) as started:
        yield started
