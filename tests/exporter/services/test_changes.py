import pytest

from exporter.services.changes import ChangeKey, Changes, Patience
from exporter.services.deployment import Change, Deployment, Part, Start

BINARY = Part(Change.EXECUTABLE, "/opt/shop 1")
NEWER = Part(Change.EXECUTABLE, "/opt/shop 2")
ALL_QUIET = dict.fromkeys(Change, 0)


def shop(*instances: tuple[int, Part], around: frozenset[Part] = frozenset()) -> dict[str, Deployment]:
    return {"shop": Deployment({Start(pid, 1): frozenset([part]) for pid, part in instances}, around)}


class Watched:
    """Changes and their clock: a look each second."""

    def __init__(self) -> None:
        self.changes = Changes(Patience(settled=5, replaced=60, ports=30, dependencies=60, retained=600))
        self.now = 0.0

    def look(self, deployments: dict[str, Deployment], seconds: int = 1) -> None:
        for _ in range(seconds):
            self.changes.update(deployments, self.now)
            self.now += 1

    def counts(self) -> dict[Change, int]:
        counts = self.changes.counts()
        return {change: counts[ChangeKey("shop", change)] for change in Change}


@pytest.fixture
def watched() -> Watched:
    found = Watched()
    found.look(shop((1, BINARY), (2, BINARY)), 100)
    return found


def test_what_is_there_at_first_is_no_change(watched: Watched) -> None:
    assert watched.counts() == ALL_QUIET


def test_a_new_binary_on_all_replicas_is_one_change(watched: Watched) -> None:
    watched.look(shop((2, BINARY), (3, NEWER)), 20)
    watched.look(shop((3, NEWER), (4, NEWER)), 20)

    assert watched.counts() == ALL_QUIET | {Change.EXECUTABLE: 1, Change.RESTART: 2}


@pytest.mark.parametrize("change", [Change.COMMAND_LINE, Change.IMAGE, Change.UNIT, Change.CONFIG])
def test_what_replicas_get_one_after_the_other_is_one_change(change: Change) -> None:
    watched, old, new = Watched(), Part(change, "1"), Part(change, "2")
    watched.look(shop((1, old), (2, old), (3, old)), 100)
    for first, second, third in ((new, old, old), (new, new, old), (new, new, new)):
        watched.look(shop((1, first), (2, second), (3, third)), 20)
    watched.look(shop((1, new), (2, new), (3, new)), 200)

    assert watched.counts() == ALL_QUIET | {change: 1}


def test_going_back_to_the_binary_of_before_is_a_change(watched: Watched) -> None:
    watched.look(shop((3, NEWER)), 200)
    watched.look(shop((4, BINARY)), 20)

    assert watched.counts()[Change.EXECUTABLE] == 2


def test_a_restart_as_it_was_is_only_a_restart(watched: Watched) -> None:
    watched.look(shop((1, BINARY)), 3)
    watched.look(shop((1, BINARY), (3, BINARY)), 20)

    assert watched.counts() == ALL_QUIET | {Change.RESTART: 1}


def test_a_service_that_was_gone_altogether_is_restarted(watched: Watched) -> None:
    watched.look({}, 200)
    watched.look(shop((3, BINARY), (4, BINARY)), 20)

    assert watched.counts() == ALL_QUIET | {Change.RESTART: 2}


def test_one_that_starts_before_the_other_ends_replaces_it(watched: Watched) -> None:
    watched.look(shop((1, BINARY), (2, BINARY), (3, BINARY)), 10)
    watched.look(shop((1, BINARY), (3, BINARY)), 10)

    assert watched.counts() == ALL_QUIET | {Change.RESTART: 1}


def test_a_replica_more_is_no_change(watched: Watched) -> None:
    watched.look(shop((1, BINARY), (2, BINARY), (3, BINARY)), 100)

    assert watched.counts() == ALL_QUIET


def test_a_process_that_ends_before_it_settles_changes_nothing_but_restarts(watched: Watched) -> None:
    watched.look(shop((1, BINARY)), 1)
    watched.look(shop((1, BINARY), (3, NEWER)), 3)
    watched.look(shop((1, BINARY), (4, BINARY)), 30)

    assert watched.counts() == ALL_QUIET | {Change.RESTART: 2}


@pytest.mark.parametrize(("change", "value"), [(Change.PORT, "0:81"), (Change.DEPENDENCY, "db")])
def test_a_later_port_or_dependency_counts_once(watched: Watched, change: Change, value: str) -> None:
    both = (1, BINARY), (2, BINARY)
    watched.look(shop(*both, around=frozenset([Part(change, value)])), 10)
    watched.look(shop(*both), 100)
    watched.look(shop(*both, around=frozenset([Part(change, value)])), 10)

    assert watched.counts() == ALL_QUIET | {change: 1}


def test_ports_and_dependencies_of_a_service_that_was_just_found_are_learned() -> None:
    watched = Watched()
    watched.look(shop((1, BINARY)), 20)
    watched.look(shop((1, BINARY), around=frozenset([Part(Change.PORT, "0:80"), Part(Change.DEPENDENCY, "db")])), 100)

    assert watched.counts() == ALL_QUIET


def test_a_configuration_that_is_written_anew_counts_each_time() -> None:
    watched = Watched()
    for version in range(4):
        watched.look(shop((1, Part(Change.CONFIG, f"/etc/shop.conf {version}"))), 20)

    assert watched.counts() == ALL_QUIET | {Change.CONFIG: 3}


def test_a_service_that_is_gone_for_long_is_forgotten(watched: Watched) -> None:
    watched.look({}, 700)

    assert not watched.changes.counts()


def test_a_name_that_was_none_leaves_nothing(watched: Watched) -> None:
    watched.changes.update({}, watched.now, no_more=("shop",))

    assert not watched.changes.counts()


def test_what_is_remembered_of_a_service_is_bounded() -> None:
    watched = Watched()
    for version in range(3000):
        watched.look(shop((1, Part(Change.CONFIG, f"/etc/shop.conf {version}"))))

    assert watched.counts()[Change.CONFIG] == 2999 - 5
