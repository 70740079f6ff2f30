from itertools import pairwise

import pytest

from exporter.protocols.preface import BINARY, preface_size
from tests.exporter.protocols.conversing import Step, client, converse, server
from tests.exporter.protocols.samples import SAMPLES

TEXT = b"PROXY TCP4 198.51.100.22 203.0.113.7 35646 80\r\n"
V2 = (
    BINARY
    + b"\x21\x11"
    + (12 + 7).to_bytes(2, "big")
    + b"\xc6\x33\x64\x16\xcb\x00\x71\x07\x8b\x3e\0\x50"
    + b"\4\0\4abcd"
)
LOCAL = BINARY + b"\x20\0\0\0"
PREFACES = [TEXT, b"PROXY UNKNOWN\r\n", V2, LOCAL]


@pytest.mark.parametrize("preface", PREFACES)
@pytest.mark.parametrize("name", ["http", "redis", "tls", "mysql", "smtp", "postgresql"])
def test_protocol_behind_a_preface_is_what_it_is_without(preface: bytes, name: str) -> None:
    sample = SAMPLES[name][0]
    assert converse((client(preface), *sample.steps)).facts() == converse(sample.steps).facts()


@pytest.mark.parametrize("preface", PREFACES)
def test_preface_may_be_cut_anywhere_and_share_a_segment(preface: bytes) -> None:
    request, answer = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    whole = preface + request
    for at in range(1, len(whole)):
        kept = converse((client(whole[:at]), client(whole[at:]), answer))
        assert (kept.protocols, kept.requests()) == (["http"], ["GET"])
    single = [client(whole[begin:end]) for begin, end in pairwise(range(len(whole) + 1))]
    assert converse((*single, answer)).facts() == converse((client(request), answer)).facts()


@pytest.mark.parametrize(
    "head",
    [
        b"PROXY_PASS x\r\n",
        b"PROXY TCP5 1.1.1.1\r\n",
        b"PROXY " + b"x" * 200,
        BINARY + b"\x11\x11\0\x0c",
        b"\r\n\r\nGET",
    ],
)
def test_what_only_begins_like_one_is_none(head: bytes) -> None:
    assert preface_size(head) == 0


def test_preface_is_only_looked_for_where_the_connection_begins() -> None:
    steps = (server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), client(b"GET /a HTTP/1.1\r\n\r\n"), Step(0, TEXT))
    assert converse(steps, sure=False).protocols[0] == "http"
