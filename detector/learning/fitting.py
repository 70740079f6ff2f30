"""Fits baselines of many series, here or spread over a pool."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from detector.baselines.arrays import Baselines
from detector.baselines.choose import learn
from detector.calibration import Calibrated, calibrate
from detector.learning.gathered import Gathered
from detector.learning.pools import Opened, Pool, processes
from detector.model import History, SeriesKey, Signal, of_rows

# Series fitted at once. It never depends on the number of processes, so that neither does any result.
CHUNK = 256
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Task:
    """What one process needs to fit some series."""

    history: History
    signals: Mapping[str, Signal]
    step: float


def fit(
    history: History, signals: Sequence[Signal], step: float, workers: int = 1, progress: Progress | None = None
) -> Baselines:
    """Return the baselines of all series of a history; the same whatever the number of processes.

    Args:
        history: weeks of it, if possible; no column or no sample is no error, but leaves every series learning.
        signals: those of the keys.
        step: seconds between evaluations to come.
        workers: processes to spread over; 1 fits in this one.
        progress: called with how many series are fitted, whenever that grows.

    Raises:
        KeyError: a series' signal is not among the signals.
        ValueError: the history's shape is not that of its keys, or a step is not positive.
    """
    fitted = fit_each((history,), signals, step, processes(workers), progress)
    if fitted is None:
        raise ValueError("no series to fit")
    return fitted


def fit_each(
    histories: Iterable[History],
    signals: Sequence[Signal],
    step: float,
    pool: Pool | None = None,
    progress: Progress | None = None,
    folder: Path | None = None,
) -> Baselines | None:
    """Return the baselines of all series of many histories, taken one after another as processes become free.

    None where there is no series. Otherwise like `fit`, the same wherever it runs.

    Args:
        pool: where to fit; None fits in this process.
        folder: where the profiles of very many series shall lie, in a file without a name; None: in memory.

    Raises:
        OSError: the pool cannot be reached or the folder not written to; and what the histories raise.
    """
    named = {signal.name: signal for signal in signals}
    tasks = (task for history in _gathered(map(_with_column, histories)) for task in _tasks(history, named, step))
    learnt = Gathered(folder)
    done = 0
    for index, result in _run(tasks, pool):
        learnt.add(index, result)
        done += len(result.baselines.keys)
        if progress is not None:
            progress(done)
    return learnt.end()


def prior(keys: Sequence[SeriesKey], signals: Sequence[Signal], step: float) -> Baselines:
    """Return baselines of series of which nothing is known yet: they learn as they are evaluated."""
    nothing = History(tuple(keys), 0.0, step, np.full((len(keys), 1), np.nan))
    return fit(nothing, signals, step)


def fit_chunk(task: Task) -> Calibrated:
    """Learn and calibrate the series of one task."""
    return calibrate(learn(task.history, task.signals, task.step), task.step)


def _with_column(history: History) -> History:
    if history.values.ndim == 2 and history.values.shape[1] == 0:
        return replace(history, values=np.full((len(history.keys), 1), np.nan), unlearnt=None, counts=None, recent=None)
    return history


def _gathered(histories: Iterable[History]) -> Iterator[History]:
    """Put small neighbours on one grid together: what learns from a few series takes as long as from many."""
    waiting: list[History] = []
    for history in histories:
        if waiting and not _fits(waiting, history):
            yield _joined(waiting)
            waiting = []
        waiting.append(history)
    if waiting:
        yield _joined(waiting)


def _fits(waiting: Sequence[History], history: History) -> bool:
    first, series = waiting[0], sum(len(each.keys) for each in waiting)
    return _grid(first) == _grid(history) and series + len(history.keys) <= CHUNK


def _grid(history: History | None) -> tuple[object, ...]:
    if history is None:
        return ()
    return history.start, history.step, history.values.shape[1:], _grid(history.recent)


def _joined(parts: Sequence[History]) -> History:
    if len(parts) == 1:
        return parts[0]
    unlearnt, counts = None, None
    if any(part.unlearnt is not None for part in parts):
        none = [np.zeros(part.values.shape, np.bool_) for part in parts]
        unlearnt = np.concatenate([no if p.unlearnt is None else p.unlearnt for p, no in zip(parts, none, strict=True)])
    if any(part.counts is not None for part in parts):
        unknown = [np.full(part.values.shape, np.nan) for part in parts]
        counts = np.concatenate([no if p.counts is None else p.counts for p, no in zip(parts, unknown, strict=True)])
    keys = tuple(key for part in parts for key in part.keys)
    values = np.concatenate([part.values for part in parts])
    recents = [part.recent for part in parts if part.recent is not None]
    recent = _joined(recents) if recents else None
    return replace(parts[0], keys=keys, values=values, unlearnt=unlearnt, counts=counts, recent=recent)


def _tasks(history: History, signals: Mapping[str, Signal], step: float) -> Iterator[Task]:
    if history.values.shape[:1] != (len(history.keys),):
        raise ValueError(f"{len(history.keys)} series cannot have values of shape {history.values.shape}")
    for begin in range(0, len(history.keys), CHUNK):
        yield Task(of_rows(history, slice(begin, begin + CHUNK)), signals, step)


def _run(tasks: Iterator[Task], pool: Pool | None) -> Iterator[tuple[int, Calibrated]]:
    few = deque(islice(tasks, 2))
    alone = pool is None or len(few) <= 1
    every = enumerate(_first(few, tasks))
    if alone or pool is None:
        yield from ((index, fit_chunk(task)) for index, task in every)
        return
    with pool.open() as opened:
        waiting: dict[Future[Calibrated], int] = {}
        while True:
            # Histories are only taken as fast as they are learnt from: those that wait are in memory.
            if len(waiting) >= opened.most:
                yield from _done(waiting)
            if not _submit(every, opened, waiting):
                break
        while waiting:
            yield from _done(waiting)


def _first(few: deque[Task], tasks: Iterator[Task]) -> Iterator[Task]:
    """Some tasks and then the others; none is held once it is taken."""
    while few:
        yield few.popleft()
    yield from tasks


def _submit(every: Iterator[tuple[int, Task]], opened: Opened, waiting: dict[Future[Calibrated], int]) -> bool:
    """Give the next task away; whether there was one."""
    for index, task in every:
        waiting[opened.executor.submit(fit_chunk, task)] = index
        return True
    return False


def _done(waiting: dict[Future[Calibrated], int]) -> Iterator[tuple[int, Calibrated]]:
    """Wait for at least one, and take those that have ended."""
    for future in wait(waiting, return_when=FIRST_COMPLETED).done:
        yield waiting.pop(future), future.result()
