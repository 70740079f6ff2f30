from pathlib import Path

import pytest

from quickstart.debian import Tree
from tests.live.support import packages

LIVE = Path(__file__).parent / "live"


@pytest.fixture(scope="session")
def tree() -> Tree:
    """The programs of real servers: those on PATH, else fetched once; tests that use it are `live`."""
    return packages.tree()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that wait for real processes, the longest first: the others fill that time meanwhile."""
    items.sort(key=lambda item: (LIVE not in item.path.parents, item.get_closest_marker("live") is None))
