"""The whole fleet, asked all the time, is killed and restarted, upgraded and added to, while Prometheus looks."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.fleet.load import asking
from benchmarks.fleet.recipes import RECIPES
from benchmarks.fleet.recording import fleet
from benchmarks.fleet.running import Running
from quickstart.debian import Tree
from tests.live.support import stack
from tests.live.support.restarts import again, upgrade
from tests.live.support.stack import Prometheus
from tests.live.support.waiting import settled, until

# By then ports are learned, an errand is told from a service, and whatever changes has been looked at several times.
LEARNING_SECONDS = 35
LEAST_SERVICES = 60
SEED = 5
SCRAPE_SECONDS = 15.0  # a scrape of so many services takes seconds where all of them work at once
AT_ONCE = 6  # services that are restarted at the same time
RENAMED, REPLICATED, CONFIGURED = "kvd", "reports", "lighttpd"
COUNTERS = ("larimar_.*_total", "larimar_.*_bucket", "larimar_.*_count", "larimar_.*_sum")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that services of other users may pass for as long as they run: pytest closes its own now and then."""
    with tempfile.TemporaryDirectory(prefix="larimar-fleet-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("capturing")
def test_over_kills_upgrades_and_replicas_names_stay_and_every_change_counts_once(
    tree: Tree, folder: Path, tmp_path: Path
) -> None:
    with fleet(RECIPES, folder) as services, ExitStack() as ended:
        assert len(services) >= LEAST_SERVICES
        exporter = ended.enter_context(stack.exporter(tmp_path, "--series.limit=100000"))
        targets = {"larimar": [exporter.url.removeprefix("http://")]}
        prometheus = ended.enter_context(stack.prometheus(tree, tmp_path, targets, SCRAPE_SECONDS))
        ended.enter_context(asking(services, SEED))
        by_name = {one.recipe.name: one for one in services}
        until(lambda: not misnamed(names(prometheus, services), services), 120, lambda: told(prometheus, services))
        before = settled(lambda: names(prometheus, services), LEARNING_SECONDS, 120)
        assert not [one.recipe.name for one in services if one.process.poll() is not None], "ended by themselves"

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(again, services))
        expected = Counter({(name, "restart"): count for name, count in Counter(before.values()).items()})
        until_counted(prometheus, before, expected)
        until_named(prometheus, services, before)

        upgrade(by_name[RENAMED].folder / by_name[RENAMED].recipe.other_name)
        again(by_name[RENAMED])
        settings = by_name[CONFIGURED].folder / "lighttpd.conf"
        settings.write_text(settings.read_text() + "# newer\n")
        replica = by_name[REPLICATED].restart()
        ended.callback(replace_end(by_name[REPLICATED], replica))
        wait_for(prometheus, f'larimar_service_processes{{service_name="{REPLICATED}"}}', 2)
        expected += Counter({(RENAMED, "restart"): 1, (RENAMED, "executable"): 1, (CONFIGURED, "config"): 1})
        until_counted(prometheus, before, expected)

        until_named(prometheus, services, before)
        assert not fallen(prometheus)


def names(prometheus: Prometheus, services: Sequence[Running]) -> dict[int, str]:
    """Return the names of the services by the ports that they were told to listen at, 0 and less for those without."""
    found = {
        int(sample.labels["port"]): sample.labels["service_name"]
        for sample in prometheus.query('larimar_listen_info{transport="tcp"}')
    }
    running = {sample.labels["service_name"] for sample in prometheus.query("larimar_service_info")}
    silent = sorted(one.recipe.name for one in services if not one.recipe.listens)
    listening = {one.port: found.get(one.port, "") for one in services if one.recipe.listens}
    return listening | {-number: name if name in running else "" for number, name in enumerate(silent)}


def misnamed(found: Mapping[int, str], services: Sequence[Running]) -> dict[str, str]:
    """Return what services are called, by what they should be, where that differs in more than a port behind it."""
    wanted = {one.port: one.recipe.name for one in services if one.recipe.listens}
    told = {name: found[port] for port, name in wanted.items() if found[port].partition(":")[0] != name}
    return told | {name: "" for port, name in found.items() if port <= 0 and not name}


def until_named(prometheus: Prometheus, services: Sequence[Running], before: Mapping[int, str]) -> None:
    """Wait until every service is called as before, those that were found last too; what is called otherwise fails."""

    def renamed() -> dict[str, str]:
        found = names(prometheus, services)
        return {name: found[port] for port, name in before.items() if found[port] != name}

    until(lambda: not renamed(), 120, lambda: f"not called as before: {renamed()}")


def told(prometheus: Prometheus, services: Sequence[Running]) -> str:
    """Return what is wrong with the names, and how the scrapes went."""
    scrapes = {name: prometheus.query(f"scrape_{name}") for name in ("duration_seconds", "samples_scraped")}
    return f"{misnamed(names(prometheus, services), services)}, scrapes: {prometheus.query('up')} {scrapes}"


def replace_end(one: Running, process: object) -> Callable[[], None]:
    """Return what ends another process of a service."""
    return Running(one.recipe, one.port, one.folder, process, one.restart).end  # type: ignore[arg-type]


def until_counted(prometheus: Prometheus, names: Mapping[int, str], expected: Mapping[tuple[str, str], int]) -> None:
    """Wait until all that was expected is counted, and then for long enough that nothing more comes."""
    wanted = dict(expected)

    def difference() -> dict[tuple[str, str], tuple[float, float]]:
        found = changes(prometheus, set(names.values()))
        keys = sorted(found.keys() | wanted.keys())
        return {key: (found.get(key, 0), wanted.get(key, 0)) for key in keys if found.get(key, 0) != wanted.get(key, 0)}

    until(
        lambda: not difference(), 120, lambda: f"counted, and should be: {difference()}; up: {prometheus.query('up')}"
    )
    settled(lambda: changes(prometheus, set(names.values())), LEARNING_SECONDS, 60)
    assert not difference()


def changes(prometheus: Prometheus, services: set[str]) -> dict[tuple[str, str], float]:
    """Return what was counted of each service's changes, by its name and the change."""
    return {
        (sample.labels["service_name"], sample.labels["change"]): sample.value
        for sample in prometheus.query("larimar_service_changes_total > 0")
        if sample.labels["service_name"] in services
    }


def fallen(prometheus: Prometheus) -> list[str]:
    """Return the counters of the exporter that ever went backwards."""
    counters = [
        sample.labels["__name__"]
        for pattern in COUNTERS
        for sample in prometheus.query(f'count by (__name__) ({{__name__=~"{pattern}", job="larimar"}})')
    ]
    assert "larimar_service_cpu_seconds_total" in counters
    assert "larimar_request_duration_seconds_bucket" in counters
    return [name for name in sorted(counters) if prometheus.query(f"resets({name}[30m]) > 0")]


def wait_for(prometheus: Prometheus, expression: str, value: float) -> None:
    """Wait until an expression has a value."""

    def has() -> bool:
        return [sample.value for sample in prometheus.query(expression)] == [value]

    until(has, 90, lambda: f"{expression} is {prometheus.query(expression)}, not {value}")
