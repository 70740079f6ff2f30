from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError

MOST = 12


def lines_of(*segments: bytes) -> list[bytes]:
    """Return the lines that a direction holds, as those who read lines do."""
    backlog, found = Backlog(), []
    for at, segment in enumerate(segments):
        buffer, position = backlog.join(segment, at), 0
        while (end := backlog.line_end(buffer, position, MOST)) >= 0:
            found.append(bytes(buffer[position:end]))
            position = end + 1
        backlog.keep(buffer, position, at)
    return found


@given(st.lists(st.binary(max_size=MOST).filter(lambda line: b"\n" not in line)), st.sets(st.integers(1, 200)))
def test_lines_are_found_however_they_are_cut(lines: list[bytes], cuts: set[int]) -> None:
    text = b"".join(line + b"\n" for line in lines)
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    assert lines_of(*(text[a:b] for a, b in pairwise(edges))) == lines


def test_endless_line_is_refused_and_one_of_the_most_bytes_is_not() -> None:
    assert lines_of(b"x" * MOST, b"\n") == [b"x" * MOST]
    with pytest.raises(ParseError, match="endless"):
        lines_of(b"x" * MOST, b"x")
