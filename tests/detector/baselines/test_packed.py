import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.baselines.packed import STEPS, pack
from detector.model import Floats

finite = st.floats(-1e12, 1e12)


def unpacked(profile: Floats) -> Floats:
    packed = pack(profile)
    return np.asarray(packed.centre[:, None] + packed.swing[:, None] * packed.shape / STEPS)


@given(st.lists(finite, min_size=2, max_size=20))
def test_values_come_back_within_half_a_step(values: list[float]) -> None:
    profile = np.array([values])
    step = np.ptp(profile) / 2 / STEPS
    assert unpacked(profile) == pytest.approx(profile, abs=0.51 * step + 1e-15 * np.abs(profile).max())


def test_flat_profiles_come_back_exactly() -> None:
    profile = np.array([[7.3] * 5, [0.0] * 5, [-1e-300] * 5])
    assert np.array_equal(unpacked(profile), profile)


def test_a_slot_takes_two_bytes() -> None:
    assert pack(np.zeros((3, 1008))).shape.nbytes == 3 * 1008 * 2
