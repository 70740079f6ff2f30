"""History that stays on disk between fits."""

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.clients.matrix import Grid
from detector.history.kept import ANEW_SECONDS, Kept, clear
from detector.model import Samples, SeriesKey

History = dict[str, list[str]]
STEP, COLUMNS = 600.0, 24
AGAIN = 6  # columns within the hour that is asked for again
# The week after which all is asked for anew is counted from a time that depends on the name; this one is far from it.
BEGIN = 1_700_006_400.0


def grid(first: int) -> Grid:
    return Grid(BEGIN + first * STEP, STEP, COLUMNS)


def truth(name: str, column: int) -> float:
    return (ord(name[-1]) * 7919 + column * 104_729) % 1000 / 7.0


def key(name: str) -> SeriesKey:
    return SeriesKey(name, "rate")


class World:
    """Series that are there at some columns, counted from BEGIN."""

    def __init__(self, there: Mapping[str, set[int]]) -> None:
        self.there = there

    def rows(self, first: int, count: int) -> dict[SeriesKey, Samples]:
        """As a query gives them: of no series without any sample."""
        found = {}
        for name, there in self.there.items():
            row = [truth(name, first + each) if first + each in there else np.nan for each in range(count)]
            if np.isfinite(row).any():
                found[key(name)] = np.array(row, np.float32)
        return found

    def history(self, first: int) -> History:
        rows = self.rows(first, COLUMNS)
        return {each.service_name: list(map(str, values.tolist())) for each, values in rows.items()}


def opened(folder: Path, first: int, about: str = "query", most: int = 100) -> Kept:
    return Kept(folder, "rate", about, grid(first), most)


def fill(kept: Kept, world: World, first: int, parts: int = 2) -> None:
    """The newest part first, as it is asked for."""
    edges = np.linspace(kept.known, COLUMNS, parts + 1).astype(int).tolist()
    for begin, end in reversed(list(pairwise(edges))):
        if end > begin:
            kept.add(begin, world.rows(first + begin, end - begin))


def read(kept: Kept) -> History:
    return {
        one.service_name: list(map(str, values.tolist()))
        for history in kept.histories()
        for one, values in zip(history.keys, history.values, strict=True)
    }


def fitted(folder: Path, world: World, first: int, parts: int = 2, about: str = "query") -> tuple[Kept, History]:
    kept = opened(folder, first, about)
    fill(kept, world, first, parts)
    kept.commit()
    found = read(kept)
    kept.end()
    return kept, found


@pytest.fixture
def always() -> World:
    return World({name: set(range(200)) for name in ("a", "b", "c")})


@settings(max_examples=25)
@given(
    steps=st.lists(st.tuples(st.integers(0, COLUMNS + 3), st.booleans(), st.integers(1, 4)), min_size=1, max_size=6),
    gone=st.lists(st.tuples(st.integers(0, 150), st.integers(0, 60)), min_size=5, max_size=5),
)
def test_it_is_what_asking_for_all_of_it_would_give(
    steps: list[tuple[int, bool, int]], gone: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    names = [f"s{number}" for number in range(len(gone))]
    there = {n: set(range(300)) - set(range(at, at + long)) for n, (at, long) in zip(names, gone, strict=True)}
    world, first = World(there), 0
    for forward, crashes, parts in steps:
        first += forward
        if crashes:  # before it is known to be there
            broken = opened(folder, first)
            fill(broken, world, first, parts)
            broken.close()
        _, found = fitted(folder, world, first, parts)
        assert found == world.history(first)


def test_only_what_is_new_and_an_hour_is_asked_for(tmp_path: Path, always: World) -> None:
    kept, _ = fitted(tmp_path, always, 0)
    assert kept.known == 0
    kept, found = fitted(tmp_path, always, 5)
    assert kept.known == COLUMNS - 5 - AGAIN
    assert found == always.history(5)


def damaged(folder: Path, suffix: str) -> Path:
    return next(path for path in folder.iterdir() if path.name.endswith(suffix))


def lose(folder: Path) -> None:
    damaged(folder, ".samples").unlink()


def lose_index(folder: Path) -> None:
    damaged(folder, ".json").unlink()


def tear(folder: Path) -> None:
    path = damaged(folder, ".samples")
    path.write_bytes(path.read_bytes()[:-100])


def garble(folder: Path) -> None:
    damaged(folder, ".json").write_bytes(b'{"versi')


def of_another_version(folder: Path) -> None:
    path = damaged(folder, ".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 0}))


def of_no_names(folder: Path) -> None:
    path = damaged(folder, ".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "names": [1, 2]}))


def twice(folder: Path) -> None:
    path = damaged(folder, ".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "names": ["a", "a", "b"]}))


@pytest.mark.parametrize("harm", [lose, lose_index, tear, garble, of_another_version, of_no_names, twice])
def test_what_is_lost_or_damaged_is_asked_for_again(harm: object, tmp_path: Path, always: World) -> None:
    fitted(tmp_path, always, 0)
    assert callable(harm)
    harm(tmp_path)
    kept, found = fitted(tmp_path, always, 5)
    assert kept.known == 0
    assert found == always.history(5)


@pytest.mark.parametrize("first", [-3, COLUMNS, 150, round(ANEW_SECONDS / STEP)])
def test_after_a_clock_set_back_a_long_pause_or_a_week_all_is_asked_for(
    first: int, tmp_path: Path, always: World
) -> None:
    fitted(tmp_path, always, 0)
    kept, found = fitted(tmp_path, always, first)
    assert kept.known == 0
    assert found == always.history(first)


def test_another_query_has_a_file_of_its_own_and_those_of_none_are_removed(tmp_path: Path, always: World) -> None:
    fitted(tmp_path, always, 0)
    other, _ = fitted(tmp_path, World({"z": {3}}), 0, about="another")
    clear(tmp_path, {other.name})
    assert {path.name.split(".")[0] for path in tmp_path.iterdir()} == {other.name}
    assert fitted(tmp_path, World({"z": {3}}), 1, about="another")[1] == World({"z": {3}}).history(1)


def test_rows_of_what_is_gone_are_given_to_others(tmp_path: Path) -> None:
    jobs = World({f"job{number}": {number} for number in range(150)})
    sizes = []
    for first in range(0, 120, 4):
        kept, found = fitted(tmp_path, jobs, first)
        assert found == jobs.history(first)
        sizes.append(damaged(tmp_path, ".samples").stat().st_size)
    assert kept.known > 0
    assert max(sizes) <= (COLUMNS + AGAIN + 4) * COLUMNS * 4


def test_there_are_no_more_series_than_may_be(tmp_path: Path, always: World) -> None:
    kept = opened(tmp_path, 0, most=2)
    assert kept.add(0, always.rows(0, COLUMNS)) == 1
    kept.commit()
    assert list(read(kept)) == ["a", "b"]
    kept.end()


def test_a_file_cut_off_while_it_is_read_is_an_error_once(tmp_path: Path, always: World) -> None:
    kept = opened(tmp_path, 0)
    fill(kept, always, 0)
    kept.commit()
    with damaged(tmp_path, ".samples").open("r+b") as file:
        file.truncate(10)
    with pytest.raises(OSError, match="ends before row 0"):
        read(kept)
    kept.close()
    assert fitted(tmp_path, always, 1)[1] == always.history(1)


def test_nothing_in_nothing_out(tmp_path: Path) -> None:
    nothing = World({})
    assert fitted(tmp_path, nothing, 0)[1] == {}
    assert fitted(tmp_path, nothing, 3)[1] == {}


def test_calls_to_several_services_have_a_row_each(tmp_path: Path) -> None:
    keys = [SeriesKey("app", "rate", server) for server in ("", "cache", "db")]
    first = opened(tmp_path, 0)
    first.add(0, {one: np.full(COLUMNS, number, np.float32) for number, one in enumerate(keys)})
    first.commit()
    first.close()
    again = opened(tmp_path, 1)
    assert again.known
    assert again.history(tuple(keys)).values[:, 0].tolist() == [0.0, 1.0, 2.0]
    again.close()
