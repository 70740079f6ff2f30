from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.support.namespace import own_loopback
from tests.live.support.stack import may_capture


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as live."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="module", autouse=True)
def _alone_on_loopback() -> Iterator[None]:
    """Keep what tests run beside each other from being counted by each other's exporters, where that is permitted."""
    with own_loopback():
        yield


@pytest.fixture(scope="session")
def capturing() -> None:
    """Skip where no packet can be seen."""
    if not may_capture():
        pytest.skip("needs CAP_NET_RAW: run the tests as root or in a container with --cap-add NET_RAW")
