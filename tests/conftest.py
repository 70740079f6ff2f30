import pytest

from quickstart.debian import Tree
from tests.live.support import packages


@pytest.fixture(scope="session")
def tree() -> Tree:
    """The programs of real servers: those on PATH, else fetched once; tests that use it are `live`."""
    return packages.tree()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that wait for real processes: the others fill that time on the other workers."""
    items.sort(key=lambda item: item.get_closest_marker("live") is None)
