"""The monotonic clock's times by the clock on the wall."""

from exporter.sources.walltime import STEPPED, WallTime

SECOND = 1_000_000_000


class Clock:
    """Two clocks that go as fast, and take a while to be asked."""

    def __init__(self) -> None:
        self.now = 5 * SECOND
        self.ahead = 100 * SECOND
        self.takes = 100

    def monotonic(self) -> int:
        """Return the one's time."""
        self.now += self.takes
        return self.now

    def wall(self) -> int:
        """Return the other's."""
        return self.now + self.ahead


def test_times_are_shifted_by_the_difference_of_the_clocks() -> None:
    clock = Clock()
    assert abs(WallTime(clock.monotonic, clock.wall).shift - clock.ahead) <= clock.takes


def test_a_clock_that_is_set_is_followed() -> None:
    clock = Clock()
    time = WallTime(clock.monotonic, clock.wall)
    clock.ahead += SECOND
    time.look()
    assert abs(time.shift - clock.ahead) <= clock.takes


def test_what_may_be_chance_changes_nothing() -> None:
    clock = Clock()
    time = WallTime(clock.monotonic, clock.wall)
    before = time.shift
    clock.ahead += STEPPED // 2
    time.look()
    assert time.shift == before


def test_a_look_that_was_held_up_changes_nothing() -> None:
    clock = Clock()
    time = WallTime(clock.monotonic, clock.wall)
    before = time.shift
    clock.takes = SECOND
    time.look()
    assert time.shift == before
