import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from detector.evaluation import empty_state, evaluate
from detector.fitting import prior
from detector.incidents.episodes import Span
from detector.incidents.feedback import Verdict
from detector.incidents.incident import Book
from detector.incidents.lifecycle import PROMETHEUS, see
from detector.model import SeriesKey
from detector.sight import Sight, Target
from detector.state import Store
from detector.watch import Knowledge
from tests.detector.incidents.incidents import NOTHING, RULES, after, finding, reading
from tests.detector.world import SIGNALS

KEYS = (SeriesKey("app", "errors"), SeriesKey("app", "requests"))
ALL: frozenset[str] = frozenset()
HOME = Target("larimar", "host-a:10177")


def knowledge() -> Knowledge:
    """Of two series, an open, a silent and an ended incident, lost sight and an episode."""
    baselines = prior(KEYS, SIGNALS, 60.0)
    state = evaluate(baselines, empty_state(KEYS), 60.0, np.array([0.01, np.nan])).state
    book = after(reading(60.0, [finding("app"), finding("web"), finding("db", "requests", observed=NOTHING)]))
    book = after(*(reading(60.0 * n, calm=[SeriesKey("db", "requests")]) for n in range(2, 6)), book=book)
    book = after(reading(360.0, [finding("edge")], suspects=["far"], callees={"edge": frozenset({"far"})}), book=book)
    book = see(book, {PROMETHEUS: 0.0, "host-b:1": 10.0}, 600.0, RULES)
    assert book.resolved
    assert book.waiting
    sight = Sight({"app": {HOME: 60.0}}, {HOME: 60.0}, frozenset({HOME}), {"job": 30.0})
    episodes = {KEYS[0]: (Span(0.0, 60.0), Span(300.0, 360.0))}
    feedback = {
        "a": Verdict(frozenset({"app"}), frozenset({"errors"}), 30.0),
        "b": Verdict(frozenset({"app"}), ALL, 40.0),
    }
    return Knowledge(baselines, state, sight, book, episodes, feedback, 60.0, 600.0)


def same(book: Book) -> str:
    """A book as text, for a value that is not there equals nothing, not even itself."""
    return repr(book)


def saved(folder: Path) -> tuple[Store, Knowledge]:
    store, known = Store(folder, "s"), knowledge()
    store.save_baselines(known)
    store.save_book(known)
    return store, known


def test_all_that_matters_outlives_a_restart(tmp_path: Path) -> None:
    store, known = saved(tmp_path / "new" / "folder")
    found = store.load()
    assert same(found.book) == same(known.book)
    assert (found.sight, found.episodes) == (known.sight, known.episodes)
    assert (found.evaluated_at, found.told_at) == (60.0, 600.0)
    assert found.baselines is not None
    assert found.state is not None
    assert known.state is not None
    assert found.baselines.keys == KEYS
    np.testing.assert_array_equal(found.state.memory.recent, known.state.memory.recent)
    np.testing.assert_array_equal(found.state.held.firing, known.state.held.firing)
    assert found.state.absent.tolist() == known.state.absent.tolist() == [0.0, 60.0]


def test_an_empty_folder_is_a_beginning(tmp_path: Path) -> None:
    assert Store(tmp_path, "s").load() == Knowledge()


def test_baselines_of_other_signals_are_set_aside_and_incidents_kept(tmp_path: Path) -> None:
    _, known = saved(tmp_path)
    found = Store(tmp_path, "other").load()
    assert found.baselines is None
    assert same(found.book) == same(known.book)
    assert (tmp_path / "baselines.npz.damaged").exists()


def test_memory_of_other_series_is_not_used(tmp_path: Path) -> None:
    store, known = saved(tmp_path)
    fewer = prior(KEYS[:1], SIGNALS, 60.0)
    store.save_memory(replace(known, baselines=fewer, state=empty_state(KEYS[:1])))
    found = store.load()
    assert found.state is not None
    assert found.state.keys == KEYS
    assert found.evaluated_at == 0.0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 1),
        ("services", [{}]),
        ("services", None),
        ("resolved", [{"identity": ["a", "b"]}]),
        ("homes", [["app", "larimar", "nowhere", 1.0]]),
        ("seen", "text"),
        ("episodes", [["app", "errors", "soon", 2]]),
        ("told_at", None),
    ],
)
def test_a_damaged_document_is_set_aside(tmp_path: Path, key: str, value: object) -> None:
    store, _ = saved(tmp_path)
    file = tmp_path / "incidents.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))
    found = store.load()
    assert found.book == Book()
    assert found.baselines is not None
    assert not file.exists()


def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    store, known = saved(tmp_path)
    (tmp_path / "incidents.json.new").write_bytes(b'{"versi')
    assert same(store.load().book) == same(known.book)


@pytest.mark.parametrize(("name", "value"), [("version", 3), ("absent", np.zeros(7)), ("held.calm", None)])
def test_memory_of_another_form_is_set_aside_and_the_baselines_are_kept(
    tmp_path: Path, name: str, value: npt.ArrayLike | None
) -> None:
    store, _ = saved(tmp_path)
    file = tmp_path / "memory.npz"
    with np.load(file) as archive:
        arrays = {key: archive[key] for key in archive if key != name}
    np.savez(file, allow_pickle=False, **arrays, **({} if value is None else {name: np.array(value)}))
    found = store.load()
    assert found.baselines is not None
    assert found.state is not None
    assert found.evaluated_at == 0.0
    assert not file.exists()
    assert (tmp_path / "memory.npz.damaged").exists()
