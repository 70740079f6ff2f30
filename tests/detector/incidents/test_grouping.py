import math

import pytest

from detector.incidents.grouping import may_be_explained_by, roots
from detector.model import Finding, SeriesKey
from tests.detector.world import SIGNALS

NAMED = {signal.name: signal for signal in SIGNALS}
CHAIN = {"web": frozenset({"app"}), "app": frozenset({"cache"})}


def finding(service: str, signal: str, observed: float = 9.0, expected: float = 1.0, server: str = "") -> Finding:
    silent = math.isnan(observed) or observed == 0.0
    return Finding(SeriesKey(service, signal, server), 60.0, 0.0, 2.0, observed, expected, 0.5, 1.5, silent)


def rooted(*findings: Finding, callees: dict[str, frozenset[str]] | None = None) -> dict[str, str]:
    by_service: dict[str, tuple[Finding, ...]] = {}
    for one in findings:
        by_service[one.key.service_name] = (*by_service.get(one.key.service_name, ()), one)
    return roots(by_service, CHAIN if callees is None else callees, NAMED)


def test_harm_comes_from_the_deepest_callee() -> None:
    found = rooted(finding("web", "latency"), finding("app", "errors"), finding("cache", "latency"))
    assert found == {"web": "cache", "app": "cache", "cache": "cache"}


def test_load_comes_from_the_first_caller() -> None:
    found = rooted(*(finding(name, "requests", 0.2) for name in ("web", "app", "cache")))
    assert found == {"web": "web", "app": "web", "cache": "web"}


def test_load_in_opposite_directions_has_two_causes() -> None:
    found = rooted(finding("web", "requests", 0.2), finding("app", "requests", 9.0))
    assert found == {"web": "web", "app": "app"}


def test_a_silent_callee_explains_its_callers_errors() -> None:
    assert rooted(finding("app", "errors"), finding("cache", "requests", math.nan))["app"] == "cache"


def test_a_silent_caller_is_not_explained_by_those_it_no_longer_asks() -> None:
    found = rooted(
        finding("web", "processes", math.nan), finding("web", "requests", 0.0), finding("app", "requests", 0.0)
    )
    assert found == {"web": "web", "app": "web"}


def test_use_alone_is_nobody_elses_doing() -> None:
    found = rooted(finding("app", "memory"), finding("cache", "errors"))
    assert found == {"app": "app", "cache": "cache"}


def test_services_that_do_not_call_each_other_have_causes_of_their_own() -> None:
    assert rooted(finding("web", "errors"), finding("cache", "errors"), callees={}) == {"web": "web", "cache": "cache"}


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "a", "b"), ("b", "c", "a")])
def test_a_circle_has_one_root_whatever_the_order(order: tuple[str, ...]) -> None:
    circle = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"a"})}
    assert set(rooted(*(finding(name, "latency") for name in order), callees=circle).values()) == {"a"}


def test_a_service_may_be_explained_by_callees_and_its_load_by_callers() -> None:
    assert may_be_explained_by("app", (finding("app", "errors"),), CHAIN, NAMED) == {"cache"}
    assert may_be_explained_by("app", (finding("app", "requests", 0.2),), CHAIN, NAMED) == {"cache", "web"}
    assert may_be_explained_by("app", (finding("app", "processes", math.nan),), CHAIN, NAMED) == frozenset()


FAN = {"app": frozenset({"cache", "db"}), "web": frozenset({"app"})}


def test_calls_that_fail_are_explained_by_whom_they_go_to_and_by_no_other() -> None:
    calls = finding("app", "call_errors", server="cache")
    other = rooted(calls, finding("db", "errors"), callees=FAN)
    assert other == {"app": "app", "db": "db"}
    assert rooted(calls, finding("cache", "errors"), callees=FAN)["app"] == "cache"
    assert rooted(calls, finding("app", "errors"), finding("db", "errors"), callees=FAN)["app"] == "db"


def test_calls_that_became_more_explain_the_load_of_whom_they_go_to() -> None:
    found = rooted(
        finding("app", "calls", server="db"), finding("db", "requests"), finding("cache", "requests"), callees=FAN
    )
    assert found == {"app": "app", "db": "app", "cache": "cache"}


def test_only_whom_calls_go_to_is_waited_for() -> None:
    calls = (finding("app", "call_latency", server="cache"),)
    assert may_be_explained_by("app", calls, FAN, NAMED) == {"cache"}
