from hypothesis import given
from hypothesis import strategies as st

from exporter.services.operations import OTHER
from exporter.services.syscalls import MOST_NAMED, PATIENCE, RETENTION_SECONDS, Called, Syscalls
from exporter.services.traffic import UNKNOWN

SHOP = {10: "shop", 11: "shop"}


def counted(syscalls: Syscalls, service_name: str = "shop") -> dict[str, float]:
    return {name: one.calls for name, one in syscalls.snapshot().get(service_name, {}).items() if one.calls}


def test_the_processes_of_a_service_are_counted_together_and_scaled() -> None:
    syscalls = Syscalls()
    syscalls.add([Called(10, "read", 5, 1), Called(11, "read", 2, 0), Called(11, "write", 1, 0)], 10.0, SHOP, 0.0)

    assert counted(syscalls) == {"read": 70, "write": 10}
    assert syscalls.snapshot()["shop"]["read"].errors == 10


def test_a_process_that_becomes_known_later_is_its_services() -> None:
    syscalls = Syscalls()
    syscalls.add([Called(12, "read", 5, 0)], 1.0, SHOP, 0.0)
    assert counted(syscalls) == {}
    syscalls.add([], 1.0, {12: "card"}, 1.0)

    assert counted(syscalls, "card") == {"read": 5}


def test_a_process_that_stays_unknown_is_nobodys() -> None:
    syscalls = Syscalls()
    syscalls.add([Called(12, "read", 5, 0)], 1.0, SHOP, 0.0)
    for now in range(PATIENCE):
        syscalls.add([], 1.0, SHOP, float(now))

    assert counted(syscalls, UNKNOWN) == {"read": 5}


def test_beyond_the_most_used_ones_calls_are_counted_together() -> None:
    syscalls = Syscalls()
    syscalls.add([Called(10, f"call{number}", 100 + number, 0) for number in range(25)], 1.0, SHOP, 0.0)

    found = counted(syscalls)
    assert len(found) == MOST_NAMED + 1
    assert found[OTHER] == 100 + 101 + 102 + 103 + 104


def test_a_call_that_outruns_another_takes_its_place_and_takes_nothing_from_the_rest() -> None:
    syscalls = Syscalls()
    syscalls.add([Called(10, f"call{number}", 10 + number, 0) for number in range(21)], 1.0, SHOP, 0.0)
    syscalls.add([Called(10, "futex", 1000, 0)], 1.0, SHOP, 1.0)

    found = counted(syscalls)
    assert found["futex"] == 1000
    assert found[OTHER] == 10
    assert "call1" not in found
    assert len(found) == MOST_NAMED + 1


def test_a_service_that_is_gone_for_long_is_forgotten() -> None:
    syscalls = Syscalls()
    syscalls.add([Called(10, "read", 5, 0)], 1.0, SHOP, 0.0)
    syscalls.add([], 1.0, SHOP, RETENTION_SECONDS)
    assert counted(syscalls)
    syscalls.add([], 1.0, {}, 2 * RETENTION_SECONDS)

    assert syscalls.snapshot() == {}


@given(st.lists(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10_000)), max_size=10), max_size=20))
def test_no_counter_of_a_call_falls(history: list[list[tuple[int, int]]]) -> None:
    syscalls = Syscalls()
    before: dict[str, float] = {}
    for now, window in enumerate(history):
        syscalls.add([Called(10, f"call{name}", calls, 0) for name, calls in window], 1.5, SHOP, float(now))
        after = counted(syscalls)
        assert len(after) <= MOST_NAMED + 1
        assert all(after[name] >= count for name, count in before.items() if name in after), "also one that comes back"
        before |= after
