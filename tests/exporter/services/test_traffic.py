import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Operation, Role
from exporter.protocols.base import Family
from exporter.services.counters import Side
from exporter.services.histogram import BOUNDS, BOUNDS_SECONDS, BUCKETS, NANOSECONDS, bucket
from exporter.services.operations import OTHER_OPERATION, Operations
from exporter.services.traffic import EXTERNAL, Caps, EdgeKey, SideKey, Traffic
from tests.exporter.services.exchanges import FAMILIES, MILLISECOND, exchange, response_only, unanswered

RETENTION = 900.0


def traffic(services: int = 200, edges: int = 1000, operations: int = 20) -> Traffic:
    return Traffic(FAMILIES.__getitem__, Caps(services, edges, operations), RETENTION)


def http_side(cap: int = 20) -> Side:
    return Side(Operations(Family.HTTP, cap))


def test_an_exchange_counts_its_request_its_bytes_and_its_duration() -> None:
    side = http_side()
    side.add(exchange(milliseconds=3))
    side.add(exchange(milliseconds=70, status="503", failed=True))
    assert (side.requests, side.errors, side.request_bytes, side.response_bytes) == (2, 1, 200, 2000)
    assert side.duration_sum == 73 * MILLISECOND
    assert {BOUNDS_SECONDS[index]: count for index, count in enumerate(side.durations) if count} == {4e-3: 1, 0.1: 1}


def test_halves_of_exchanges_are_requests_without_a_duration() -> None:
    side = http_side()
    side.add(unanswered())
    side.add(response_only())
    assert (side.requests, side.errors, sum(side.durations)) == (2, 1, 0)
    assert side.operations.counts == {Operation("GET"): {"none": 1}, OTHER_OPERATION: {"5xx": 1}}


def test_http_tells_classes_of_status_apart_and_databases_do_not() -> None:
    http, redis = http_side(), Side(Operations(Family.DATABASE, 20))
    for status in ("200", "204", "404", "teapot"):
        http.add(exchange(status=status))
        redis.add(exchange("SET", status=status))
    assert http.operations.counts == {Operation("GET"): {"2xx": 2, "4xx": 1, "~other": 1}}
    assert redis.operations.counts == {Operation("SET"): {"": 4}}


def test_operations_beyond_the_cap_fold_into_one_and_are_counted() -> None:
    state = traffic(operations=3)
    side = state.side("db", Role.SERVER, "redis")
    for number in range(10):
        side.add(exchange(f"COMMAND{number}"))
    assert len(side.operations.counts) == 4
    assert side.operations.counts[OTHER_OPERATION] == {"": 7}
    assert state.limited()["operation"] == 7


def test_services_and_edges_beyond_their_caps_fold_into_one() -> None:
    state = traffic(services=2, edges=2)
    for name in ("a", "b", "c", "d", "a"):
        state.side(name, Role.SERVER, "http").add(exchange())
    for client, server in (("a", "b"), ("b", "a"), ("a", EXTERNAL), ("a", "b")):
        state.edge(client, server, "http").add(exchange())
    seen = state.snapshot()
    assert {key.service_name: side.requests for key, side in seen.sides.items()} == {"a": 2, "b": 1, "~other": 2}
    assert seen.edges[EdgeKey("~other", "~other", "http")].requests == 1
    assert state.limited() == {"service_name": 2, "edge": 1, "operation": 0, "event": 0}


def test_a_snapshot_is_not_changed_by_later_exchanges() -> None:
    state = traffic()
    side, edge = state.side("web", Role.SERVER, "http"), state.edge(EXTERNAL, "web", "http")
    side.add(exchange())
    edge.add(exchange())
    before = state.snapshot()
    side.add(exchange())
    edge.add(exchange())
    assert before.sides[SideKey("web", Role.SERVER, "http")].requests == 1
    assert before.edges[EdgeKey(EXTERNAL, "web", "http")].requests == 1


def test_a_service_is_forgotten_only_after_its_retention() -> None:
    state = traffic()
    state.side("gone", Role.SERVER, "http").add(exchange())
    state.side("busy", Role.SERVER, "http").add(exchange())
    state.edge("busy", "gone", "http")
    state.retain({"gone", "busy"}, 0.0)
    state.retain({"busy"}, RETENTION - 1)
    assert SideKey("gone", Role.SERVER, "http") in state.snapshot().sides
    state.retain({"busy"}, RETENTION)
    assert set(state.snapshot().sides) == {SideKey("busy", Role.SERVER, "http")}
    assert not state.snapshot().edges


def test_a_service_without_processes_that_is_still_counted_stays() -> None:
    state = traffic()
    for now in range(0, 5000, 500):
        state.side("hidden", Role.SERVER, "http").add(exchange())
        state.retain((), float(now))
    assert state.snapshot().sides[SideKey("hidden", Role.SERVER, "http")].requests == 10


def test_a_forgotten_service_makes_room_for_another() -> None:
    state = traffic(services=1)
    state.side("first", Role.SERVER, "http")
    state.retain((), 0.0)
    state.retain((), RETENTION)
    state.side("second", Role.SERVER, "http")
    assert set(state.snapshot().sides) == {SideKey("second", Role.SERVER, "http")}


@given(st.lists(st.tuples(st.sampled_from("ABCDEFG"), st.floats(0, 1e5), st.booleans())), st.integers(0, 30))
def test_merging_two_halves_is_counting_the_whole(exchanges: list[tuple[str, float, bool]], cut: int) -> None:
    built = [exchange(name, failed=failed, milliseconds=spent) for name, spent, failed in exchanges]
    whole, left, right = http_side(3), http_side(3), http_side(3)
    for one in built:
        whole.add(one)
    for one in built[:cut]:
        left.add(one)
    for one in built[cut:]:
        right.add(one)
    left.merge(right)
    assert (left.requests, left.errors, left.durations) == (whole.requests, whole.errors, whole.durations)
    assert total(left) == total(whole) == len(built)
    assert len(left.operations.counts) <= 4


def total(side: Side) -> float:
    return sum(sum(by_class.values()) for by_class in side.operations.counts.values())


@given(st.integers(0, 10**12))
def test_a_duration_falls_below_its_bucket_s_bound_and_above_the_one_before(duration: int) -> None:
    index = bucket(duration)
    assert index == BUCKETS - 1 or duration <= BOUNDS[index]
    assert index == 0 or duration > BOUNDS[index - 1]


def test_bounds_rise() -> None:
    assert all(lower < upper for lower, upper in pairwise(BOUNDS))
    assert BUCKETS <= 30


@pytest.mark.parametrize("spread", [0.15, 0.3, 0.5])
def test_a_median_read_back_from_the_buckets_is_close(spread: float) -> None:
    chance = random.Random(1)
    errors = []
    for _ in range(100):
        centre = 10 ** chance.uniform(-4, -1)
        durations = sorted(round(centre * chance.lognormvariate(0, spread) * NANOSECONDS) for _ in range(500))
        side = http_side()
        for duration in durations:
            side.durations[bucket(duration)] += 1
        errors.append(abs(median(side.durations) / durations[250] - 1))
    assert sorted(errors)[94] < 0.1


def median(counts: list[float]) -> float:
    """As Prometheus's histogram_quantile reads it, in nanoseconds."""
    wanted, below = sum(counts) / 2, 0.0
    for index, count in enumerate(counts):
        if below + count >= wanted:
            lower = BOUNDS[index - 1] if index else 0
            return lower + (BOUNDS[index] - lower) * (wanted - below) / count
        below += count
    raise AssertionError("the counts add up to their own half")
