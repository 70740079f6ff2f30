import pytest

from exporter.model import Operation
from exporter.protocols.base import Match
from exporter.protocols.elasticsearch import match, operation_of
from tests.exporter.protocols.conversing import STEP, client, converse, copied, server
from tests.exporter.protocols.samples_elasticsearch import asked, told


@pytest.mark.parametrize(
    ("method", "path", "name", "index"),
    [
        ("POST", "/products/_search", "search", "products"),
        ("GET", "/_search/scroll", "search.scroll", ""),
        ("PUT", "/products/_doc/{id}", "index", "products"),
        ("HEAD", "/products/_doc/{id}", "exists", "products"),
        ("GET", "/_cat/indices", "cat.indices", ""),
        ("GET", "/_cat/secret-name", "cat", ""),
        ("GET", "/_nodes/{id}/stats", "nodes", ""),
        ("PUT", "/products", "indices.create", "products"),
        ("GET", "/", "info", ""),
        ("POST", "/products/_anything", "OTHER", ""),
    ],
)
def test_path_tells_what_is_asked_of_which_index(method: str, path: str, name: str, index: str) -> None:
    asked_for = operation_of(Operation(method, path))
    assert (asked_for.name, asked_for.target) == (name, index)


@pytest.mark.parametrize(
    "path", [b"/_all_docs", b"/shop/_find", b"/shop/_design/a/_view/b", b"/a/b/_search", b"/search"]
)
def test_couchdb_and_others_are_not_taken_for_it(path: bytes) -> None:
    assert match(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"") is Match.NO


def test_server_names_itself() -> None:
    kept = converse((server(told(b"200 OK")), client(asked(b"GET /")), server(told(b"200 OK"))), sure=False)
    assert kept.protocols == ["elasticsearch"]
    assert kept.requests() == ["-", "info"]


@pytest.mark.parametrize(
    "field",
    [b"x-elastic-client-meta: es=7.17.6,py=3.11.2,t=7.17.6,ur=1.26.12", b"User-Agent: opensearch-py/2.4.0 (Python 3)"],
)
def test_client_names_itself_before_it_asks_anything_of_note(field: bytes) -> None:
    question = b"GET / HTTP/1.1\r\nHost: x\r\n" + field + b"\r\n\r\n"
    kept = converse((client(question), server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")))
    assert kept.protocols == ["elasticsearch"]


def test_no_answer_in_http_is_no_elasticsearch() -> None:
    assert match(asked(b"POST /_bulk"), b"220 smtp\r\n") is Match.NO


def test_answer_of_which_the_head_was_copied_is_timed() -> None:
    steps = [
        step for _ in range(12) for step in (client(asked(b"GET /a/_search")), server(told(b"200 OK") + b"x" * 99))
    ]
    kept = converse(copied(steps, 40))
    assert (kept.requests(), kept.statuses()) == (["search"] * 12, ["200"] * 12)
    assert [exchange.duration for exchange in kept.exchanges[-8:]] == [STEP] * 8
