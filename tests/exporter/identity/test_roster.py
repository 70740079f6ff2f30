from exporter.identity.facts import OTHER
from exporter.identity.roster import Roster


def test_what_comes_after_the_limit_is_other() -> None:
    roster = Roster(limit=2)

    assert roster.admit(["a", "b", "c"], now=0.0) == {"a": "a", "b": "b", "c": OTHER, OTHER: OTHER}
    assert roster.refused == 1


def test_a_service_keeps_its_place_over_a_restart() -> None:
    roster = Roster(limit=1, retain_seconds=60)
    roster.admit(["a"], now=0.0)

    assert roster.admit(["b"], now=30.0)["b"] == OTHER
    assert roster.admit(["b", "a"], now=59.0)["a"] == "a"


def test_a_place_is_free_once_its_service_is_gone_for_long() -> None:
    roster = Roster(limit=1, retain_seconds=60)
    roster.admit(["a"], now=0.0)

    assert roster.admit(["b"], now=61.0)["b"] == "b"


def test_a_name_that_is_refused_again_and_again_counts_once() -> None:
    roster = Roster(limit=0)
    for now in range(5):
        roster.admit(["a"], float(now))

    assert roster.refused == 1
