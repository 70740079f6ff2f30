"""The orders that customers place."""

import random
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

CURRENCIES = ("EUR", "USD", "CHF")
PRODUCTS = 50
FAILING_EVERY = 7
DECLINED_EVERY = 11


class Writing(StrEnum):
    """How the shop sends the statements that store an order."""

    LITERAL = "literal"
    TEXT = "text"  # bound parameters
    BINARY = "binary"
    PREPARED = "prepared"  # by the server, parameters in binary


class Fate(StrEnum):
    """What becomes of an order."""

    PAID = "paid"
    REPEATED = "repeated"  # refused by the database: its number is taken
    DECLINED = "declined"  # written, then rolled back


def orders(count: int, chance: random.Random, writing: Writing) -> Iterator[dict[str, Any]]:
    """Yield orders; some repeat the number of one before that was paid, some are to be taken back."""
    number = paid = chance.getrandbits(40)
    for place in range(count):
        fate = Fate.PAID
        if place % FAILING_EVERY == FAILING_EVERY - 1:
            fate = Fate.REPEATED
        elif place % DECLINED_EVERY == DECLINED_EVERY - 1:
            fate = Fate.DECLINED
        number += 1
        paid = number if fate is Fate.PAID else paid
        yield _order(paid if fate is Fate.REPEATED else number, fate, chance, writing)


def _order(number: int, fate: Fate, chance: random.Random, writing: Writing) -> dict[str, Any]:
    items = [(chance.randrange(PRODUCTS), chance.randint(1, 9), chance.randint(1, 99_999)) for _ in range(3)]
    del items[chance.randint(1, 3) :]
    return {
        "number": number,
        "customer": chance.randrange(1000),
        "total": _price(sum(quantity * cents for _, quantity, cents in items)),
        "currency": chance.choice(CURRENCIES),
        "items": [
            {"product": product, "quantity": quantity, "unit_price": _price(cents)}
            for product, quantity, cents in items
        ],
        "writing": writing.value,
        "fate": fate.value,
    }


def _price(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
