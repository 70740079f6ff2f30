"""Weekly profiles in two bytes a slot: of 100,000 series they are most of what the detector keeps in memory."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.model import Floats

STEPS = 32_767  # on either side of the centre
Shorts = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Packed:
    """Profiles as whole steps from their centres.

    Attributes:
        centre: halfway between the profile's highest and lowest; shape (series,).
        swing: how far they lie from it; 0 where the profile is flat; shape (series,).
        shape: the profile from -STEPS, the lowest, to STEPS, the highest; shape (series, SLOTS).
    """

    centre: Floats
    swing: Floats
    shape: Shorts


def pack(profile: Floats) -> Packed:
    """Pack finite profiles of shape (series, SLOTS): each value comes back within swing / (2 * STEPS)."""
    high, low = profile.max(axis=1), profile.min(axis=1)
    centre, swing = low + (high - low) / 2, (high - low) / 2
    unit = np.where(swing > 0, swing, 1.0)
    steps = np.rint((profile - centre[:, None]) / unit[:, None] * STEPS)
    return Packed(centre, swing, np.clip(steps, -STEPS, STEPS).astype(np.int16))
