"""Services started in varied ways get the names and classes that people would give, and keep them."""

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.fleet import running as fleet
from benchmarks.fleet.recipe import Recipe, Way
from benchmarks.fleet.recipes import RECIPES
from benchmarks.fleet.recording import phases
from benchmarks.fleet.running import Kit, Running, kit_of, start, units, wait
from exporter.identity.facts import ServiceClass
from exporter.model import Endpoint
from exporter.portraits import Portraits, learned
from exporter.services.changes import ChangeKey
from exporter.services.deployment import Change
from exporter.services.outlines import Outlines
from exporter.services.view import HostView
from exporter.sources.host import Host
from quickstart.debian import Tree
from tests.live.support import stack
from tests.live.support.namespace import outside
from tests.live.support.stack import Prometheus
from tests.live.support.waiting import settled, until

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
    with closing(Host()) as host:
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


def again(one: Running) -> None:
    """Kill a service and start it again."""
    one.end()
    one.process = one.restart()
    wait(one)


def upgrade(program: Path) -> None:
    """Put another version in a program's place, as a package manager does: bytes behind an ELF's end are not read."""
    newer = program.with_suffix(".new")
    shutil.copy(program, newer)
    with newer.open("ab") as file:
        file.write(b"newer")
    newer.rename(program)


# None that other tests, which may run on this machine as well, start: a second one has its port behind its name.
FLEET = ("beanstalkd", "gearmand", "lighttpd", "caddy", "tinyproxy", "privoxy", "unbound", "nsd", "rsync", "rsyslog")
# By then ports are learned, an errand is told from a service, and whatever changes has been looked at several times.
LEARNING_SECONDS = 35


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("capturing")
def test_over_kills_upgrades_and_replicas_names_stay_and_every_change_counts_once(tree: Tree, tmp_path: Path) -> None:
    with ExitStack() as ended:
        services = started(tmp_path, ended)
        exporter = ended.enter_context(stack.exporter(tmp_path))
        targets = {"larimar": [exporter.url.removeprefix("http://")]}
        prometheus = ended.enter_context(stack.prometheus(tree, tmp_path, targets, 1.0))
        wait_for(prometheus, 'count(larimar_service_changes_total{change="restart",service_name="kvd"})', 1)
        before = settled(lambda: names(prometheus, services), LEARNING_SECONDS, 90)
        assert set(services) <= before

        for one in services.values():
            again(one)
        for name in services:
            wait_for(prometheus, f'larimar_service_changes_total{{change="restart",service_name="{name}"}}', 1)
        upgrade(tmp_path / "kvd" / "kvd")
        again(services["kvd"])
        settings = tmp_path / "lighttpd" / "lighttpd.conf"
        settings.write_text(settings.read_text() + "# newer\n")
        replica = services["reports"].restart()
        ended.callback(replace_end(services["reports"], replica))
        wait_for(prometheus, 'larimar_service_processes{service_name="reports"}', 2)

        counted = settled(lambda: changes(prometheus, services), LEARNING_SECONDS, 90)
        assert names(prometheus, services) == before
        expected = {(name, "restart"): 1.0 for name in services}
        assert counted == expected | {("kvd", "restart"): 2.0, ("kvd", "executable"): 1.0, ("lighttpd", "config"): 1.0}
        assert not fallen(prometheus)


def started(folder: Path, ended: ExitStack) -> dict[str, Running]:
    """Start the services, by the names they should get; they end with the stack."""
    recipes = {recipe.name: recipe for recipe in (replace(BY_ENGINE[engine], way=Way.PLAIN) for engine in FLEET)}
    recipes["kvd"] = replace(REDIS, way=Way.RENAMED, other_name="kvd")
    with outside():  # it may have to fetch packages
        kit = fleet.kit(tuple(recipes.values()))
    recipes["reports"] = BY_ENGINE["python-batch"]
    services = {}
    for name, recipe in recipes.items():
        services[name] = start(recipe, kit, folder / ("kvd" if name == "kvd" else recipe.engine))
        ended.callback(services[name].end)
    return services


def replace_end(one: Running, process: object) -> Callable[[], None]:
    """Return what ends another process of a service."""
    return Running(one.recipe, one.port, one.folder, process, one.restart).end  # type: ignore[arg-type]


def names(prometheus: Prometheus, services: Iterable[str]) -> set[str]:
    """Return the services that have a process and are called after these, with a port behind the name or not."""
    found = {sample.labels["service_name"] for sample in prometheus.query('larimar_service_info{job="larimar"}')}
    return {name for name in found if name.partition(":")[0] in services}


def changes(prometheus: Prometheus, services: Iterable[str]) -> dict[tuple[str, str], float]:
    """Return what was counted of each service's changes, by its name and the change."""
    return {
        (sample.labels["service_name"], sample.labels["change"]): sample.value
        for sample in prometheus.query("larimar_service_changes_total > 0")
        if sample.labels["service_name"] in services
    }


def fallen(prometheus: Prometheus) -> list[str]:
    """Return the counters of the exporter that ever went backwards."""
    counters = prometheus.query('count by (__name__) ({__name__=~"larimar_.*_total"})')
    names = sorted(sample.labels["__name__"] for sample in counters)
    assert "larimar_service_cpu_seconds_total" in names
    return [name for name in names if prometheus.query(f"resets({name}[10m]) > 0")]


def wait_for(prometheus: Prometheus, expression: str, value: float) -> None:
    """Wait until an expression has a value."""

    def has() -> bool:
        return [sample.value for sample in prometheus.query(expression)] == [value]

    until(has, 90, lambda: f"{expression} is {prometheus.query(expression)}, not {value}")


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("capturing")
def test_of_all_services_at_least_nineteen_in_twenty_are_named_and_classed_right(tmp_path: Path) -> None:
    for seen in phases(RECIPES, tmp_path, 1, 5, learned()):
        wrong = [one for one in seen if not (one.is_named and one.is_classed)]

    assert len(seen) >= 60
    assert len(wrong) <= len(seen) / 20, wrong
