"""Finding the owners of sockets looks at few processes, and gives up on what cannot be found."""

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from exporter.sources.owners import SocketOwners
from tests.exporter.sources.proctree import ProcTree

NOWHERE = 99  # no process has it


def add_files(tree: ProcTree, pid: int, files: int) -> None:
    for descriptor in range(3, 3 + files):
        (tree.path / str(pid) / "fd" / str(descriptor)).symlink_to("/dev/null")


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


def test_who_did_not_run_is_not_looked_through(tree: ProcTree) -> None:
    clocks = {1: 5, 10: 5, 11: 5}
    owners = SocketOwners(tree.path, times=lambda _pids: clocks)
    tree.open_socket(10, 3, 76)
    for now in (0.0, 1.0):
        assert owners.resolve({76}, {1, 10, 11}, now) == {76: 10}
    shutil.rmtree(tree.path / "11" / "fd")
    (tree.path / "11" / "fd").mkdir()
    tree.open_socket(11, 3, 77)

    assert owners.resolve({76, 77}, {1, 10, 11}, 10.0) == {76: 10}
    clocks[11] = 6
    assert owners.resolve({76, 77, 78}, {1, 10, 11}, 20.0) == {76: 10, 77: 11}


def test_a_socket_that_came_just_after_the_list_is_found_though_its_owner_sleeps_now(tree: ProcTree) -> None:
    clocks = {1: 5, 10: 5, 11: 5}
    owners = SocketOwners(tree.path, times=lambda _pids: clocks)
    tree.open_socket(10, 3, 76)
    owners.resolve({76}, {1, 10, 11}, 0.0)
    owners.resolve({76}, {1, 10, 11}, 10.0)
    tree.open_socket(10, 4, 77)
    tree.open_socket(11, 4, 78)
    clocks |= {10: 6, 11: 6}
    assert owners.resolve({76, 77}, {1, 10, 11}, 20.0) == {76: 10, 77: 10}

    assert owners.resolve({76, 77, 78}, {1, 10, 11}, 30.0) == {76: 10, 77: 10, 78: 11}


def test_a_socket_that_was_shared_is_its_heirs_though_they_sleep(tree: ProcTree) -> None:
    clocks = {1: 5, 10: 5, 11: 5}
    owners = SocketOwners(tree.path, times=lambda _pids: clocks)
    tree.open_socket(10, 3, 77)
    tree.open_socket(11, 3, 77)
    assert owners.resolve({77}, {1, 10, 11}, 0.0) == {77: 11}
    owners.resolve({77}, {1, 10, 11}, 10.0)

    assert owners.resolve({77}, {1, 10}, 20.0) == {77: 10}


def test_who_was_looked_through_in_vain_is_not_again_until_it_runs(tree: ProcTree) -> None:
    clocks = {1: 5, 10: 5, 11: 5}
    ticks = count()
    owners = SocketOwners(tree.path, clock=lambda: next(ticks) / 10_000, times=lambda _pids: clocks)
    for pid in (10, 11):
        add_files(tree, pid, 100)
    taken = []
    for now in range(0, 1000, 100):
        before = next(ticks)
        owners.resolve({NOWHERE + now}, {1, 10, 11}, float(now))
        taken.append(next(ticks) - before)

    assert taken[0] > 200
    assert max(taken[-5:]) < 20


def test_who_has_no_more_files_than_its_known_sockets_is_not_looked_through_for_anothers(tree: ProcTree) -> None:
    clocks = {1: 5, 10: 5}
    ticks = count()
    owners = SocketOwners(tree.path, clock=lambda: next(ticks) / 10_000, times=lambda _pids: clocks)
    known = set(range(1000, 1200))
    for number, inode in enumerate(sorted(known), 3):
        tree.open_socket(10, number, inode)
    owners.resolve(known, {1, 10}, 0.0)
    owners.resolve(known | {NOWHERE}, {1, 10}, 1.0)  # everything is searched, which then rests
    clocks[10] = 6
    before = next(ticks)
    owners.resolve(known | {NOWHERE + 1}, {1, 10}, 1.1)

    assert next(ticks) - before < 20


def test_changes_of_owners_are_told_once(tree: ProcTree) -> None:
    owners = SocketOwners(tree.path)
    tree.open_socket(10, 3, 77)
    owners.follow({77, 78}, set(), {1, 10, 11}, 0.0)
    assert owners.changes() == {77}
    assert owners.unowned == 1
    assert not owners.changes()
    owners.follow(set(), {77, 78}, {1, 10, 11}, 1.0)

    assert owners.changes() == {77}
    assert not owners.holders
    assert not owners.unowned


def test_what_was_not_found_thrice_is_looked_for_no_more(tree: ProcTree) -> None:
    owners = SocketOwners(tree.path)
    for now in (0.0, 10.0, 20.0):
        assert owners.resolve({77}, {1, 10, 11}, now) == {}
    tree.open_socket(10, 3, 77)

    assert owners.resolve({77}, {1, 10, 11}, 30.0) == {}


def test_searching_everything_takes_a_small_share_of_the_time(tree: ProcTree) -> None:
    for pid in (1, 10, 11):  # so that their number of files does not change
        (tree.path / str(pid) / "fd" / "3").symlink_to("/dev/null")
    ticks = count()
    owners = SocketOwners(tree.path, clock=lambda: next(ticks) / 10, budget_seconds=100.0)
    owners.resolve({5}, {1, 10, 11}, 0.0)
    taken = next(ticks) / 10
    (tree.path / "10" / "fd" / "3").unlink()
    tree.open_socket(10, 3, 77)

    assert owners.resolve({77}, {10, 11}, 20 * taken) == {}
    assert owners.resolve({77}, {10, 11}, 50 * taken) == {77: 10}


def test_a_look_stops_at_its_budget(tree: ProcTree) -> None:
    add_files(tree, 10, 100)
    ticks = count()
    owners = SocketOwners(tree.path, clock=lambda: float(next(ticks)), budget_seconds=30.0)  # a second for each file
    owners.resolve({NOWHERE}, {1, 10}, 0.0)

    assert owners.waiting
    assert next(ticks) <= 40
    owners.close()


def test_what_a_look_did_not_come_to_is_found_by_a_later_one(tree: ProcTree) -> None:
    add_files(tree, 10, 100)
    tree.open_socket(10, 200, 77)
    ticks = count()
    owners = SocketOwners(tree.path, clock=lambda: float(next(ticks)), budget_seconds=30.0)
    looks = 0
    while not owners.resolve({77}, {1, 10}, float(looks)):
        looks += 1
        assert looks <= 4
    owners.close()

    assert owners.resolve({77}, {1, 10}, 9.0) == {77: 10}
    assert owners.waiting == 0


def test_new_processes_are_looked_through_first(tree: ProcTree) -> None:
    add_files(tree, 10, 100)
    ticks = count()
    owners = SocketOwners(tree.path, clock=lambda: float(next(ticks)), budget_seconds=30.0)
    owners.resolve({77}, {1, 10}, 0.0)
    tree.add(12, b"/opt/x")
    tree.open_socket(12, 3, 78)

    assert owners.resolve({77, 78}, {1, 10, 12}, 1.0) == {78: 12}
    assert owners.waiting
    owners.close()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_search_that_was_cut_short_leaves_no_folder_open(tree: ProcTree) -> None:
    add_files(tree, 10, 100)
    before = open_files()
    ticks = count()
    owners = SocketOwners(tree.path, clock=lambda: float(next(ticks)), budget_seconds=30.0)
    owners.resolve({77}, {1, 10}, 0.0)
    assert open_files() == before + 1
    owners.resolve({77}, {1}, 1.0)

    assert open_files() == before


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
