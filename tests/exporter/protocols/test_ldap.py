from tests.exporter.protocols.conversing import client, converse, server
from tests.exporter.protocols.samples_ldap import BIND, START_TLS, ber, entry, message, result, search


def test_entries_belong_to_their_searchs_answer() -> None:
    found = entry(2, 30)
    kept = converse((client(BIND), server(result(1, 0x61)), client(search(2)), server(found), server(result(2, 0x65))))
    answer = kept.exchanges[1].response
    assert answer is not None
    assert (answer.first_at, answer.last_at) == (4_000_000, 5_000_000)
    assert answer.size_bytes == len(found + result(2, 0x65))


def test_failure_is_named_and_a_comparison_that_is_false_is_none() -> None:
    codes = (client(search(1)), server(result(1, 0x65, 32)), client(message(2, 0x6E, ber(4), ber(0x30))))
    kept = converse((*codes, server(result(2, 0x6F, 5))))
    assert kept.statuses() == ["noSuchObject", ""]
    assert kept.failures() == [True, False]


def test_answers_find_their_requests_in_any_order() -> None:
    kept = converse((client(search(1) + search(2)), server(result(2, 0x65, 3)), server(result(1, 0x65))))
    assert [
        (one.request.correlation, one.response.status) for one in kept.exchanges if one.request and one.response
    ] == [
        (2, "timeLimitExceeded"),
        (1, ""),
    ]


def test_encryption_ends_what_can_be_read() -> None:
    hello = b"\x16\3\1\0\x2f\1\0\0\x2b\3\3" + bytes(32) + b"\0\0\2\x13\1\1\0\0\0"
    kept = converse((client(START_TLS), server(result(1, 0x78)), client(hello)))
    assert (kept.protocols[0], kept.requests()[0], kept.unparsable_protocols) == ("ldap", "extended", [])


def test_notice_of_disconnection_answers_nothing() -> None:
    kept = converse((client(search(1)), server(result(1, 0x65)), server(result(0, 0x78, 52))))
    assert len(kept.exchanges) == 1
