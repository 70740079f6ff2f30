"""Loads for `world.World`."""

import random
from collections.abc import Callable

from tests.exporter.services.world import Asked

RTT = 0.0005


def steady(rate: int, seconds: int, rtt: float = RTT) -> list[Asked]:
    """Requests one after the other, on 20 connections; one in 10 fails."""
    return [Asked(at / rate, at / rate + rtt, at % 20, at % 10 == 0) for at in range(rate * seconds)]


def pipelined(rate: int, seconds: int, depth: int = 16) -> list[Asked]:
    """So many requests at once."""
    moments = (at // depth * depth / rate for at in range(rate * seconds))
    return [Asked(at, at + 2 * RTT, number % 20) for number, at in enumerate(moments)]


def bursts(rate: int, seconds: int, period: float, duty: float) -> list[Asked]:
    """All requests of a period in a part of it."""
    each = round(rate * period)
    moments = (
        number * period + duty * period * place / each
        for number in range(int(seconds / period))
        for place in range(each)
    )
    return [Asked(at, at + RTT, place % 20) for place, at in enumerate(moments)]


def lasting(rate: int, seconds: int, shortest: float, longest: float) -> list[Asked]:
    """Requests that are answered late, each on a connection of its own."""
    dice = random.Random(3)
    return [Asked(at / rate, at / rate + dice.uniform(shortest, longest), at) for at in range(rate * seconds)]


def growing(seconds: int) -> list[Asked]:
    """A load that doubles every 5 seconds from the 10th on."""
    moments, at = [], 0.0
    while at < seconds:
        moments.append(at)
        at += 1 / (50 * 2 ** (max(0.0, at - 10) / 5))
    return [Asked(at, at + RTT, place % 20) for place, at in enumerate(moments)]


def any_load(dice: random.Random, seconds: int) -> list[Asked]:
    """Return a load of any kind and rate: even, pipelined, in bursts, two rushes, or several at once."""
    rate = round(600 * 6 ** dice.random())
    calm, lasts = dice.uniform(2, 6), dice.uniform(0.5, 3)
    again = calm + lasts + dice.uniform(1, 5)
    kinds: tuple[Callable[[], list[Asked]], ...] = (
        lambda: steady(rate, seconds),
        lambda: pipelined(2 * rate, seconds, dice.choice((4, 16, 64))),
        lambda: bursts(rate, seconds, dice.uniform(0.05, 2), dice.uniform(0.1, 0.8)),
        lambda: [
            one
            for one in pipelined(3 * rate, seconds, dice.choice((1, 16)))
            if calm < one.asked < calm + lasts or again < one.asked < again + lasts
        ],
        lambda: sorted([*steady(rate, seconds), *pipelined(rate, seconds)], key=lambda one: one.asked),
    )
    return dice.choice(kinds)()
