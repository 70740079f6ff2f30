"""HTTP/1: where messages end, and what they say."""

import pytest

from exporter.model import Direction
from exporter.protocols import http
from exporter.protocols.base import Match
from exporter.protocols.http_head import method_of, status_of
from tests.exporter.protocols.conversing import STEP, Step, client, converse, server

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_status_of_400_and_above_has_failed() -> None:
    answers = b"".join(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % code for code in (200, 302, 399, 400, 404, 503))
    kept = converse([client(GET * 6), server(answers)])
    assert kept.statuses() == ["200", "302", "399", "400", "404", "503"]
    assert kept.failures() == [False, False, False, True, True, True]


def test_duration_is_from_first_byte_to_last() -> None:
    upload = b"PUT /a HTTP/1.1\r\nContent-Length: 4\r\n\r\n"
    kept = converse([client(upload), client(b"abcd"), server(OK[:20]), server(OK[20:])])
    (exchange,) = kept.exchanges
    assert exchange.duration == 3 * STEP
    assert exchange.request is not None
    assert exchange.request.size_bytes == len(upload) + 4


def test_interim_responses_answer_nothing() -> None:
    expecting = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    kept = converse([client(expecting), server(b"HTTP/1.1 100 Continue\r\n\r\n"), client(b"ab"), server(early + OK)])
    assert kept.statuses() == ["200"]


@pytest.mark.parametrize("end", [b"HTTP/1.1 204 x\r\n\r\n", b"HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n"])
def test_some_statuses_have_no_body(end: bytes) -> None:
    assert converse([client(GET * 2), server(end + OK)]).statuses() == [end[9:12].decode(), "200"]


def test_response_to_head_has_no_body() -> None:
    head = b"HEAD /a HTTP/1.1\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    kept = converse([client(head + GET), server(answer + OK)])
    assert kept.requests() == ["HEAD", "GET"]
    assert kept.statuses() == ["200", "200"]


def test_response_whose_request_was_lost_may_be_to_head() -> None:
    answer = b"HTTP/1.1 404 x\r\nContent-Length: 5000\r\n\r\n"
    assert converse([server(answer), server(OK)], sure=False).statuses() == ["404", "200"]


def test_upgrade_is_a_response_and_ends_http() -> None:
    asked = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    kept = converse(
        [client(asked), server(b"HTTP/1.1 101 x\r\n\r\n\x81\x02hi"), client(b"\x81\x80abcd"), server(b"\x8a\0")]
    )
    assert kept.protocols == ["http", "unknown"]
    assert kept.statuses() == ["101", ""]
    assert kept.unparsable_protocols == []


def test_tunnel_is_recognised_afresh() -> None:
    kept = converse(
        [client(b"CONNECT x:80 HTTP/1.1\r\n\r\n"), server(b"HTTP/1.1 200 OK\r\n\r\n"), client(GET), server(OK)]
    )
    assert kept.protocols == ["http", "http"]
    assert kept.requests() == ["CONNECT", "GET"]


def test_refused_tunnel_stays_http() -> None:
    refused = b"HTTP/1.1 407 x\r\nContent-Length: 2\r\n\r\nno"
    kept = converse([client(b"CONNECT x:80 HTTP/1.1\r\n\r\n"), server(refused), client(GET), server(OK)])
    assert kept.statuses() == ["407", "200"]


def test_body_without_a_length_ends_with_the_connection() -> None:
    kept = converse([client(GET), server(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100), server(OK)])
    (exchange,) = kept.exchanges
    assert exchange.duration == 2 * STEP
    assert exchange.response is not None
    assert exchange.response.size_bytes == 19 + 100 + len(OK)


def test_next_request_ends_a_body_without_a_length() -> None:
    bare = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n"
    assert converse([client(GET), server(bare), client(GET), server(OK)]).statuses() == ["200", "200"]


def test_refused_upload_is_answered_before_its_end() -> None:
    upload = b"POST /a HTTP/1.1\r\nContent-Length: 100\r\n\r\n"
    refusal = b"HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n"
    kept = converse([client(upload + b"x" * 10), server(refusal), client(b"x" * 90)])
    assert kept.requests() == ["POST"]
    assert kept.statuses() == ["413"]


def test_client_may_send_garbage_that_the_server_answers() -> None:
    refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    kept = converse([client(b"\x16\x03\x01\0garbage"), server(refusal)])
    assert kept.protocols == ["http"]
    assert kept.statuses() == ["400"]
    assert kept.unparsable_protocols == []


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 2\r\nContent-Length: 2\r\n",
        b"content-length:2\r\n",
        b"CONTENT-LENGTH : 2, 2\r\n",
        b"X-Content-Length: 9\r\nContent-Length: 2\r\n",
        b"Content-Lengthy: 9\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\r\nConnection: keep-alive\r\n",
    ],
)
def test_length_is_found_however_it_is_written(fields: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\n" + fields + b"\r\nok"
    assert converse([client(GET * 2), server(answer + OK)]).statuses() == ["200", "200"]


def test_chunks_override_a_length() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    assert converse([client(GET * 2), server(answer + OK)]).statuses() == ["200", "200"]


@pytest.mark.parametrize("value", [b"-1", b"1e9", b"99999999999999999999999", b"2, 3", b"0x10", b""])
def test_length_that_is_none_leaves_the_body_to_the_connection(value: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: " + value + b"\r\n\r\n" + OK
    assert converse([client(GET * 2), server(answer)]).statuses() == ["200", "-"]


def test_bare_line_feeds_end_lines_too() -> None:
    kept = converse([client(GET.replace(b"\r", b"")), server(OK.replace(b"\r", b""))])
    assert kept.statuses() == ["200"]


def test_body_is_asked_to_be_skipped() -> None:
    parser = http.SPEC.parser()
    parser.feed(Direction.REQUEST, GET, 1)
    parser.feed(Direction.RESPONSE, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc", 2)
    assert parser.skippable(Direction.RESPONSE) == 997
    assert [message.size_bytes for message in parser.gap(Direction.RESPONSE, 997, 3)] == [41 + 1000]


def test_loss_within_a_body_of_known_length_costs_nothing() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"
    kept = converse([client(GET), server(answer), Step(1, lost=20), server(b"x" * 30), client(GET), server(OK)])
    assert [exchange.duration for exchange in kept.exchanges] == [3 * STEP, STEP]


def test_server_that_stops_speaking_http_is_unknown() -> None:
    kept = converse([client(GET), server(b"220 mail ready\r\n"), client(b"QUIT\r\n"), server(b"221 bye\r\n")])
    assert kept.unparsable_protocols == ["http"]
    assert kept.protocols == ["http", "unknown"]


def test_methods_outside_the_list_are_one_operation() -> None:
    kept = converse([client(b"S3CRET-TOKEN /a HTTP/1.1\r\n\r\npropfind / HTTP/1.1\r\n\r\n"), server(OK * 2)])
    assert kept.requests() == ["OTHER", "PROPFIND"]


@pytest.mark.parametrize(
    "line",
    [b"GET / HTTP/2.0", b"GET /", b"GET", b"", b"OPTIONS rtsp://x RTSP/1.0", b"G\0T / HTTP/1.1", b"GET / HTTP/1.x"],
)
def test_other_lines_are_no_requests(line: bytes) -> None:
    assert method_of(line) == b""


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 OK", b"HTTP/2 200 OK", b"HTTP/1.1 20", b"HTTP/1.1 099 x", b"RTSP/1.0 200 OK"]
)
def test_other_lines_are_no_statuses(line: bytes) -> None:
    assert status_of(line) == 0


def test_long_target_is_recognised_before_its_end() -> None:
    assert http.SPEC.match(b"GET /" + b"a" * 3000, b"") is Match.YES
    assert http.SPEC.match(b"GET " + b"a" * 3000, b"") is Match.NO


def copied(direction: int, payload: bytes, size: int = 30) -> list[Step]:
    """Return a packet of which only the first bytes were copied."""
    return [Step(direction, payload[:size]), Step(direction, lost=len(payload) - size, at_once=True)]


def test_of_heads_that_were_copied_in_part_method_and_status_are_told() -> None:
    ask = b"GET /a/long/path/of/some/service HTTP/1.1\r\nHost: somewhere.example\r\n\r\n"
    tell = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\n" + b"x" * 100
    kept = converse([*copied(0, ask), *copied(1, tell)] * 5)
    assert kept.requests() == ["GET"] * 5
    assert kept.statuses() == ["503"] * 5
    assert [exchange.timed for exchange in kept.exchanges] == [True, False, True, True, True]


def test_what_hides_further_requests_is_not_timed() -> None:
    ask = b"GET /first HTTP/1.1\r\n\r\nGET /second HTTP/1.1\r\n\r\nGET /third HTTP/1.1\r\n\r\n"
    tell = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    later = b"GET /later HTTP/1.1\r\n\r\n"
    kept = converse([*copied(0, ask, 23), Step(1, tell), Step(0, later), *[Step(1, tell)] * 3])
    timed = [exchange for exchange in kept.exchanges if exchange.timed and exchange.request and exchange.response]
    assert len(timed) == 1, "only the first request's answer is surely its own"
