import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.baselines.stabilise import LINEAR, LOG, ROOT, Scales, choose, forward, inverse
from detector.model import Floats, Kind

HOURS = 24 * 14
LEVEL = np.repeat(100 * (1 + 0.8 * np.sin(np.arange(HOURS) * 2 * np.pi / 24)), 12)


def chosen(values: Floats, kind: Kind) -> int:
    return int(choose(values[None], (kind,), np.array([0.1]), 12).codes[0])


def test_scale_follows_how_spread_grows_with_level() -> None:
    random = np.random.default_rng(1)
    size = len(LEVEL)
    assert chosen(LEVEL * np.exp(0.1 * random.standard_normal(size)), Kind.RATE) == LOG
    assert chosen(random.poisson(LEVEL).astype(float), Kind.RATE) == ROOT
    assert chosen(LEVEL + random.standard_normal(size), Kind.GAUGE) == LINEAR


def test_kind_decides_where_numbers_mean_one_thing() -> None:
    random = np.random.default_rng(1)
    assert chosen(LEVEL + random.standard_normal(len(LEVEL)), Kind.DURATION) == LOG
    assert chosen(LEVEL / 1e5, Kind.RATIO) == LINEAR


def test_values_below_zero_stay_as_they_are() -> None:
    assert chosen(LEVEL - 100, Kind.GAUGE) == LINEAR


@given(
    value=st.floats(0, 1e9),
    code=st.sampled_from([LINEAR, ROOT, LOG]),
    offset=st.floats(1e-6, 1e6),
    step=st.floats(1, 9),
)
def test_inverse_undoes_forward_and_order_is_kept(value: float, code: int, offset: float, step: float) -> None:
    scales = Scales(np.array([code], np.int8), np.array([offset]))
    stable = forward(np.array([value]), scales)
    assert inverse(stable, scales)[0] == pytest.approx(value, rel=1e-6, abs=1e-6 * offset)
    assert forward(np.array([value + step * (1 + value)]), scales)[0] > stable[0]
