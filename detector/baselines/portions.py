"""Working on a few rows at a time, where what is in between is many times as large as what comes of it."""

from collections.abc import Iterator

ROWS_AT_ONCE = 32  # enough to be quick; what is found of a row never depends on the others


def portions(rows: int, at_once: int = ROWS_AT_ONCE) -> Iterator[slice]:
    """Cut so many rows into slices of at most `at_once`; one without any if there are none."""
    for begin in range(0, max(rows, 1), at_once):
        yield slice(begin, min(begin + at_once, rows))
