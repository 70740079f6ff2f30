"""What is normal: a season, a level, or what little a prior says."""

from detector.baselines.arrays import Baselines, ModelState, join, take
from detector.baselines.storage import BaselineError, OtherVersionError, restore, store

__all__ = ["BaselineError", "Baselines", "ModelState", "OtherVersionError", "join", "restore", "store", "take"]
