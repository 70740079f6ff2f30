import pytest

from exporter.protocols.fastcgi import status_of
from tests.exporter.protocols.conversing import STEP, Step, client, converse, copied, server
from tests.exporter.protocols.samples_fastcgi import BEGIN, PARAMS, STDIN, asked, pair, record, told


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Status: 404 Not Found\r\nX: y\r\n\r\n", "404"),
        (b"X-Status: 1\r\nstatus:201\r\n\r\n", "201"),
        (b"Location: /else\r\n\r\n", "302"),
        (b"Content-type: text/plain\r\n\r\nStatus: 500", "200"),
        (b"", "200"),
        (b"Status: none\r\n\r\n", "200"),
    ],
)
def test_status_is_what_the_application_says_or_means(head: bytes, status: str) -> None:
    assert status_of(head) == status


def test_overloaded_application_has_failed() -> None:
    kept = converse((client(asked(b"GET")), server(told(b"", b"", why=2))))
    assert (kept.statuses(), kept.failures()) == (["503"], [True])


def test_method_may_be_cut_by_records() -> None:
    params = pair(b"SERVER_NAME", b"x") + pair(b"REQUEST_METHOD", b"PATCH")
    parts = record(PARAMS, params[:-3]) + record(PARAMS, params[-3:]) + record(PARAMS)
    kept = converse((client(record(BEGIN, b"\0\1\1" + bytes(5)) + parts + record(STDIN)), server(told(b""))))
    assert kept.requests() == ["PATCH"]


def test_query_cannot_pass_for_the_method() -> None:
    params = pair(b"QUERY_STRING", b"REQUEST_METHODPUT") + pair(b"REQUEST_METHOD", b"GET")
    begin = record(BEGIN, b"\0\1\1" + bytes(5))
    kept = converse((client(begin + record(PARAMS, params) + record(PARAMS) + record(STDIN)), server(told(b""))))
    assert kept.requests() == ["GET"]


def test_answer_that_ends_with_the_connection_counts() -> None:
    kept = converse((client(asked(b"GET")), server(record(6, b"Status: 500 Oops\r\n\r\n"))))
    assert (kept.requests(), kept.statuses()) == (["GET"], ["500"])


def test_answer_of_which_the_end_was_lost_is_not_timed() -> None:
    answer = told(b"")
    kept = converse((client(asked(b"GET")), server(answer[:30]), Step(1, lost=20), server(answer[50:])))
    assert (kept.statuses(), kept.exchanges[0].duration) == (["200"], None)


def test_answer_of_which_the_head_was_copied_has_its_status_and_time() -> None:
    answers = (told(b"Status: 404 Gone\r\n"), told(b"X: y\r\n"))
    asked_twice = [step for answer in answers for step in (client(asked(b"GET")), server(answer))]
    kept = converse(copied(asked_twice, 31))
    assert (kept.statuses(), kept.failures()) == (["404", "200"], [True, False])
    assert [exchange.duration for exchange in kept.exchanges] == [STEP, STEP]


@pytest.mark.parametrize("uri", [b"/orders/42?token=x", b"/orders/42?token=" + b"x" * 300])
def test_path_is_that_of_the_request(uri: bytes) -> None:
    params = pair(b"REQUEST_METHOD", b"GET") + pair(b"SCRIPT_NAME", b"/index.php") + pair(b"REQUEST_URI", uri)
    begin = record(BEGIN, b"\0\1\1" + bytes(5))
    kept = converse((client(begin + record(PARAMS, params) + record(PARAMS) + record(STDIN)), server(told(b""))))
    assert [one.request.operation.target for one in kept.exchanges if one.request is not None] == ["/orders/{id}"]
