"""Finding the owners of sockets looks at few processes, and gives up on what cannot be found."""

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from exporter.sources.owners import SocketOwners
from tests.exporter.sources.proctree import ProcTree


@pytest.fixture
def tree(tmp_path: Path) -> ProcTree:
    tree = ProcTree.at(tmp_path / "proc")
    for pid in (1, 10, 11):
        tree.add(pid, b"/opt/x")
    return tree


def test_the_owner_of_a_socket_is_found_and_remembered(tree: ProcTree) -> None:
    owners = SocketOwners(tree.path)
    tree.open_socket(10, 3, 77)
    assert owners.resolve({77}, {1, 10, 11}, 0.0) == {77: 10}
    shutil.rmtree(tree.path / "10" / "fd")

    assert owners.resolve({77}, {1, 10, 11}, 1.0) == {77: 10}


def test_a_socket_whose_owner_ended_is_its_heirs(tree: ProcTree) -> None:
    owners = SocketOwners(tree.path)
    tree.open_socket(10, 3, 77)
    tree.open_socket(11, 3, 77)
    assert owners.resolve({77}, {1, 10, 11}, 0.0) == {77: 11}

    assert owners.resolve({77}, {1, 10}, 10.0) == {77: 10}


def test_what_was_not_found_thrice_is_looked_for_no_more(tree: ProcTree) -> None:
    owners = SocketOwners(tree.path)
    for now in (0.0, 10.0, 20.0):
        assert owners.resolve({77}, {1, 10, 11}, now) == {}
    tree.open_socket(10, 3, 77)

    assert owners.resolve({77}, {1, 10, 11}, 30.0) == {}


def test_searching_everything_takes_a_small_share_of_the_time(tree: ProcTree) -> None:
    ticks = count()
    owners = SocketOwners(tree.path, clock=lambda: float(next(ticks)))  # a search takes a second
    for pid in (1, 10, 11):  # so that their number of files does not change
        (tree.path / str(pid) / "fd" / "3").symlink_to("/dev/null")
    owners.resolve({5}, {1, 10, 11}, 0.0)
    (tree.path / "10" / "fd" / "3").unlink()
    tree.open_socket(10, 3, 77)

    assert owners.resolve({77}, {1, 10, 11}, 49.0) == {}
    assert owners.resolve({77}, {1, 10, 11}, 50.0) == {77: 10}


@pytest.fixture
def nobody() -> Iterator[None]:
    """Be a user without privileges for a while."""
    if os.geteuid() == 0:
        os.seteuid(65534)
    yield
    if os.getuid() == 0:
        os.seteuid(0)


@pytest.mark.usefixtures("nobody")
def test_processes_of_others_are_counted_as_hidden() -> None:
    owners = SocketOwners(Path("/proc"))

    owners.resolve({2**31}, {1}, 0.0)

    assert owners.forbidden == 1
