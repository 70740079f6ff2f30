"""Counters per service: nothing is lost, nothing counts twice, nothing falls."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from exporter.services.members import UNDECIDED, Membership
from exporter.services.resources import Resources, ServiceResources
from exporter.services.usage import Counters, Sample, Usage

SHOP = {pid: Membership("shop", starts=pid == 10, started_at=float(pid), open_files_limit=100) for pid in range(10, 20)}


def sample(pid: int, cpu: int, *, waited: int = 0, waited_faults: int = 0, parent: int = 1, reads: int = 0) -> Sample:
    usage = Usage(
        own=Counters(user_nanoseconds=cpu, minor_faults=5, read_calls=reads),
        children=Counters(user_nanoseconds=waited, minor_faults=waited_faults),
        resident_bytes=1000,
        swap_bytes=0,
        threads=2,
        open_files=10 * (pid - 9),
        has_io=True,
    )
    return Sample(pid, pid, parent, "shop", usage)


def update(resources: Resources, *samples: Sample, members: Mapping[int, Membership] = SHOP) -> ServiceResources:
    return resources.update(samples, {one.pid for one in samples}, members, now=0.0)["shop"]


def test_what_a_process_used_before_the_exporter_started_does_not_count() -> None:
    resources = Resources()

    assert update(resources, sample(10, cpu=500)).counters.user_nanoseconds == 0
    assert update(resources, sample(10, cpu=507)).counters.user_nanoseconds == 7


def test_a_later_process_counts_from_its_birth() -> None:
    resources = Resources()
    resources.update([], set(), SHOP, 0.0)

    found = update(resources, sample(10, cpu=30, reads=4))

    assert (found.counters.user_nanoseconds, found.counters.read_calls, found.starts) == (30, 4, 1)


def test_counters_stay_when_a_member_ends() -> None:
    resources = Resources()
    resources.update([], set(), SHOP, 0.0)
    update(resources, sample(10, cpu=30), sample(11, cpu=20, parent=10))

    found = update(resources, sample(10, cpu=30))

    assert found.counters.user_nanoseconds == 50
    assert (found.gauges.processes, found.gauges.threads) == (1, 2)


def test_a_waited_for_child_counts_once_with_what_it_used_after_its_last_sample() -> None:
    resources = Resources()
    resources.update([], set(), SHOP, 0.0)
    update(resources, sample(10, cpu=30), sample(11, cpu=20, parent=10))

    found = update(resources, sample(10, cpu=31, waited=26, waited_faults=8))

    assert found.counters.user_nanoseconds == 31 + 26


def test_children_that_were_never_sampled_count() -> None:
    resources = Resources()
    resources.update([], set(), SHOP, 0.0)

    assert update(resources, sample(10, cpu=1, waited=400, waited_faults=900)).counters.user_nanoseconds == 401


def test_a_parent_that_does_not_wait_loses_nothing() -> None:
    resources = Resources()
    resources.update([], set(), SHOP, 0.0)
    update(resources, sample(10, cpu=30), sample(11, cpu=20, parent=10))
    update(resources, sample(10, cpu=60))
    update(resources, sample(10, cpu=90))

    assert update(resources, sample(10, cpu=120)).counters.user_nanoseconds == 140


def test_a_reused_pid_is_another_process() -> None:
    resources = Resources()
    resources.update([], set(), SHOP, 0.0)
    update(resources, sample(10, cpu=30))
    reborn = Sample(10, 99, 1, "shop", sample(10, cpu=3).usage)

    found = update(resources, reborn)

    assert (found.counters.user_nanoseconds, found.starts) == (33, 2)


def test_an_undecided_process_counts_in_full_once_it_has_a_service() -> None:
    resources = Resources()
    resources.update([], set(), SHOP, 0.0)
    young = {10: Membership(UNDECIDED, starts=True, started_at=0.0)}

    assert "shop" not in resources.update([sample(10, cpu=30)], {10}, young, 1.0)
    found = update(resources, sample(10, cpu=40))
    assert (found.counters.user_nanoseconds, found.starts) == (40, 1)


def test_an_idle_process_need_not_be_told_again() -> None:
    resources = Resources()
    resources.update([], set(), SHOP, 0.0)
    resources.update([sample(10, cpu=30), sample(11, cpu=20)], {10, 11}, SHOP, 1.0)

    found = resources.update([sample(11, cpu=21)], {10, 11}, SHOP, 2.0)["shop"]

    assert (found.counters.user_nanoseconds, found.gauges.processes, found.gauges.resident_bytes) == (51, 2, 2000)


def test_an_idle_process_moves_to_the_service_that_it_is_found_to_belong_to() -> None:
    resources = Resources()
    resources.update([], set(), SHOP, 0.0)
    resources.update([sample(10, cpu=30)], {10}, SHOP, 1.0)
    till = {10: Membership("till", starts=True, started_at=10.0)}

    resources.update([], {10}, till, 2.0)
    found = resources.update([sample(10, cpu=37)], {10}, till, 3.0)

    assert (found["shop"].counters.user_nanoseconds, found["shop"].gauges.processes) == (30, 0)
    assert (found["till"].counters.user_nanoseconds, found["till"].gauges.processes) == (7, 1)
    assert found["till"].starts == 0


def test_a_worker_is_no_start() -> None:
    resources = Resources()
    resources.update([], set(), SHOP, 0.0)

    assert update(resources, sample(11, cpu=1)).starts == 0


def test_the_file_limit_is_that_of_the_member_nearest_to_it() -> None:
    gauges = update(Resources(), sample(10, cpu=0), sample(13, cpu=0)).gauges

    assert gauges.open_files_limit_ratio == 0.4
    assert gauges.open_files == 50
    assert gauges.started_at == 10.0


def test_a_service_without_processes_stays_for_an_hour_and_is_forgotten_then() -> None:
    resources = Resources(retain_seconds=3600)
    resources.update([sample(10, cpu=1)], {10}, SHOP, 0.0)

    assert resources.update([], set(), SHOP, 3600.0)["shop"].gauges.processes == 0
    assert "shop" not in resources.update([], set(), SHOP, 3601.0)


steps = st.lists(
    st.dictionaries(st.integers(10, 14), st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), max_size=5),
    max_size=12,
)


@given(steps)
def test_whatever_happens_counters_never_fall(rounds: list[dict[int, tuple[int, int, bool]]]) -> None:
    resources = Resources()
    last = Counters()
    for number, taken in enumerate(rounds):
        samples = [
            Sample(
                pid,
                pid + 100 * reborn,
                10,
                "shop",
                Usage(Counters(cpu, 0, faults), Counters(faults, 0, cpu), 0, 0, 1, 1, has_io=True),
            )
            for pid, (cpu, faults, reborn) in taken.items()
        ]
        found = resources.update(samples, taken.keys(), SHOP, float(number)).get("shop")
        if found is not None:
            assert last.growth(found.counters) == Counters()
            last = found.counters
