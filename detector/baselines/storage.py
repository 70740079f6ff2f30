"""Baselines as a file, of which the profiles are read as they are needed."""

import json
import struct
import zipfile
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib.format import read_array_header_1_0, read_magic, write_array, write_array_header_1_0

from detector.baselines import profiles
from detector.baselines.arrays import ARRAYS, Baselines
from detector.baselines.grid import SLOTS
from detector.baselines.profiles import Profiles
from detector.model import SeriesKey

VERSION = 9
CHECKED_BYTES = 1 << 20
LOCAL_HEADER = struct.Struct("<26x2H")  # of a member of a ZIP; the lengths of its name and of what else precedes it


class BaselineError(ValueError):
    """Stored baselines are of another version, or damaged."""


class OtherVersionError(BaselineError):
    """Stored baselines are of another version."""


def store(baselines: Baselines, file: IO[bytes]) -> None:
    """Write the baselines as `restore` reads them: a NumPy archive without pickled objects. Raises OSError."""
    names = json.dumps([key.names() for key in baselines.keys]).encode()
    seasonal = np.flatnonzero(baselines.profile.places >= 0)
    places = np.full(len(baselines.keys), profiles.FLAT, np.int32)
    places[seasonal] = np.arange(len(seasonal))
    arrays = {name: getattr(baselines, name) for name in ARRAYS}
    # Compressed, 100,000 series would take half of the disk, and 14 s of whoever waits for it.
    with zipfile.ZipFile(file, "w") as archive:
        first = {
            "version": np.array(VERSION),
            "step": np.array(baselines.step),
            "names": np.frombuffer(names, np.uint8),
        }
        for name, array in {**first, **arrays, "places": places}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                write_array(member, array, allow_pickle=False)
        _store_profiles(archive, baselines.profile, seasonal)


def _store_profiles(archive: zipfile.ZipFile, profile: Profiles, seasonal: npt.NDArray[np.int64]) -> None:
    with archive.open("profile.npy", "w", force_zip64=True) as member:
        shape = {"descr": profiles.NUMBER.str, "fortran_order": False, "shape": (SLOTS, len(seasonal))}
        write_array_header_1_0(member, shape)
        for some in profile.slots():
            member.write(some[seasonal].T.astype(profiles.NUMBER).tobytes())


def restore(file: IO[bytes]) -> Baselines:
    """Read what `store` wrote; the profiles stay where they are, so the file is not to be written to any more.

    Raises:
        BaselineError: it is damaged, or of another version.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            version = int(archive["version"])
            if version != VERSION:
                raise OtherVersionError(f"has version {version}, this one needs {VERSION}")
            names = json.loads(archive["names"].tobytes())
            keys = tuple(map(SeriesKey.of, names))
            arrays = {name: archive[name] for name in ARRAYS}
            step = float(archive["step"])
            profile = Profiles(_table(file, archive.zip), archive["places"])
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, BaselineError):
            raise
        raise BaselineError(f"stored baselines cannot be read: {error}") from error
    _require_fit(keys, arrays, profile)
    return Baselines(keys=keys, step=step, profile=profile, **arrays)


def _require_fit(keys: tuple[SeriesKey, ...], arrays: dict[str, Any], profile: Profiles) -> None:
    wrong = [name for name, array in {**arrays, "places": profile.places}.items() if len(array) != len(keys)]
    if wrong:
        raise BaselineError(f"stored baselines have {len(keys)} series, but not in {', '.join(wrong)}")
    rows, places = sum(table.rows for table in profile.tables), profile.places
    if len(places) and not profiles.FLAT <= int(places.min()) <= int(places.max()) < rows:
        raise BaselineError("stored baselines have series whose profiles are missing")


def _table(file: IO[bytes], archive: zipfile.ZipFile) -> tuple[profiles.Table, ...]:
    """Find the profiles in an archive, of which they are a stretch, once it is certain that they are whole."""
    about = archive.getinfo("profile.npy")
    if about.compress_type != zipfile.ZIP_STORED:
        raise BaselineError("stored baselines are compressed")
    with archive.open(about) as member:
        read_magic(member)
        (slots, rows), _, kind = read_array_header_1_0(member)
        header = member.tell()
        while member.read(CHECKED_BYTES):  # its last call compares the sum of them all
            pass
    if slots != SLOTS or kind != profiles.NUMBER or about.file_size != header + slots * rows * kind.itemsize:
        raise BaselineError(f"stored baselines have profiles of {slots} slots")
    kept = profiles.Descriptor(file)
    local = kept.read(LOCAL_HEADER.size, about.header_offset)
    offset = about.header_offset + LOCAL_HEADER.size + sum(LOCAL_HEADER.unpack(local)) + header
    return (profiles.Stored(kept, offset, rows),) if rows else ()
