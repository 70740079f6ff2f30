"""Orders and money by the exporter and by the shop's own database: the same to the cent, without any configuration."""

import random
from decimal import Decimal
from pathlib import Path

import pytest

from tests.live.shop.orders import Writing
from tests.live.shop.shop import Books, shop
from tests.live.support import stack
from tests.live.support.seen import UNSHED, Seen, settled
from tests.live.support.stack import Process

pytestmark = [pytest.mark.timeout(240), pytest.mark.usefixtures("capturing")]
FEW, MANY = 36, 1500
SEED = 7
ROOMY = "--capture.memory=256MiB"  # nothing is shed while a busy machine lets the exporter wait for its turn


def told(seen: Seen, role: str) -> Books:
    """Return what the exporter says was sold, as the service behind the port says it in that role."""

    def events(event: str) -> int:
        return round(sum(s.value for s in seen.samples("larimar_business_events_total", role=role, event=event)))

    def sums(event: str, field: str) -> dict[str, Decimal]:
        found = seen.samples("larimar_business_value_total", role=role, event=event, field=field)
        return {s.labels["currency"]: Decimal(repr(s.value)) for s in found}

    quantity = sums("order_items.insert", "quantity").get("", Decimal(0))
    return Books(events("orders.insert"), sums("orders.insert", "total"), events("order_items.insert"), int(quantity))


def assert_books_agree(folder: Path, count: int, ways: list[Writing]) -> None:
    chance = random.Random(SEED)
    with stack.exporter(folder, *UNSHED, ROOMY) as exporter, shop(folder) as running:
        for writing in ways:
            answers = running.drive(count, writing, chance)
            assert answers[201] > answers[409] > 0 < answers[402]
            assert_told(exporter, running.port, "client", running.books())
        own = running.books()
        assert_told(exporter, running.database, "server", own)
        posted = own.orders + count * len(ways)  # those that were paid, and a cart for each
        seen = settled(exporter, running.port, lambda seen: _posts(seen) >= posted)
        assert _posts(seen) == posted
        assert _checked_out(seen) == own.revenue
        assert "larimar_business_unread_values_total{" not in seen.page


def assert_told(exporter: Process, port: int, role: str, own: Books) -> None:
    seen = settled(exporter, port, lambda seen: told(seen, role) == own)
    assert told(seen, role) == own, seen.losses()


def _posts(seen: Seen) -> float:
    events = seen.by("event", "larimar_business_events_total")
    return sum(count for event, count in events.items() if event.startswith("POST"))


def _checked_out(seen: Seen) -> dict[str, Decimal]:
    """Return the money that the bodies of answered requests say was spent, by currency."""
    told: dict[str, Decimal] = {}
    for sample in seen.samples("larimar_business_value_total", field="total"):
        currency = sample.labels["currency"]
        told[currency] = told.get(currency, Decimal(0)) + Decimal(repr(sample.value))
    return told


def test_orders_and_money_equal_the_shops_own_books(tmp_path: Path) -> None:
    assert_books_agree(tmp_path, FEW, list(Writing))


@pytest.mark.long
def test_many_orders_equal_the_shops_own_books(tmp_path: Path) -> None:
    assert_books_agree(tmp_path, MANY, [*Writing, *Writing])
