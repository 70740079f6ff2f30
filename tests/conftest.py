import pytest

from quickstart.debian import Tree
from tests.live.support import packages


@pytest.fixture(scope="session")
def tree() -> Tree:
    """The programs of real servers: those on PATH, else fetched once; tests that use it are `live`."""
    return packages.tree()
