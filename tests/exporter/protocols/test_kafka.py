"""Kafka's particulars."""

import pytest

from exporter.protocols.kafka_apis import APIS
from tests.exporter.protocols.conversing import STEP, client, converse, server
from tests.exporter.protocols.sample import SECRET
from tests.exporter.protocols.samples_kafka import produce, produced, reply, request, short


def test_produce_without_acknowledgement_is_one_way() -> None:
    kept = converse([client(produce(1, 0)), client(produce(2, 1)), server(produced(2, 0))])
    assert kept.requests() == ["Produce", "Produce"]
    assert kept.statuses() == ["-", ""]


def test_flexible_produce_without_acknowledgement_is_one_way() -> None:
    body = b"\0" + b"\0" + b"\0\0" + b"\0\0\x75\x30" + b"\2" + b"\4" + b"t-1" + SECRET
    kept = converse([client(request(0, 9, 1, body)), client(request(18, 3, 2, b"\0"))])
    assert kept.requests() == ["Produce", "ApiVersions"]
    assert kept.exchanges[0].request is not None
    assert kept.exchanges[0].request.kind.value == "one-way"


def test_produce_fails_by_its_first_partition() -> None:
    kept = converse([client(produce(1, 1)), server(produced(1, 6))])
    assert (kept.statuses(), kept.failures()) == (["6"], [True])


def test_flexible_produce_fails_by_its_first_partition() -> None:
    asked = request(0, 9, 1, b"\0\0\xff\xff\0\0\x75\x30\2\4t-1" + SECRET)
    told = reply(1, b"\0\2\4t-1\2\0\0\0\0\0\x03" + b"\0" * 30)
    assert converse([client(asked), server(told)]).statuses() == ["3"]


def test_rebalance_is_told_by_its_code() -> None:
    asked = request(12, 4, 1, b"\0\x06group\0\0\0\1\2m\0\0")
    assert converse([client(asked), server(reply(1, b"\0\0\0\0\0\0\x1b\0"))]).statuses() == ["27"]


def test_negotiation_of_versions_is_no_failure() -> None:
    kept = converse([client(request(18, 3, 1, b"\0")), server(reply(1, b"\0\x23\0\0\0\0"))])
    assert (kept.statuses(), kept.failures()) == (["35"], [False])


def test_answers_are_paired_by_their_number() -> None:
    steps = [client(produce(1, 1) + produce(2, 1)), server(produced(2, 0)), server(produced(1, 0))]
    assert [exchange.duration for exchange in converse(steps).exchanges] == [STEP, 2 * STEP]


def test_tokens_after_an_old_handshake_are_no_requests() -> None:
    steps = [
        client(request(17, 0, 1, short(b"PLAIN"))),
        server(reply(1, b"\0\0\0\0\0\1" + short(b"PLAIN"))),
        client(b"\0\0\0\x10\0bob\0" + SECRET + b"!"),
        server(b"\0\0\0\0"),
        client(produce(2, 1)),
        server(produced(2, 0)),
    ]
    kept = converse(steps)
    assert kept.requests() == ["SaslHandshake", "Produce"]
    assert kept.unparsable_protocols == []


@pytest.mark.parametrize("key", APIS)
def test_every_request_has_a_name_of_its_own(key: int) -> None:
    names = [api.operation.name for api in APIS.values()]
    assert names.count(APIS[key].operation.name) == 1
