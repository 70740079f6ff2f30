"""Business events and values as they are exposed."""

from decimal import Decimal

from exporter.collectors.business import event_families, value_families
from exporter.model import Amount, Change, Exchange, Kind, Message, Operation, Role
from exporter.protocols.base import Family
from exporter.services.counters import Share, Side
from exporter.services.traffic import Caps, Traffic
from tests.exporter.collectors.test_traffic import exposed
from tests.exporter.services.exchanges import FAMILIES, exchange, pushed

PLACES = {**FAMILIES, "postgresql": Family.DATABASE}
INSERT = Operation("INSERT", "orders")


def traffic() -> Traffic:
    return Traffic(PLACES.__getitem__, Caps(), 900.0)


def changed(*changes: Change) -> Exchange:
    return Exchange(None, Message(Kind.CHANGED, 0, 0, 0, changes=changes))


def amount(total: str, negative: str = "0", field: str = "total", currency: str = "EUR") -> Amount:
    return Amount(field, currency, Decimal(total), Decimal(negative), 1)


def shop(state: Traffic) -> Side:
    return state.side("shop", Role.CLIENT, "postgresql")


SHOP = "role=client service_name=shop"
TOTAL = "currency=EUR event=orders.insert field=total"


def test_cents_add_up_exactly() -> None:
    state = traffic()
    for _ in range(1000):
        shop(state).add(changed(Change(INSERT, 1, (amount("0.10"),))))
    seen = exposed(value_families(state.snapshot()))
    assert seen[f"larimar_business_value_total {TOTAL} {SHOP}"] == 100.0
    assert seen[f"larimar_business_values_total {TOTAL} {SHOP}"] == 1000


def test_changes_are_events_and_no_requests() -> None:
    state = traffic()
    shop(state).add(changed(Change(INSERT, 3), Change(Operation("DELETE"), 1)))
    seen = exposed(event_families(state.snapshot()))
    assert seen == {
        f"larimar_business_events_total event=orders.insert {SHOP}": 3,
        f"larimar_business_events_total event=delete {SHOP}": 1,
    }
    assert shop(state).requests == 0


def test_counters_never_fall_whatever_is_refunded() -> None:
    state = traffic()
    shop(state).add(changed(Change(INSERT, 2, (amount("20", negative="5"),), unread=1)))
    seen = exposed(value_families(state.snapshot()))
    assert seen[f"larimar_business_value_total {TOTAL} {SHOP}"] == 20
    assert seen[f"larimar_business_negative_value_total {TOTAL} {SHOP}"] == 5
    assert seen[f"larimar_business_unread_values_total event=orders.insert {SHOP}"] == 1


def test_what_was_sampled_is_scaled() -> None:
    state = traffic()
    share = Share(requests=0.0, responses=2.5, durations=2.5, operations=0.0)
    shop(state).add(changed(Change(INSERT, 1, (amount("4.50"),))), share)
    shop(state).add(changed(Change(INSERT, 1, (amount("1.25"),))))
    assert exposed(event_families(state.snapshot())) == {
        f"larimar_business_events_total event=orders.insert {SHOP}": 3.5
    }
    assert exposed(value_families(state.snapshot()))[f"larimar_business_value_total {TOTAL} {SHOP}"] == 12.5


def test_requests_that_change_something_count_when_they_succeed() -> None:
    state = traffic()
    side = state.side("shop", Role.SERVER, "http")
    for method, status in (("POST", "201"), ("POST", "500"), ("POST", "302"), ("GET", "200"), ("DELETE", "204")):
        side.add(exchange(method, status, target="/orders"))
    assert exposed(event_families(state.snapshot())) == {
        "larimar_business_events_total event=POST /orders role=server service_name=shop": 1,
        "larimar_business_events_total event=DELETE /orders role=server service_name=shop": 1,
    }


def test_body_counts_only_with_a_success() -> None:
    state = traffic()
    side = state.side("shop", Role.SERVER, "http")
    post = Operation("POST", "/orders")
    for status in ("201", "422"):
        request = Message(Kind.REQUEST, 0, 0, 9, post, changes=(Change(post, 0, (amount("7.77"),)),))
        side.add(Exchange(request, Message(Kind.RESPONSE, 1, 1, 9, status=status, failed=status > "4")))
    seen = exposed(value_families(state.snapshot()))
    named = "currency=EUR event=POST /orders field=total role=server service_name=shop"
    assert seen[f"larimar_business_value_total {named}"] == 7.77
    assert seen[f"larimar_business_values_total {named}"] == 1


def test_what_is_published_is_an_event() -> None:
    state = traffic()
    side = state.side("shop", Role.CLIENT, "amqp")
    side.add(pushed("basic.publish"))
    side.add(pushed("basic.deliver"))
    assert exposed(event_families(state.snapshot())) == {f"larimar_business_events_total event=publish {SHOP}": 1}


def test_events_and_sums_are_bounded() -> None:
    state = traffic()
    for number in range(100):
        fields = tuple(amount("1", field=f"field{each}") for each in range(30))
        shop(state).add(changed(Change(Operation("INSERT", f"t{number}"), 1, fields)))
    snapshot = state.snapshot()
    events = exposed(event_families(snapshot))
    assert len(events) == 41
    assert events[f"larimar_business_events_total event=~other {SHOP}"] == 60
    sums = [name for name in exposed(value_families(snapshot)) if name.startswith("larimar_business_value_total")]
    assert len(sums) == 41 * 20
    assert state.limited()["event"] > 0
