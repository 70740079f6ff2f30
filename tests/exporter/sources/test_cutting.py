"""How far copying is cut down by drops, and how it comes back."""

from exporter.sources.cutting import CALM_REFRESHES, MOST_CALM_REFRESHES, Cutting


def waits(cutting: Cutting) -> int:
    """Return after how many refreshes a step is taken back."""
    step, refreshes = cutting.step, 0
    while cutting.step == step:
        cutting.refreshed()
        refreshes += 1
        assert refreshes < 10 * MOST_CALM_REFRESHES
    return refreshes


def test_each_drop_takes_one_step_and_the_last_stays() -> None:
    cutting = Cutting(2)
    taken = []
    for _ in range(4):
        cutting.dropped()
        taken.append(cutting.step)
    assert taken == [1, 2, 2, 2]


def test_calm_takes_a_step_back_and_each_drop_after_it_doubles_the_wait() -> None:
    cutting = Cutting(1)
    waited = []
    for _ in range(4):
        cutting.dropped()
        waited.append(waits(cutting))
    assert waited == [CALM_REFRESHES, 2 * CALM_REFRESHES, 4 * CALM_REFRESHES, 8 * CALM_REFRESHES]


def test_the_wait_is_bounded_and_forgotten_after_a_long_calm() -> None:
    cutting = Cutting(1)
    for _ in range(50):
        cutting.dropped()
    assert waits(cutting) == MOST_CALM_REFRESHES
    for _ in range(MOST_CALM_REFRESHES):
        cutting.refreshed()
    cutting.dropped()
    assert waits(cutting) == CALM_REFRESHES
