from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.backtest.picture import HEIGHT, WIDTH, Picture, draw
from detector.model import Floats

NAMESPACE = "{http://www.w3.org/2000/svg}"
NOTHING = np.full(5, np.nan)


def picture(observed: Floats, *, title: str = "web", upper: Floats = NOTHING, lower: Floats = NOTHING) -> Picture:
    times = np.arange(5, dtype=np.float64) * 60.0
    return Picture(title, times, observed, NOTHING, lower, upper, ((60.0, 120.0),), lambda value: f"{value:g} <s>")


def drawn(what: Picture, name: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(draw(what))  # our own text
    return [each for each in root.iter() if each.get("class") == name]


def test_a_gap_is_a_gap_in_the_line() -> None:
    _, *lines = drawn(picture(np.array([1.0, 2.0, np.nan, 4.0, 5.0])), "seen")  # the first is the legend's
    assert [len(line.get("points", "").split()) for line in lines] == [2, 2]


def test_the_band_goes_there_and_back() -> None:
    _, band = drawn(picture(np.ones(5), lower=np.zeros(5), upper=np.full(5, 2.0)), "band")
    assert len(band.get("points", "").split()) == 10


def test_what_was_told_is_marked_where_it_was() -> None:
    _, mark = drawn(picture(np.ones(5)), "told")
    left, width = float(mark.get("x", "")), float(mark.get("width", ""))
    assert 0 < left < left + width < WIDTH / 2 + 100


def test_titles_are_text() -> None:
    (title,) = drawn(picture(np.ones(5), title="<script>&"), "title")
    assert title.text == "<script>&"


def labels(what: Picture) -> list[str]:
    root = ElementTree.fromstring(draw(what))
    return [each.text or "" for each in root.iter(f"{NAMESPACE}text") if each.get("text-anchor")]


def test_amounts_and_times_are_round() -> None:
    times = 1_700_000_123.0 + 1500.0 * np.arange(5, dtype=np.float64)
    what = replace(picture(np.array([3.1, 17.4, 8.0, 9.0, 9.0])), times=times, amount=lambda value: f"{value:g}")
    moments = [f"{datetime.fromtimestamp(1_700_001_000 + 900 * place, UTC):%H:%M}" for place in range(6)]
    assert labels(what) == ["5", "10", "15", *moments]


def test_what_is_never_below_zero_is_not_shown_there() -> None:
    what = picture(np.full(5, 0.01), lower=np.full(5, -0.3), upper=np.ones(5))
    assert not any(text.startswith("-") for text in labels(what))


def test_each_drawing_is_explained() -> None:
    whole = replace(picture(np.ones(5), lower=np.zeros(5), upper=np.full(5, 2.0)), expected=np.ones(5))
    names = {"observed", "expected", "normal", "alert"}
    for what, explained in ((whole, names), (picture(np.ones(5)), {"observed", "alert"})):
        root = ElementTree.fromstring(draw(what))
        assert names & {each.text for each in root.iter(f"{NAMESPACE}text")} == explained


@given(st.lists(st.floats(), min_size=5, max_size=5), st.lists(st.floats(), min_size=5, max_size=5))
def test_any_numbers_stay_within_the_picture(observed: list[float], upper: list[float]) -> None:
    what = picture(np.array(observed), upper=np.array(upper), lower=np.zeros(5))
    for line in (*drawn(what, "seen"), *drawn(what, "band")):
        for point in line.get("points", "").split():
            across, down = map(float, point.split(","))
            assert 0 <= across <= WIDTH
            assert 0 <= down <= HEIGHT


def test_bytes_are_marked_at_whole_numbers_of_their_unit() -> None:
    seen = np.array([2.8, 3.0, 4.0, 5.0, 5.6]) * 2**30
    in_gib = replace(picture(seen), binary=True, amount=lambda value: f"{value / 2**30:g} GiB")
    assert [text for text in labels(in_gib) if "GiB" in text] == ["3 GiB", "4 GiB", "5 GiB"]
