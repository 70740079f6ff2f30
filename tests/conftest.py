import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import settings

from quickstart.debian import Tree
from tests.live.support import packages

LIVE = Path(__file__).parent / "live"
BACKGROUND_NICENESS = 15

# The same examples at every run; `make fuzz` is what looks for new ones.
settings.register_profile("fixed", derandomize=True, deadline=None)  # time is measured in benchmarks, not here
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def tree() -> Tree:
    """The programs of real servers: those on PATH, else fetched once; tests that use it are `live`."""
    return packages.tree()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that wait for real processes, the longest first: the others fill that time meanwhile."""
    items.sort(key=lambda item: (LIVE not in item.path.parents, item.get_closest_marker("live") is None))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> object:
    """Let the tests that time real servers go before those that only compute, which run beside them.

    Only who may raise a priority again lowers it; without that privilege there are no live captures either.
    """
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    if os.geteuid() == 0 and item.get_closest_marker("live") is None:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, BACKGROUND_NICENESS)
    try:
        return (yield)
    finally:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, usual)
