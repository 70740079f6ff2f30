"""Lengths read the same whether they lie whole in a packet or were pieced together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols.base import ParseError
from exporter.protocols.redis_requests import LINE, length_line


def read(buffer: bytes | bytearray) -> int | str:
    try:
        return length_line(buffer, 0)
    except ParseError as error:
        return str(error)


@pytest.mark.parametrize(
    ("line", "number"),
    [
        *((b"$5\r\n", 5), (b"*0\r\n", 0), (b"$-1\r\n", -1), (b"$007\r\n", 7), (b"$123456789\r\n", 123_456_789)),
        *((b"$1234567890\r\nmore", 1_234_567_890), (b"$536870912\r\n", 512 << 20)),
    ],
)
def test_a_length_is_read_with_its_octets(line: bytes, number: int) -> None:
    octets = line.index(b"\r") - 1
    assert length_line(line, 0) == (number + 1) * LINE + octets


@pytest.mark.parametrize("line", [b"$5", b"$5\r", b"$", b"$123456789"])
def test_more_bytes_are_asked_for(line: bytes) -> None:
    assert length_line(line, 0) == -1


@pytest.mark.parametrize("line", [b"$\r\n", b"$5x\r\n", b"$+5\r\n", b"$5\r6\r\n", b"$12345678901234567890\r\n"])
def test_what_is_no_number_is_refused(line: bytes) -> None:
    with pytest.raises(ParseError):
        length_line(line, 0)


@given(st.one_of(st.binary(max_size=24), st.from_regex(rb"\A[0-9]{0,18}\r?\n?[a-z]{0,4}\Z")))
def test_pieces_read_as_the_whole_does(rest: bytes) -> None:
    assert read(b"$" + rest) == read(bytearray(b"$" + rest))
