import pytest

from exporter.fingerprint.dimensions import NAMES
from exporter.fingerprint.remembered import MAX_AGE_SECONDS, RememberedError, read, written
from exporter.fingerprint.usual import Level

USUAL = {"shop": {0: Level(0.25, 0.01, 900.0), 3: Level(1.0, 0.0, 5.0)}}


def test_what_is_written_is_read() -> None:
    assert read(written(USUAL, 5.0), 6.0) == USUAL


def test_what_is_too_old_or_of_a_time_to_come_tells_nothing() -> None:
    assert read(written(USUAL, 5.0), 6.0 + MAX_AGE_SECONDS) == {}
    assert read(written(USUAL, 5.0), 4.0) == {}


def test_dimensions_that_are_no_more_are_left_out() -> None:
    text = written(USUAL, 5.0).replace(f'"{NAMES[3]}"', '"phase_of_the_moon"')

    assert read(text, 6.0) == {"shop": {0: Level(0.25, 0.01, 900.0)}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[1]",
        "{}",
        '{"at": 1, "services": []}',
        '{"at": 1, "services": {"shop": 3}}',
        '{"at": 1, "services": {"shop": {"cpu_busy": [1]}}}',
        '{"at": 1, "services": {"shop": {"cpu_busy": [NaN, 0, 0]}}}',
        '{"at": 1, "services": {"shop": {"cpu_busy": [0.5, 0, Infinity]}}}',
        b"\xff\xfe",
        "[" * 100_000,
    ],
)
def test_a_text_of_others_is_refused(text: str | bytes) -> None:
    with pytest.raises(RememberedError):
        read(text, 2.0)
