import random

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model import Operation
from exporter.protocols.base import Family
from exporter.protocols.http_head import operation_of
from exporter.services.operations import OTHER, OTHER_OPERATION, Budget, Operations
from tests.exporter.services.exchanges import exchange


def http(cap: int = 30, budget: Budget | None = None) -> Operations:
    return Operations(Family.HTTP, cap, budget)


def asked(operations: Operations, path: str, status: str = "200", times: int = 1) -> Operation:
    """Count requests for a path as the wire has it."""
    operation = operation_of(b"GET", path.encode())
    told = operation
    for _ in range(times):
        told = operations.add(exchange(operation.name, status, target=operation.target))
    return told


def total(operations: Operations) -> float:
    return sum(sum(by_class.values()) for by_class in operations.counts.values())


def test_routes_are_counted_by_their_templates() -> None:
    operations = http()
    for number in range(50):
        asked(operations, f"/products/blue-suede-shoes/reviews/{number}?page={number}")
    assert operations.counts == {Operation("GET", "/products/{slug}/reviews/{id}"): {"2xx": 50}}


def test_unknown_routes_fold_into_one_whatever_they_are() -> None:
    operations = http()
    for number in range(500):
        asked(operations, f"/wp-content/plugins/x{number}y/readme.txt", "404")
        asked(operations, f"/.git/{number}", "403")
    assert operations.counts == {Operation("GET", OTHER): {"4xx": 1000}}


def test_what_a_held_connection_asked_is_judged_by_its_service() -> None:
    service, held = http(), Operations(Family.HTTP, 128, held=True)
    asked(held, "/orders/17", "200", 3)
    asked(held, "/orders/17", "500", 2)
    asked(held, "/nothing", "404", 4)
    service.merge(held)
    assert service.counts == {
        Operation("GET", "/orders/{id}"): {"2xx": 3, "5xx": 2},
        Operation("GET", OTHER): {"4xx": 4},
    }


def test_the_least_used_give_way_to_those_that_are_used_more() -> None:
    operations = Operations(Family.DATABASE, 2)
    for name, times in (("SELECT", 100), ("SHOW", 1), ("INSERT", 50), ("UPDATE", 1)):
        operations.count(Operation(name), "", times)
    before = operations.counts[Operation("SELECT")][""]
    operations.rank()
    operations.count(Operation("INSERT"), "", 10)
    operations.count(Operation("SHOW"), "", 1)
    assert operations.counts == {
        Operation("SELECT"): {"": before},
        Operation("INSERT"): {"": 10},
        OTHER_OPERATION: {"": 52},
    }
    assert operations.folded == 52


@settings(max_examples=60)
@given(st.lists(st.lists(st.tuples(st.sampled_from("ABCDEFGH"), st.integers(1, 50)), max_size=6), max_size=20))
def test_an_operation_that_gets_its_place_back_goes_on_from_where_it_was(
    periods: list[list[tuple[str, int]]],
) -> None:
    operations, highest = Operations(Family.DATABASE, 3), dict[Operation, float]()
    for period in periods:
        for name, times in period:
            operations.count(Operation(name), "", times)
        operations.rank()
        now = {operation: sum(by_class.values()) for operation, by_class in operations.counts.items()}
        assert all(count >= highest.get(operation, 0) for operation, count in now.items())
        highest |= now


def test_equals_do_not_take_each_others_places() -> None:
    operations = Operations(Family.DATABASE, 2)
    for _ in range(20):
        for name in ("A", "B", "C", "D"):
            operations.count(Operation(name), "", 10)
        operations.rank()
    assert {operation.name for operation in operations.counts} == {"A", "B", OTHER}


def test_all_services_share_one_budget_and_give_it_back() -> None:
    budget = Budget(3)
    first, second = http(budget=budget), http(budget=budget)
    for path in ("/cart", "/orders", "/search"):
        asked(first, path)
    asked(second, "/cart", times=3)
    assert (len(first.counts), second.counts) == (3, {OTHER_OPERATION: {"2xx": 3}})
    first.free()
    assert budget.left == 3


def test_a_copy_tells_the_same_and_stays() -> None:
    operations = http()
    asked(operations, "/cart")
    copied = operations.copy()
    asked(operations, "/cart")
    assert copied.counts == {Operation("GET", "/cart"): {"2xx": 1}}


PART = st.one_of(
    st.text(min_size=1, max_size=20),
    st.integers().map(str),
    st.uuids().map(str),
    st.emails(),
    st.binary(min_size=6, max_size=20).map(bytes.hex),
    st.sampled_from(["api", "users", "orders", "search", "..", "{id}", "%00", "~other"]),
)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.lists(PART, max_size=6), st.sampled_from(["200", "404", "500", "301"])), max_size=80))
def test_counters_never_fall_and_nothing_is_lost(asks: list[tuple[list[str], str]]) -> None:
    operations, before = http(5), dict[Operation, float]()
    for count, (parts, status) in enumerate(asks, 1):
        asked(operations, "/" + "/".join(parts), status)
        now = {operation: sum(by_class.values()) for operation, by_class in operations.counts.items()}
        assert all(now[operation] >= value for operation, value in before.items())
        assert total(operations) == count
        assert len(now) <= 6
        before = now


def test_no_name_of_anybody_is_told_however_often_he_comes() -> None:
    dice = random.Random(7)
    people = ["q" + "".join(dice.choices("abcdefghijklmnoprstuvwxyz", k=7)) for _ in range(200)]
    operations = http()
    for _ in range(20_000):
        person = dice.choice(people)
        asked(
            operations, dice.choice((f"/{person}", f"/users/{person}", f"/api/{person}/settings", f"/{person}@x.org"))
        )
    told = " ".join(operation.target for operation in operations.counts)
    assert not [person for person in people if person in told]
