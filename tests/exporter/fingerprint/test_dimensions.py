import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.fingerprint.activity import HALF_LIFE_SECONDS, Activity, Amount, Holding, Reading
from exporter.fingerprint.dimensions import DIMENSIONS, NAMES, between, vector

AMOUNTS = st.dictionaries(st.sampled_from(list(Amount)), st.floats(0, 1e15))
HOLDINGS = st.builds(
    Holding,
    st.integers(0, 1 << 20),
    st.integers(0, 1 << 20),
    st.integers(0, 1 << 20),
    st.integers(0, 1 << 50),
    st.frozensets(st.integers(1, 65535), max_size=20),
    st.frozensets(st.integers(1, 65535), max_size=20),
    st.booleans(),
    st.booleans(),
)


NOTHING = Holding()


def activity(amounts: dict[Amount, float], holding: Holding = NOTHING, seconds: float = 10.0) -> Activity:
    found = Activity()
    found.add(Reading({}, holding), 0.0)
    found.add(Reading(amounts, holding), seconds)
    return found


def value(name: str, found: Activity) -> float | None:
    return vector(found)[NAMES.index(name)]


@given(AMOUNTS, HOLDINGS, st.floats(0.001, 1e6))
def test_every_dimension_is_unknown_or_within_its_bounds(
    amounts: dict[Amount, float], holding: Holding, seconds: float
) -> None:
    found = vector(activity(amounts, holding, seconds))

    assert len(found) == len(DIMENSIONS) == len(set(NAMES))
    assert all(value is None or 0.0 <= value <= 1.0 for value in found)


def test_what_was_not_asked_says_nothing_of_answers() -> None:
    found = activity({Amount.CPU_USER: 1.0})

    assert value("response_size", found) is None
    assert value("serving", found) is None
    assert value("cpu_busy", found) == pytest.approx(math.log(0.1 / 1e-4) / math.log(64 / 1e-4))


def test_disk_and_calls_are_unknown_where_they_may_not_be_read() -> None:
    amounts = {Amount.READ_CALLS: 100.0}

    assert value("read_calls", activity(amounts)) is None
    assert value("read_calls", activity(amounts, Holding(has_io=True))) == between(10.0, 0.1, 1e6)


def test_who_asks_what_it_is_asked_passes_it_on() -> None:
    served = {Amount.SERVED: 10.0, Amount.SPEAKS_HTTP: 10.0, Amount.RESPONSE_BYTES: 1000.0}
    asked = {Amount.ASKED: 10.0, Amount.ASKS_HTTP: 10.0, Amount.GOT_BYTES: 950.0}

    proxy = activity({**served, **asked})

    assert value("passed_requests", proxy) == 1.0
    assert value("passed_bytes", proxy) == 0.95
    assert value("passed_requests", activity(served)) == 0.0
    assert value("passed_requests", activity({**served, Amount.ASKED: 10.0, Amount.ASKS_RECORDS: 10.0})) == 0.0


def test_what_was_done_a_half_life_ago_weighs_half() -> None:
    found = Activity()
    for at, total in ((0.0, 0.0), (HALF_LIFE_SECONDS, 600.0), (HALF_LIFE_SECONDS, 600.0)):
        found.add(Reading({Amount.SERVED: total}, Holding()), at)

    assert found.amount(Amount.SERVED) == pytest.approx(300.0)
    assert found.rate(Amount.SERVED) == pytest.approx(300.0 / (1.5 * HALF_LIFE_SECONDS))


def test_a_counter_that_began_anew_counts_nothing_backwards() -> None:
    found = Activity()
    for total in (1000.0, 5.0, 15.0):
        found.add(Reading({Amount.SERVED: total}, Holding()), 1.0)

    assert found.amount(Amount.SERVED) == pytest.approx(10.0)


def test_requests_like_clockwork_are_even_and_rushes_are_not() -> None:
    even, rushing = Activity(), Activity()
    for number in range(13):
        even.add(Reading({Amount.SERVED: 10.0 * number}, Holding()), 5.0)
        rushing.add(Reading({Amount.SERVED: 120.0 * (number // 6)}, Holding()), 5.0)

    assert value("unevenness", even) == pytest.approx(0.0, abs=1e-6)
    assert (value("unevenness", rushing) or 0.0) > 0.5


def test_a_page_fetched_from_disk_now_and_then_is_nothing() -> None:
    readable = Holding(has_io=True)

    assert value("disk_read", activity({Amount.READ_BYTES: 4096.0}, readable)) == 0.0
    assert (value("disk_read", activity({Amount.READ_BYTES: 4e6}, readable)) or 0.0) > 0.4
