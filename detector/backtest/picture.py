"""Draws one series around an anomaly as SVG: what was observed, what was usual, when it was told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from detector.model import Floats, Seconds

WIDTH, HEIGHT = 960, 320
LEFT, RIGHT, TOP, BOTTOM = 96, 16, 40, 28  # margins
TICKS = 4  # about
TIMES = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0)
LEGEND = (("seen", "observed"), ("usual", "expected"), ("band", "normal"), ("told", "alert"))
KEY_WIDTH = 84
DAY_ROOM = 24  # beside the day, which stands where the first time would
LARGEST = 1e300  # what is larger has no difference that is a number
STYLE = (
    "text{font:12px sans-serif;fill:#333}.title{font-size:15px;font-weight:600}.grid{stroke:#ddd}"
    ".band{fill:#9ecae1;opacity:.5}.usual{fill:none;stroke:#3182bd;stroke-dasharray:4 3}"
    ".seen{fill:none;stroke:#222;stroke-width:1.5}.told{fill:#de2d26;opacity:.12}"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn.

    Attributes:
        title: one line.
        times: shape (points,), rising, at least two of them.
        observed, expected, lower, upper: shape (points,), NaN where unknown; the last three may all be NaN.
        told: the stretches of time to mark, from and to.
        amount: a value as people write it, in a few characters.
        binary: whether that is in multiples of 1024, so that lines stand at whole ones.
    """

    title: str
    times: Floats
    observed: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    told: tuple[tuple[Seconds, Seconds], ...]
    amount: Callable[[float], str]
    binary: bool = False


def draw(picture: Picture) -> str:
    """Return the picture as an SVG document."""
    low, high = _range(picture)
    span = max(float(picture.times[-1] - picture.times[0]), 1.0)

    def x(times: Floats) -> Floats:
        inside = np.clip(times, picture.times[0], picture.times[-1])
        return np.asarray(LEFT + (inside - picture.times[0]) / span * _inner_width())

    def y(values: Floats) -> Floats:
        return np.asarray(TOP + (high - np.clip(values, low, high)) / (high - low) * _inner_height())

    across = x(picture.times)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text class="title" x="{LEFT}" y="20">{escape(picture.title)}</text>',
        *_legend(picture),
        *_values(picture, low, high, y),
        *_times(picture, x),
        *_told(picture, x),
        *_band(across, y(picture.lower), y(picture.upper)),
        *_line("usual", across, y(picture.expected)),
        *_line("seen", across, y(picture.observed)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _inner_width() -> int:
    return WIDTH - LEFT - RIGHT


def _inner_height() -> int:
    return HEIGHT - TOP - BOTTOM


def _range(picture: Picture) -> tuple[float, float]:
    """The values to show; a band without an end, or as good as that, does not count."""
    every = np.concatenate([picture.observed, picture.expected, picture.lower, picture.upper])
    known = every[np.abs(every) < LARGEST]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    seen = picture.observed[np.isfinite(picture.observed)]
    if low < 0.0 <= seen.min(initial=0.0):  # a band's end below what there can be
        low = min(0.0, high)
    room = 0.05 * (high - low) or max(abs(high), 1.0) * 0.5
    return (0.0 if 0.0 <= low <= room else low - room), high + room


def _legend(picture: Picture) -> Iterator[str]:
    """What each drawing stands for, right of the title."""
    absent = {"usual"} if np.isnan(picture.expected).all() else set()
    absent |= {"band"} if np.isnan(picture.lower).all() else set()
    shown = [(name, text) for name, text in LEGEND if name not in absent]
    for place, (name, text) in enumerate(shown):
        left = WIDTH - RIGHT - (len(shown) - place) * KEY_WIDTH
        if name in ("seen", "usual"):
            yield f'<line class="{name}" x1="{left}" x2="{left + 18}" y1="16" y2="16"/>'
        else:
            yield f'<rect class="{name}" x="{left}" y="11" width="18" height="10"/>'
        yield f'<text x="{left + 23}" y="20">{text}</text>'


def _round_step(span: float) -> float:
    """The step of 1, 2 or 5 times a power of ten of which about TICKS make a span."""
    least = span / TICKS
    power = 10.0 ** np.floor(np.log10(least))
    return float(next((factor * power for factor in (1.0, 2.0, 5.0) if factor * power >= least), 10.0 * power))


def _values(picture: Picture, low: float, high: float, y: Callable[[Floats], Floats]) -> Iterator[str]:
    unit = 1024.0 ** max(0.0, np.floor(np.log2(high - low) / 10)) if picture.binary else 1.0
    step = _round_step((high - low) / unit) * unit
    first = np.ceil(low / step)
    for place in range(max(0, int(min(np.floor(high / step) - first, 3 * TICKS))) + 1):
        value = (first + place) * step
        at = float(y(np.array([value]))[0])
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        yield f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{escape(picture.amount(float(value)))}</text>'


def _times(picture: Picture, x: Callable[[Floats], Floats]) -> Iterator[str]:
    begin, end = float(picture.times[0]), float(picture.times[-1])
    shown = "%H:%M" if end - begin < 86_400 else "%d %b %H:%M"
    step = next(
        (step for step in TIMES if (end - begin) / step <= 2 * TICKS), float(np.ceil((end - begin) / 518_400)) * 86_400
    )
    marks = np.arange(np.ceil(begin / step) * step, end + 1e-6, step)
    for moment, at in zip(marks.tolist(), x(marks).tolist(), strict=True):
        if at < LEFT + DAY_ROOM:
            continue
        text = datetime.fromtimestamp(moment, UTC).strftime(shown)
        yield f'<text x="{at:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{text}</text>'
    day = datetime.fromtimestamp(begin, UTC).strftime("%Y-%m-%d UTC")
    yield f'<text x="2" y="{HEIGHT - 8}">{day}</text>'


def _told(picture: Picture, x: Callable[[Floats], Floats]) -> Iterator[str]:
    for begin, end in picture.told:
        left, right = x(np.array([begin, end])).tolist()
        width = max(right - left, 2.0)
        yield f'<rect class="told" x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{_inner_height()}"/>'


def _band(across: Floats, lower: Floats, upper: Floats) -> Iterator[str]:
    for part in _known(np.isfinite(lower) & np.isfinite(upper)):
        edge = [*zip(across[part], upper[part], strict=True), *reversed([*zip(across[part], lower[part], strict=True)])]
        yield f'<polygon class="band" points="{_points(edge)}"/>'


def _line(name: str, across: Floats, down: Floats) -> Iterator[str]:
    for part in _known(np.isfinite(down)):
        points = [*zip(across[part], down[part], strict=True)]
        if len(points) == 1:  # one point alone has no length
            points.append((points[0][0] + 1.0, points[0][1]))
        yield f'<polyline class="{name}" points="{_points(points)}"/>'


def _known(there: npt.NDArray[np.bool_]) -> Iterator[slice]:
    """The stretches without a gap."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        yield slice(int(first), int(last))


def _points(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
