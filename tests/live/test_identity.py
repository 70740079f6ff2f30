"""Services started in varied ways get the names and classes that people would give, and keep them."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from benchmarks.fleet.recipe import Recipe, Way
from benchmarks.fleet.recipes import RECIPES
from benchmarks.fleet.recording import phases
from benchmarks.fleet.running import Kit, Running, kit_of, start, units
from exporter.identity.facts import ServiceClass
from exporter.model import Endpoint
from exporter.portraits import Portraits, learned
from exporter.services.changes import ChangeKey
from exporter.services.deployment import Change
from exporter.services.outlines import Outlines
from exporter.services.view import HostView
from exporter.sources.host import Host
from exporter.sources.procfshost import procfs_host
from quickstart.debian import Tree
from tests.live.support.restarts import again, upgrade
from tests.live.support.waiting import until

BY_ENGINE = {recipe.engine: recipe for recipe in reversed(RECIPES)}
REDIS = BY_ENGINE["redis"]
QUIET = dict.fromkeys(Change, 0)


@pytest.fixture
def kit(tree: Tree) -> Kit:
    return kit_of(tree, Path(sys.prefix), Path("/nowhere"))


@pytest.fixture
def running(kit: Kit, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts services, which end with the test."""
    with ExitStack() as ended:

        def begin(recipe: Recipe, folder: str = "") -> Running:
            one = start(recipe, kit, tmp_path / (folder or recipe.engine))
            ended.callback(one.end)
            return one

        yield begin


class Watched:
    """This host as the exporter sees it, by a clock of the test's own."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.portraits = Portraits(Path("/proc"))
        self.now = 0.0
        self.view = HostView()

    def look(self, seconds: float = 30.0) -> None:
        """Let time pass, with a look every five seconds of it."""
        for _ in range(int(seconds / 5)):
            resources = self.host.sample(self.now)
            self.view = self.host.view()
            self.portraits.update(resources, self.view, Outlines(), self.now)
            self.now += 5.0

    def name(self, one: Running) -> str:
        """Return who listens at a service's port, without the port that tells it from others of this machine."""
        return self.view.service_at(Endpoint("127.0.0.1", one.port)).partition(":")[0]

    def changes(self, name: str) -> dict[Change, int]:
        """Return what changed about a service."""
        counts = self.portraits.changes()
        return {change: counts[ChangeKey(name, change)] for change in Change}


@pytest.fixture
def watched() -> Iterator[Watched]:
    with closing(procfs_host()) as host:
        yield Watched(host)


def test_names_and_classes_are_right_however_services_are_started(
    running: Callable[..., Running], watched: Watched
) -> None:
    web = BY_ENGINE["nginx"]
    services = {
        "redis": running(replace(REDIS, way=Way.PLAIN)),
        "kvd": running(replace(REDIS, way=Way.RENAMED, other_name="kvd"), "renamed"),
        "nginx": running(replace(web, way=Way.SHELL)),
        "http.server": running(BY_ENGINE["http.server"]),
    }
    if units() is not None:
        services["queue"] = running(replace(REDIS, name="queue", way=Way.UNIT), "unit")
    watched.look()

    assert {name: watched.name(one) for name, one in services.items()} == {name: name for name in services}
    kinds = {name: watched.view.services[found].known_class for name, found in _found(watched, services).items()}
    assert kinds.pop("queue", ServiceClass.CACHE) is ServiceClass.CACHE
    assert kinds == {
        "redis": ServiceClass.CACHE,
        "kvd": ServiceClass.UNKNOWN,
        "nginx": ServiceClass.WEB,
        "http.server": ServiceClass.WEB,
    }


def _found(watched: Watched, services: dict[str, Running]) -> dict[str, str]:
    return {name: watched.view.service_at(Endpoint("127.0.0.1", one.port)) for name, one in services.items()}


def test_a_restart_and_an_upgrade_are_counted_once_and_the_name_stays(
    running: Callable[..., Running], watched: Watched, tmp_path: Path
) -> None:
    one = running(replace(REDIS, way=Way.RENAMED, other_name="kvd"))
    watched.look()
    assert watched.name(one) == "kvd"
    assert watched.changes("kvd") == QUIET

    again(one)
    watched.look()
    assert watched.changes("kvd") == QUIET | {Change.RESTART: 1}

    upgrade(tmp_path / "redis" / "kvd")
    again(one)
    watched.look()

    assert watched.name(one) == "kvd"
    assert watched.changes("kvd") == QUIET | {Change.RESTART: 2, Change.EXECUTABLE: 1}


TILL = """
import signal, socket, sys
opened = [socket.create_server(("127.0.0.1", int(sys.argv[1])))]
signal.signal(signal.SIGUSR1, lambda *_: opened.append(socket.create_server(("127.0.0.1", int(sys.argv[2])))))
while True:
    signal.pause()
"""


def test_a_new_port_and_a_new_version_with_other_arguments_are_counted_once_each(
    running: Callable[..., Running], watched: Watched
) -> None:
    command = "$venv/bin/python $folder/till.py $port $other"
    till = Recipe("python", "till", ServiceClass.APPLICATION, command, files={"till.py": TILL})
    first = running(till)
    watched.look(40.0)
    assert watched.name(first) == "till"
    assert watched.changes("till") == QUIET

    os.kill(first.process.pid, signal.SIGUSR1)
    until(lambda: len(listening(first)) == 2, 10, lambda: f"listens on {listening(first)}")
    watched.look(10.0)
    assert watched.changes("till") == QUIET | {Change.PORT: 1}

    first.end()
    second = running(replace(till, command=f"{command} --fast"))
    watched.look(20.0)
    assert watched.name(second) == "till"
    moved = {Change.PORT: 2, Change.COMMAND_LINE: 1, Change.EXECUTABLE: 1, Change.RESTART: 1}
    assert watched.changes("till") == QUIET | moved, "its script is written anew, and it listens on another port"


def listening(one: Running) -> set[int]:
    """Return the ports that a service's first process listens on."""
    return {
        connection.laddr.port
        for connection in psutil.Process(one.process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("capturing")
def test_of_all_services_at_least_nineteen_in_twenty_are_named_and_classed_right(tmp_path: Path) -> None:
    for seen in phases(RECIPES, tmp_path, 1, 5, learned()):
        wrong = [one for one in seen if not (one.is_named and one.is_classed)]

    assert len(seen) >= 60
    assert len(wrong) <= len(seen) / 20, wrong
