"""What was learnt of all series, as it comes of one task after another; what is large of it waits on disk."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from detector.baselines import profiles
from detector.baselines.arrays import Baselines, Floats32, join
from detector.baselines.profiles import Descriptor, Gathering, Profiles
from detector.calibration import Calibrated
from detector.checks.limits import Tails, limits


class Gathered:
    """Takes in outcomes in any order, and gives the baselines of all in the order of their numbers."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is where the profiles go, into a file without a name; None: they stay in memory."""
        self._folder = folder
        self._gathering: Gathering | None = None
        self._parts: dict[int, Calibrated] = {}

    def add(self, number: int, part: Calibrated) -> None:
        """Take in what a task gave. Raises OSError."""
        if self._folder is not None:
            profile = Profiles((), self._gather(self._folder).add(part.baselines.profile))
            part = replace(part, baselines=replace(part.baselines, profile=profile))
        self._parts[number] = replace(part, tails=_halved(part.tails))

    def end(self) -> Baselines | None:
        """All that was taken in, with the limits that come of all of it; None where nothing was. Raises OSError."""
        if not self._parts:
            return None
        parts = [self._parts.pop(number) for number in range(len(self._parts))]
        baselines = self._joined([part.baselines for part in parts])
        tails = Tails(*(np.concatenate([getattr(part.tails, name) for part in parts]) for name in Tails.__slots__))
        del parts
        return replace(baselines, limits=_limits(baselines, tails))

    def _gather(self, folder: Path) -> Gathering:
        if self._gathering is None:
            with TemporaryFile(dir=folder) as waiting, TemporaryFile(dir=folder) as lasting:
                self._gathering = Gathering(Descriptor(waiting), Descriptor(lasting))
        return self._gathering

    def _joined(self, parts: list[Baselines]) -> Baselines:
        if self._gathering is None:
            return join(parts)
        places = np.concatenate([part.profile.places for part in parts])
        none = [Profiles((), np.full(len(part.keys), profiles.FLAT, np.int32)) for part in parts]
        bare = join([replace(part, profile=no) for part, no in zip(parts, none, strict=True)])
        return replace(bare, profile=self._gathering.end(places))


def _halved(tails: Tails) -> Tails:
    """The same in single precision, as limits are: of many series they are most of what waits in memory."""
    return Tails(*(getattr(tails, name).astype(np.float32) for name in Tails.__slots__))


def _limits(baselines: Baselines, tails: Tails) -> Floats32:
    """The limits of each signal's series by the tails of all of them; one signal at a time, for it takes much room."""
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(baselines.keys):
        rows.setdefault(key.signal, []).append(row)
    result = np.empty(tails.start.shape, np.float32)
    for some in rows.values():
        of_signal = np.array(some, np.int64)
        result[of_signal] = limits(tails.rows(of_signal), np.zeros(len(some), np.int64))
    return result
