import random

from exporter.fingerprint.dimensions import NAMES, Vector
from exporter.fingerprint.usual import Usual

CPU, SIZE = NAMES.index("cpu_each"), NAMES.index("response_size")


def fingerprint(cpu: float, size: float | None = 0.5) -> Vector:
    values: list[float | None] = [None] * len(NAMES)
    values[CPU], values[SIZE] = cpu, size
    return tuple(values)


def learned(hours: float, spread: float = 0.01) -> Usual:
    usual, dice = Usual(), random.Random(7)
    for _ in range(int(hours * 720)):
        usual.learn(fingerprint(0.4 + dice.uniform(-spread, spread)), 5.0)
    return usual


def test_nothing_is_told_before_the_usual_is_known() -> None:
    assert Usual().distance(fingerprint(0.4)) is None
    assert learned(0.1).distance(fingerprint(0.9)) is None


def test_the_usual_is_near() -> None:
    found = learned(1.0).distance(fingerprint(0.405))

    assert found is not None
    assert found.deviations < 1.0
    assert not found.moved


def test_what_moved_is_named_with_its_direction_the_farthest_first() -> None:
    found = learned(1.0).distance(fingerprint(0.55, 0.1))

    assert found is not None
    assert [one.dimension for one in found.moved] == ["response_size", "cpu_each"]
    assert found.moved[0].deviations < 0 < found.moved[1].deviations
    assert found.deviations > 5.0


def test_a_dimension_that_varies_much_needs_more_to_have_moved() -> None:
    found = learned(1.0, spread=0.3).distance(fingerprint(0.55))

    assert found is not None
    assert not found.moved


def test_an_hour_of_something_else_does_not_become_the_usual_of_a_day() -> None:
    usual = learned(24.0)
    for _ in range(720):
        usual.learn(fingerprint(0.8), 5.0)

    found = usual.distance(fingerprint(0.8))
    assert found is not None
    assert [one.dimension for one in found.moved] == ["cpu_each"]


def test_what_stays_different_becomes_the_usual() -> None:
    usual = learned(24.0)
    for _ in range(720 * 72):
        usual.learn(fingerprint(0.8), 5.0)

    found = usual.distance(fingerprint(0.8))
    assert found is not None
    assert not found.moved


def test_a_dimension_that_is_not_known_is_no_distance() -> None:
    found = learned(1.0).distance(fingerprint(0.4, None))

    assert found is not None
    assert found.deviations < 1.0
