import pytest

from exporter.model import Direction, Kind, Message
from exporter.protocols.tls import TlsParser
from tests.exporter.protocols.conversing import STEP, Step, client, converse, copied, server
from tests.exporter.protocols.samples_tls import (
    CHANGE,
    DATA,
    FINISHED,
    FULL_12,
    FULL_13,
    TLS13,
    client_hello,
    record,
    server_hello,
)

RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def halves(steps: tuple[Step, ...]) -> list[Message]:
    parser = TlsParser()
    return [
        message for at, step in enumerate(steps) for message in parser.feed(Direction(step.direction), step.payload, at)
    ]


def test_hellos_tell_name_version_and_application() -> None:
    asked, told = halves(FULL_12)
    assert asked.tls is not None
    assert told.tls is not None
    assert (asked.kind, asked.tls.server_name) == (Kind.REQUEST, "shop.example")
    assert (told.tls.version, told.tls.alpn, told.failed) == ("TLSv1.2", "h2", False)


def test_version_1_3_is_where_it_says_so_and_ends_with_the_clients_finished() -> None:
    _, told = halves(FULL_13)
    assert told.tls is not None
    assert (told.tls.version, told.last_at) == ("TLSv1.3", 2)


def test_asking_for_another_hello_is_no_second_handshake() -> None:
    retried = (FULL_13[0], server(record(22, server_hello(b"", RETRY))), *FULL_13)
    assert [message.kind for message in halves(retried)] == [Kind.REQUEST, Kind.RESPONSE]


def test_refusal_is_named() -> None:
    kept = converse((FULL_13[0], server(record(21, b"\2\x28"))))
    assert (kept.statuses(), kept.failures()) == (["handshake_failure"], [True])


def test_clients_encrypted_alert_is_no_finished() -> None:
    kept = converse((FULL_13[0], FULL_13[1], client(CHANGE + record(23, b"a" * 19))))
    assert kept.failures() == [True]


def test_connection_that_ends_within_the_handshake_has_failed() -> None:
    kept = converse(FULL_13[:2])
    assert (kept.statuses(), kept.failures()) == (["unfinished"], [True])


def test_name_that_could_be_none_is_not_told() -> None:
    asked, *_ = halves((client(record(22, client_hello(b'x"} evil'))), *FULL_13[1:]))
    assert asked.tls is not None
    assert asked.tls.server_name == ""


def test_turns_begin_behind_the_handshake_and_leave_tickets_and_goodbyes_out() -> None:
    tickets = server(record(23, b"t" * 250) * 2)
    request = client(record(23, b"q" * 80))
    goodbyes = (client(record(23, b"c" * 19)), server(record(23, b"c" * 19)))
    together = Step(0, CHANGE + FINISHED + request.payload)
    kept = converse((*FULL_13[:2], together, tickets, DATA[1], request, DATA[1], *goodbyes))
    assert kept.protocols == ["tls", "tls-inferred"]
    assert kept.spoken == ["tls", "tls-inferred", "tls-inferred"]


def test_torn_hello_still_counts() -> None:
    whole = record(22, TLS13)
    kept = converse((FULL_13[0], Step(1, whole[:60]), Step(1, lost=len(whole) - 60), *FULL_13[2:]))
    assert (kept.requests(), kept.failures()) == (["handshake"], [False])


GOODBYE = client(record(21, b"g" * 26))


@pytest.mark.parametrize("size", [30, 62, 99])
@pytest.mark.parametrize(("steps", "version"), [(FULL_12, "TLSv1.2"), (FULL_13, "TLSv1.3")])
def test_version_is_told_by_what_the_client_answers_where_only_heads_were_copied(
    steps: tuple[Step, ...], version: str, size: int
) -> None:
    kept = converse(copied((*steps, GOODBYE), size))
    handshake = kept.exchanges[0]
    assert handshake.response is not None
    assert handshake.response.tls is not None
    assert (handshake.response.tls.version, handshake.response.status) == (version, "")
    assert handshake.duration is not None
    assert 2 * STEP <= handshake.duration < len(steps) * STEP
