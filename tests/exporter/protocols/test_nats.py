"""NATS' particulars."""

from tests.exporter.protocols.conversing import STEP, Step, client, converse, copied, server
from tests.exporter.protocols.sample import SECRET
from tests.exporter.protocols.samples_nats import INFO

CONNECT = b'CONNECT {"verbose":false,"user":"bob"}\r\n'


def test_only_pings_are_answered() -> None:
    steps = [server(INFO), client(CONNECT + b"PUB a 2\r\nhi\r\nPING\r\n"), server(b"PONG\r\n")]
    kept = converse(steps)
    assert kept.requests() == ["CONNECT", "PUB", "PING"]
    assert [exchange.duration for exchange in kept.exchanges] == [None, None, STEP]


def test_deliveries_are_counted_by_their_kind() -> None:
    steps = [
        server(INFO),
        client(CONNECT + b"SUB a 1\r\n"),
        server(b"MSG a 1 10\r\n" + SECRET + b"\r\nHMSG a 1 r 12 22\r\nNATS/1.0\r\n\r\n" + SECRET + b"\r\n"),
    ]
    assert converse(steps).requests() == ["CONNECT", "SUB", "MSG", "HMSG"]


def test_servers_ping_is_no_request() -> None:
    steps = [server(INFO), client(CONNECT), server(b"PING\r\n"), client(b"PONG\r\nPING\r\n"), server(b"PONG\r\n")]
    kept = converse(steps)
    assert kept.requests() == ["CONNECT", "PING"]
    assert kept.exchanges[-1].duration == STEP


def test_error_counts_by_its_kind_without_its_subject() -> None:
    complaint = b"-ERR 'Permissions Violation for Publish to \"" + SECRET + b"\"'\r\n"
    kept = converse([server(INFO), client(CONNECT + b"PUB a 0\r\n\r\n"), server(complaint)])
    assert kept.statuses()[-1] == "permissions-violation"
    assert kept.failures() == [False, False, True]


def test_error_is_not_taken_for_a_pong() -> None:
    steps = [server(INFO), client(CONNECT + b"PING\r\n"), server(b"-ERR 'Slow Consumer'\r\n"), server(b"PONG\r\n")]
    kept = converse(steps)
    assert [exchange.duration for exchange in kept.exchanges if exchange.request and exchange.response] == [2 * STEP]


def test_payload_may_look_like_lines() -> None:
    payload = b"PING\r\n+OK\r\n"
    kept = converse([server(INFO), client(CONNECT + b"PUB a %d\r\n%s\r\nPING\r\n" % (len(payload), payload))])
    assert kept.requests() == ["CONNECT", "PUB", "PING"]


def test_consent_to_lines_counted_already_is_not_counted_again() -> None:
    kept = converse(
        [client(b"PUB a 2\r\nhi\r\n"), server(b"+OK\r\n"), client(b"SUB b 2\r\n"), server(b"+OK\r\n")], sure=False
    )
    assert kept.requests() == ["PUB", "SUB"]
    assert kept.statuses() == ["-", ""]


def test_pings_alone_are_nats() -> None:
    kept = converse([client(b"PING\r\n"), server(b"PONG\r\n")], sure=False)
    assert kept.protocols == ["nats"]


def test_encryption_is_left_to_tls() -> None:
    hello = b"\x16\x03\x01\0\xc8\x01\0\0\xc4\x03\x03" + b"r" * 32 + b"\0" * 157
    kept = converse([server(INFO.replace(b"false", b"true")), client(hello)])
    assert "nats" not in kept.protocols[1:]
    assert kept.unparsable_protocols == []


def test_lines_are_found_again_within_a_segment() -> None:
    rest = b"tail of a payload\r\nPUB a 2\r\nhi\r\nPUB b 2\r\nhi\r\n"
    kept = converse([server(INFO), client(CONNECT), Step(0, lost=500), client(rest)])
    assert kept.requests() == ["CONNECT", "PUB", "PUB"]


def test_lines_whose_end_was_not_copied_are_told_by_their_verb() -> None:
    inbox = b"_INBOX.pkXfPZ5ZbgnEe7e0d4F8xk." + SECRET
    steps = [
        server(INFO),
        client(CONNECT),
        client(b"PING\r\n"),
        server(b"PONG\r\n"),
        client(b"PUB " + inbox + b" 12\r\nhello, world\r\n"),
        server(b"MSG events 1 " + inbox + b" 12\r\nhello, world\r\n"),
        client(b"HPUB events " + inbox + b" 12 24\r\nNATS/1.0\r\n\r\nhello, world\r\n"),
        server(b"-ERR 'Permissions Violation for Publish to \"events\"'\r\n"),
    ]
    kept = converse(copied(steps, 30))
    assert kept.requests() == ["CONNECT", "PING", "PUB", "MSG", "HPUB", "-"]
    targets = [exchange.request.operation.target for exchange in kept.exchanges if exchange.request]
    assert targets == ["", "", "", "events", "events"]  # a subject that was cut is none
    assert kept.statuses()[-1] == "permissions-violation"
