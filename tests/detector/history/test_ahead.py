from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from detector.history.ahead import ahead
from tests.detector.running import AtOnce


class Held(AtOnce):
    """Ends the work that it is given when it is told to, or at once."""

    def __init__(self, held: set[str]) -> None:
        self.held = held
        self.begun: dict[str, Future[Any]] = {}

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        (name,) = args
        self.begun[name] = Future() if name in self.held else AtOnce.submit(self, fn, *args, **kwargs)
        return self.begun[name]


def room(name: str) -> str:
    if name == "bad":
        raise ValueError(name)
    return "" if name.startswith("empty") else name


def is_nothing(outcome: str) -> bool:
    return not outcome


def test_outcomes_come_in_the_order_of_their_names() -> None:
    names = [f"{'empty' * (i % 3 == 0)}{i}" for i in range(50)]
    with ThreadPoolExecutor(3) as executor:
        assert list(ahead(executor, room, names, 2, is_nothing)) == [room(name) for name in names]
    assert list(ahead(AtOnce(), room, (), 2, is_nothing)) == []


def test_no_more_than_so_many_wait_beside_the_one_taken() -> None:
    executor = Held(set())
    every = ahead(executor, room, "abcdefgh", 2, is_nothing)
    assert next(every) == "a"
    assert list(executor.begun) == ["a", "b", "c"]
    assert next(every) == "b"
    assert list(executor.begun) == ["a", "b", "c", "d"]


def test_what_takes_no_room_does_not_keep_others_from_being_begun_while_the_first_is_slow() -> None:
    executor = Held({"slow"})
    names = ["slow", "empty1", "empty2", "empty3", "large", "larger", "last"]
    with ThreadPoolExecutor(1) as taker:
        first = taker.submit(next, ahead(executor, room, names, 2, is_nothing))
        while "larger" not in executor.begun:
            assert not first.done()
        executor.begun["slow"].set_result("slow")
        assert first.result() == "slow"
    assert "last" not in executor.begun


def test_what_fails_is_told_in_its_turn() -> None:
    every = ahead(AtOnce(), room, ["a", "bad", "b"], 2, is_nothing)
    assert next(every) == "a"
    with pytest.raises(ValueError, match="bad"):
        next(every)
