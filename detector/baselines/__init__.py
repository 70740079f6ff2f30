"""What is normal: a season, a level, or what little a prior says."""

from detector.baselines.arrays import BaselineError, Baselines, ModelState, join, restore, store, take

__all__ = ["BaselineError", "Baselines", "ModelState", "join", "restore", "store", "take"]
