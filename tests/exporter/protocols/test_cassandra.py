"""Cassandra's particulars."""

import pytest

from exporter.protocols.cassandra_segments import crc24
from tests.exporter.protocols.conversing import STEP, Step, client, converse, server
from tests.exporter.protocols.samples_cassandra import (
    BATCH,
    BATCHED,
    ERROR,
    EXECUTE,
    EXECUTED,
    INVALID,
    QUERY,
    RESULT,
    VOID,
    envelope,
    length,
    opening,
    packed,
    query,
    segment,
    steps,
)

TOLD = 0x84


def test_segments_begin_once_the_session_has_started() -> None:
    kept = converse([*opening(5), *steps(5, segment)])
    assert kept.requests() == ["OPTIONS", "STARTUP", "SELECT", "PREPARE", "BATCH", "UPDATE"]
    assert kept.failures() == [False, False, False, False, True, False]


def test_segments_may_be_compressed_from_then_on() -> None:
    assert converse([*opening(5), *steps(5, packed)]).requests()[2:] == ["SELECT", "PREPARE", "BATCH", "UPDATE"]


def by_bits(data: bytes) -> int:
    """Return the checksum as native_protocol_v5.spec describes it, bit by bit."""
    crc = 0x875060
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            crc ^= 0x1974F0B if crc & 0x1000000 else 0
    return crc


@pytest.mark.parametrize("head", [b"\0\0\2", b"\x34\0\2", b"\xff\xff\3", b"\x36\0h\0\4"])
def test_header_checksum_is_cassandras(head: bytes) -> None:
    assert crc24(head) == by_bits(head)


def test_envelope_may_span_segments() -> None:
    long = envelope(5, 7, QUERY, query(b"INSERT INTO t VALUES ('" + b"x" * 5000 + b"')"))
    pieces = [segment(long[:3000]), segment(long[3000:])]
    kept = converse([*steps(5, segment), *map(client, pieces), server(segment(envelope(0x85, 7, RESULT, VOID)))])
    assert kept.requests()[-1] == "INSERT"
    assert kept.exchanges[-1].request is not None
    assert kept.exchanges[-1].request.size_bytes == len(long)


def test_lost_segment_costs_only_what_was_in_it() -> None:
    lost = Step(0, lost=len(segment(envelope(5, 8, QUERY, query(b"SELECT 1")))))
    asked = client(segment(envelope(5, 9, QUERY, query(b"DELETE FROM t"))))
    kept = converse([*steps(5, segment), lost, asked, server(segment(envelope(0x85, 9, RESULT, VOID)))])
    assert kept.requests()[-1] == "DELETE"
    assert kept.exchanges[-1].duration == STEP


def test_error_carries_its_code() -> None:
    kept = converse([client(envelope(4, 1, QUERY, query(b"SELECT x"))), server(envelope(TOLD, 1, ERROR, INVALID))])
    assert (kept.statuses(), kept.failures()) == (["2200"], [True])


def test_unknown_error_is_not_quoted() -> None:
    strange = b"\x12\x34\x56\x78" + length(b"no", 2)
    kept = converse([client(envelope(4, 1, QUERY, query(b"SELECT x"))), server(envelope(TOLD, 1, ERROR, strange))])
    assert kept.statuses() == ["error"]


def test_execution_of_what_was_prepared_unseen_is_one() -> None:
    kept = converse([client(envelope(4, 1, EXECUTE, EXECUTED)), server(envelope(TOLD, 1, RESULT, VOID))])
    assert kept.requests() == ["EXECUTE"]


@pytest.mark.parametrize("text", [b"BEGIN BATCH INSERT INTO t (a) VALUES (1) APPLY BATCH", b" begin unlogged batch"])
def test_batch_in_text_is_a_batch(text: bytes) -> None:
    assert converse([client(envelope(4, 1, QUERY, query(text)))]).requests() == ["BATCH"]


def test_custom_payload_stands_in_front_of_the_statement() -> None:
    payload = b"\0\1" + length(b"key", 2) + length(b"value", 4)
    kept = converse([client(envelope(4, 1, QUERY, payload + query(b"TRUNCATE t"), flags=4))])
    assert kept.requests() == ["TRUNCATE"]


def test_warnings_stand_in_front_of_an_error() -> None:
    told = envelope(TOLD, 1, ERROR, b"\0\1" + length(b"careful", 2) + INVALID, flags=8)
    assert converse([client(envelope(4, 1, QUERY, query(b"SELECT x"))), server(told)]).statuses() == ["2200"]


def test_compressed_statement_is_read_by_its_beginning() -> None:
    text = query(b"SELECT a FROM t")
    block = len(text).to_bytes(4, "big") + b"\xf0" + bytes((len(text) - 15,)) + text
    assert converse([client(envelope(4, 1, QUERY, block, flags=1))]).requests() == ["SELECT"]


def test_streams_pair_answers_out_of_order() -> None:
    asked = [client(envelope(4, 1, QUERY, query(b"SELECT x"))), client(envelope(4, 2, BATCH, BATCHED))]
    told = [server(envelope(TOLD, 2, RESULT, VOID)), server(envelope(TOLD, 1, RESULT, VOID))]
    assert [exchange.duration for exchange in converse([*asked, *told]).exchanges] == [STEP, 3 * STEP]
