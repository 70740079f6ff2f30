import io
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from detector.coverage.sight import Sight, Target
from detector.evaluation import empty_state, evaluate
from detector.incidents.episodes import Span
from detector.incidents.feedback import Verdict
from detector.incidents.incident import Book
from detector.incidents.lifecycle import PROMETHEUS, see
from detector.learning.fitting import prior
from detector.model import SeriesKey
from detector.state import Store
from detector.watch import Knowledge
from tests.detector.incidents.incidents import NOTHING, RULES, after, finding, reading
from tests.detector.world import SIGNALS

KEYS = (SeriesKey("app", "call_errors", "db"), SeriesKey("app", "errors"), SeriesKey("app", "requests"))
ALL: frozenset[str] = frozenset()
HOME = Target("larimar", "host-a:10177")


def knowledge() -> Knowledge:
    """Of two series, an open, a silent and an ended incident, lost sight and an episode."""
    baselines = prior(KEYS, SIGNALS, 60.0)
    state = evaluate(baselines, empty_state(KEYS), 60.0, np.array([0.02, 0.01, np.nan])).state
    book = after(
        reading(
            60.0,
            [
                finding("app"),
                finding("app", "call_errors", server="db"),
                finding("web"),
                finding("db", "requests", observed=NOTHING),
            ],
        )
    )
    book = after(*(reading(60.0 * n, calm=[SeriesKey("db", "requests")]) for n in range(2, 6)), book=book)
    book = after(reading(360.0, [finding("edge")], suspects=["far"], callees={"edge": frozenset({"far"})}), book=book)
    book = see(book, {PROMETHEUS: 0.0, "host-b:1": 10.0}, 600.0, RULES)
    assert book.resolved
    assert book.waiting
    sight = Sight({"app": {HOME: 60.0}}, {HOME: 60.0}, frozenset({HOME}), {"job": 30.0})
    episodes = {KEYS[0]: (Span(0.0, 60.0), Span(300.0, 360.0))}
    feedback = {
        "a": Verdict(frozenset({"app"}), frozenset({"errors"}), 30.0),
        "b": Verdict(frozenset({"app"}), ALL, 40.0, frozenset({"db"})),
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
    assert (found.sight, found.episodes, found.feedback) == (known.sight, known.episodes, known.feedback)
    assert (found.evaluated_at, found.told_at) == (60.0, 600.0)
    assert found.baselines is not None
    assert found.state is not None
    assert known.state is not None
    assert found.baselines.keys == KEYS
    np.testing.assert_array_equal(found.state.memory.recent, known.state.memory.recent)
    np.testing.assert_array_equal(found.state.held.firing, known.state.held.firing)
    assert found.state.absent.tolist() == known.state.absent.tolist() == [0.0, 0.0, 60.0]


def test_what_an_earlier_version_left_is_read_too(tmp_path: Path) -> None:
    store, known = saved(tmp_path)
    document = json.loads((tmp_path / "incidents.json").read_bytes())
    for incident in document["services"] + document["sights"] + document["resolved"]:
        assert incident["identity"].pop() == ""
        for row in incident["findings"]:
            del row[-2:]
    document["services"] = [one for one in document["services"] if one["identity"][2] == "errors"]
    document["feedback"] = [row[:4] for row in document["feedback"][:1]]
    document["episodes"] = [row[:4] for row in document["episodes"]]
    (tmp_path / "incidents.json").write_text(json.dumps(document))
    found = store.load()
    assert found.book.services["app"].findings[0].key == SeriesKey("app", "errors")
    assert found.feedback == {"a": known.feedback["a"]}
    assert len(found.episodes) == 1


def test_an_empty_folder_is_a_beginning(tmp_path: Path) -> None:
    assert Store(tmp_path, "s").load() == Knowledge()


def test_baselines_of_other_signals_are_set_aside_and_incidents_kept(tmp_path: Path) -> None:
    _, known = saved(tmp_path)
    found = Store(tmp_path, "other").load()
    assert found.baselines is None
    assert same(found.book) == same(known.book)
    assert (tmp_path / "baselines.npz.other").exists()


def _older(path: Path) -> None:
    """Have a file say that it is of an earlier version."""
    if path.suffix == ".json":
        path.write_text(json.dumps({**json.loads(path.read_text()), "version": 1}))
        return
    signature = b"s\n" if path.stem == "baselines" else b""
    with np.load(io.BytesIO(path.read_bytes().removeprefix(signature))) as before:
        arrays = {**before, "version": np.array(1)}
    with path.open("wb") as file:
        file.write(signature)
        np.savez(file, allow_pickle=False, **arrays)


@pytest.mark.parametrize("name", ["incidents.json", "baselines.npz", "memory.npz"])
def test_after_an_update_what_another_version_left_is_not_called_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    store, _ = saved(tmp_path)
    _older(tmp_path / name)
    with caplog.at_level("INFO"):
        store.load()
    (said,) = caplog.records
    assert (said.levelname, said.message) == ("INFO", "state of another version set aside")
    assert "has version 1, this one needs" in vars(said)["reason"]
    assert (tmp_path / f"{name}.other").exists()
    assert not (tmp_path / name).exists()


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
    assert (tmp_path / f"memory.npz.{'other' if name == 'version' else 'damaged'}").exists()


@contextmanager
def full_disk() -> Iterator[None]:
    """Nobody may write more than a few bytes into a file, not even whoever reports on tests: only for a moment."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_what_was_stored_before(tmp_path: Path) -> None:
    store, known = saved(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for save in (store.save_book, store.save_baselines, store.save_memory):
        with full_disk(), pytest.raises(OSError, match="too large"):
            save(known)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


SAVING = """
import sys
from pathlib import Path
from tests.detector.test_state import Store, knowledge
store, known = Store(Path(sys.argv[1]), "s"), knowledge()
print("ready", flush=True)
while True:
    store.save_baselines(known)
    store.save_book(known)
"""


def test_whoever_is_killed_while_writing_leaves_the_old_or_the_new(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, known = saved(tmp_path)
    command = [sys.executable, "-c", SAVING, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        for _ in range(200):  # in the middle of something each time
            writer.send_signal(signal.SIGSTOP)
            found = store.load()
            writer.send_signal(signal.SIGCONT)
            assert found.baselines is not None
            assert found.state is not None
            assert same(found.book) == same(known.book)
        writer.kill()
    assert store.load().evaluated_at == known.evaluated_at
    assert not caplog.records
