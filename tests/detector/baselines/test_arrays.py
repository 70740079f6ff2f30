import io
import pickle
import zipfile
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pytest

from detector.baselines import BaselineError, Baselines, join, restore, store, take
from detector.baselines.arrays import ARRAYS
from detector.learning.fitting import fit, prior
from detector.model import History, SeriesKey
from tests.detector.worlds import BEGIN, DAY, SIGNALS, World

KEYS = tuple(SeriesKey(name, "latency") for name in ("a", "b", "größe-✓"))


def same(one: Baselines, other: Baselines) -> bool:
    arrays = all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in ARRAYS)
    shapes = zip(one.profile.slots(), other.profile.slots(), strict=True)
    profiles = all(np.array_equal(own, others) for own, others in shapes)
    return arrays and profiles and one.keys == other.keys and one.step == other.step


def kept(baselines: Baselines) -> Baselines:
    with TemporaryFile() as file:
        file.write(b"something before it\n")
        store(baselines, file)
        file.seek(0)
        file.readline()
        return restore(file)


def stored(baselines: Baselines, path: Path) -> Path:
    with path.open("wb") as file:
        store(baselines, file)
    return path


@pytest.fixture(scope="module")
def learnt() -> Baselines:
    world = World(3, 2).read(BEGIN, BEGIN + 4 * DAY, 600.0)
    flat = History((SeriesKey("flat", "latency"),), world.start, world.step, np.full((1, world.values.shape[1]), 5.0))
    return join([fit(world, SIGNALS, 60.0), fit(flat, SIGNALS, 60.0)])


def test_baselines_outlive_storage_and_pickling(learnt: Baselines) -> None:
    for baselines in (learnt, prior(KEYS, SIGNALS, 60.0)):
        assert same(kept(baselines), baselines)
        assert same(kept(kept(baselines)), baselines)
        assert same(pickle.loads(pickle.dumps(baselines)), baselines)
    assert learnt.profile.places[-1] == -1
    assert learnt.profile.places.max() >= 0


def test_rows_can_be_taken_and_joined(learnt: Baselines) -> None:
    rows = len(learnt.keys)
    for baselines in (learnt, kept(learnt)):
        parts = [take(baselines, np.array([row])) for row in range(rows)]
        assert same(join(parts), learnt)
        assert same(join((take(baselines, np.arange(2)), take(learnt, np.arange(2, rows)))), learnt)
        assert same(join((take(kept(learnt), np.arange(2)), take(baselines, np.arange(2, rows)))), learnt)
    with pytest.raises(ValueError, match="no baselines"):
        join([])


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_damaged_bytes_are_refused(keep: float, learnt: Baselines, tmp_path: Path) -> None:
    path = stored(learnt, tmp_path / "baselines")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with path.open("rb") as file, pytest.raises(BaselineError, match="cannot be read"):
        restore(file)


def test_profiles_of_which_one_bit_is_wrong_are_refused(learnt: Baselines, tmp_path: Path) -> None:
    path = stored(learnt, tmp_path / "baselines")
    data = bytearray(path.read_bytes())
    data[data.index(b"profile.npy") + 500] ^= 1
    path.write_bytes(data)
    with path.open("rb") as file, pytest.raises(BaselineError, match="CRC"):
        restore(file)


def test_a_file_that_is_cut_off_later_is_an_error(learnt: Baselines, tmp_path: Path) -> None:
    path = stored(learnt, tmp_path / "baselines")
    with path.open("rb") as file:
        found = restore(file)
    assert same(found, learnt)
    with path.open("r+b") as file:
        file.truncate(100)
    with pytest.raises(OSError, match="ends before"):
        found.usual(np.array([BEGIN]))


def test_no_series_can_be_stored() -> None:
    assert kept(take(prior(KEYS, SIGNALS, 60.0), np.array([], np.int64))).keys == ()


def changed(path: Path, name: str, value: object) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(buffer, "w") as other:
        for member in archive.namelist():
            data = archive.read(member)
            if member == f"{name}.npy":
                written = io.BytesIO()
                np.save(written, np.asarray(value))
                data = written.getvalue()
            other.writestr(member, data)
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("version", 6, "has version 6"),
        ("places", [0, 1, 2], "have 7 series, but not in places"),
        ("places", [0, 1, 2, 3, 4, 5, 600], "profiles are missing"),
        ("profile", np.zeros((7, 7), "<i2"), "profiles of 7 slots"),
        ("names", [1, 2, 3], "cannot be read"),
    ],
)
def test_another_form_is_refused(name: str, value: object, reason: str, learnt: Baselines, tmp_path: Path) -> None:
    path = changed(stored(learnt, tmp_path / "baselines"), name, value)
    with path.open("rb") as file, pytest.raises(BaselineError, match=reason):
        restore(file)
