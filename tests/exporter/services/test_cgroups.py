"""Whole cgroups: which service each is, and what its kernel counts add to that of the processes."""

from exporter.identity.facts import ProcessFacts
from exporter.services.cgroups import CgroupReading, CgroupTotals, own_cgroups
from exporter.services.members import Gauges
from exporter.services.resources import ServiceResources
from exporter.services.usage import Counters
from exporter.services.view import Process

OWNERS = {"/shop": "shop", "/shop-2": "shop"}


def resources(cpu: int) -> dict[str, ServiceResources]:
    return {"shop": ServiceResources(Counters(user_nanoseconds=cpu), 1, Gauges(), has_io=True)}


def update(totals: CgroupTotals, cpu: int, **readings: CgroupReading) -> ServiceResources:
    named = {f"/{name.replace('_', '-')}": reading for name, reading in readings.items()}
    return totals.update(named, OWNERS, resources(cpu))["shop"]


def process(pid: int, service: str, cgroup: str) -> Process:
    return Process(ProcessFacts(pid, pid, 1, "x", "/x", ("x",), cgroup=cgroup), service)


def test_a_cgroup_with_processes_of_two_services_is_nobodys_and_so_is_the_root() -> None:
    processes = [
        process(1, "init", "/"),
        process(2, "shop", "/shop.service"),
        process(3, "shop", "/shop.service"),
        process(4, "till", "/user.slice"),
        process(5, "shell", "/user.slice"),
        process(6, "till", "/user.slice"),
        process(7, "odd", ""),
    ]
    assert own_cgroups({one.facts.pid: one for one in processes}) == {"/shop.service": "shop"}


def test_children_that_nobody_waited_for_count_where_the_cgroup_is_the_services() -> None:
    totals = CgroupTotals()
    update(totals, 100, shop=CgroupReading(5000, 40))

    found = update(totals, 110, shop=CgroupReading(5900, 50)).counters

    assert (found.user_nanoseconds, found.system_nanoseconds) == (1000, 10)


def test_what_both_tell_counts_once() -> None:
    totals = CgroupTotals()
    update(totals, 100, shop=CgroupReading(5000, 0))
    update(totals, 100, shop=CgroupReading(5300, 0))  # a child runs

    assert update(totals, 400, shop=CgroupReading(5300, 0)).counters.user_nanoseconds == 400  # it was waited for


def test_what_ran_before_the_cgroup_was_first_seen_counts_as_its_processes_tell() -> None:
    totals = CgroupTotals()
    update(totals, 100)
    update(totals, 600, shop=CgroupReading(500, 0))

    assert update(totals, 610, shop=CgroupReading(530, 0)).counters.user_nanoseconds == 630


def test_nothing_falls_when_a_cgroup_goes_or_comes_again() -> None:
    totals = CgroupTotals()
    update(totals, 0, shop=CgroupReading(0, 0, 10, {"cpu": 5}, 1 << 20, 1))
    grown = update(totals, 0, shop=CgroupReading(900, 0, 30, {"cpu": 9}, 1 << 20, 2))
    gone = update(totals, 0)
    again = update(totals, 0, shop=CgroupReading(3, 0, 1, {"cpu": 1}, 1 << 20, 0))

    for found in (grown, gone, again):
        assert found.counters.user_nanoseconds == 900
        assert found.cgroups is not None
        assert (found.cgroups.throttled_nanoseconds, found.cgroups.oom_kills) == (20, 1)
        assert found.cgroups.waiting_nanoseconds == {"cpu": 4}


def test_limits_of_replicas_add_up_and_vanish_with_them() -> None:
    totals = CgroupTotals()
    both = update(totals, 0, shop=CgroupReading(0, 0, None, {}, 100), shop_2=CgroupReading(0, 0, None, {}, 50)).cgroups
    none = update(totals, 0).cgroups

    assert both is not None
    assert none is not None
    assert (both.memory_limit_bytes, none.memory_limit_bytes) == (150, 0)
    assert (both.throttled_nanoseconds, both.oom_kills) == (None, None)


def test_a_forgotten_services_cgroups_are_forgotten() -> None:
    totals = CgroupTotals()
    update(totals, 0, shop=CgroupReading(0, 0))
    update(totals, 0, shop=CgroupReading(500, 0))
    assert totals.update({}, {}, {}) == {}

    assert update(totals, 7, shop=CgroupReading(600, 0)).counters.user_nanoseconds == 7
