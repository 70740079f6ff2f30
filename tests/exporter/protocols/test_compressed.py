"""The beginnings of compressed blocks."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols.base import ParseError
from exporter.protocols.compressed import lz4_head, snappy_head, zlib_head


def test_lz4_copies_may_reach_into_themselves() -> None:
    # "ab", then eight bytes from two before; five bytes at the end.
    assert lz4_head(b"\x24ab\x02\x00\x50hello", 99) == b"ababababab" + b"hello"


def test_lz4_lengths_go_on_in_further_bytes() -> None:
    text = bytes(range(256)) * 2
    assert lz4_head(b"\xf0\xff\xf2" + text, 1000) == text


def test_snappy_literals_and_copies() -> None:
    # 12 bytes: the literal "abcd", four bytes from four before, then four from eight before by two bytes of offset.
    assert snappy_head(b"\x0c\x0cabcd" + b"\x01\x04" + b"\x0e\x08\x00", 99) == b"abcdabcdabcd"


def test_zlib_gives_no_more_than_is_wanted() -> None:
    assert zlib_head(zlib.compress(b"find" * 100_000), 6) == b"findfi"


def test_zlib_refuses_what_it_did_not_compress() -> None:
    with pytest.raises(ParseError):
        zlib_head(b"plain text", 10)


@given(data=st.binary(max_size=200), wanted=st.integers(1, 300))
def test_any_bytes_end_within_what_is_wanted(data: bytes, wanted: int) -> None:
    assert len(lz4_head(data, wanted)) <= wanted
    assert len(snappy_head(data, wanted)) <= wanted
