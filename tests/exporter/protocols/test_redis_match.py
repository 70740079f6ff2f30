"""A connection's first bytes: whether they are a command that Redis knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.protocols.base import Match
from exporter.protocols.redis_commands import OPERATIONS
from exporter.protocols.redis_match import COMMAND, is_known, match, match_client, match_replies

NAMES = st.sampled_from([*sorted(OPERATIONS), b"", b"get", b"Set", b"NOSUCH", b"G\r\nT", b"A" * 40])


@given(st.integers(0, 10**8), NAMES, st.integers(-1, 1), st.binary(max_size=12))
def test_a_known_command_is_told_as_the_grammar_tells_it(words: int, name: bytes, off: int, rest: bytes) -> None:
    client = b"*%d\r\n$%d\r\n%b%b" % (words, max(0, len(name) + off), name, rest)
    for size in range(len(client) + 1):
        seen = client[:size]
        head = COMMAND.match(seen)
        told = head is not None and seen[head.end() : head.end() + int(head[1])].upper() in OPERATIONS
        whole = head is not None and len(seen) >= head.end() + int(head[1])
        assert is_known(seen) == (told and whole)


@given(st.binary(max_size=40))
def test_what_is_known_is_certain(client: bytes) -> None:
    assert is_known(client) <= (match_client(client) is Match.YES)


@given(NAMES, st.integers(0, 30))
def test_a_command_that_is_cut_may_become_one(name: bytes, cut: int) -> None:
    client = b"*2\r\n$%d\r\n%b\r\n$1\r\nk\r\n" % (len(name), name)
    if name.upper() in OPERATIONS:
        assert match_client(client[: cut % (8 + len(name))] or b"*") in (Match.NOT_YET, Match.YES)


@pytest.mark.parametrize(
    ("replies", "judged"),
    [
        (b"+OK\r\n:1\r\n$3\r\nabc\r\n", Match.YES),
        (b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", Match.MAYBE),
        (b"+OK\r\n" * 9, Match.MAYBE),
        (b"$3\r\nabc\r\n" * 9, Match.MAYBE),
        (b"+OK\r\n:1\r\n:2\r\n$0\r\n\r\n", Match.MAYBE),
        (b"+OK\r\n:1\r\n$3\r\nabcd\r\n", Match.NO),
        (b"+OK\r\n:1\r\n$300\r\nabc", Match.MAYBE),
        (b"-ERR no\r\n$-1\r\n$-1\r\n", Match.YES),
        (b"$-1\r\n+OK\r\n:7\r\n$1\r\na\r\nwhat else", Match.YES),
    ],
)
def test_server_alone_is_told_by_strings_of_the_length_they_say(replies: bytes, judged: Match) -> None:
    assert match(b"", replies) is judged


@given(st.binary(max_size=200))
def test_any_server_is_judged(replies: bytes) -> None:
    assert match_replies(replies) in Match
