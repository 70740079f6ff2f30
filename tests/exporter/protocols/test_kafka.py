"""Kafka's particulars."""

import pytest

from exporter.protocols.kafka_apis import APIS
from tests.exporter.protocols.conversing import STEP, Step, client, converse, server
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


IDENTIFIER = bytes(range(16))


def metadata(correlation: int, name: bytes, version: int = 12) -> tuple[Step, Step]:
    """Return a question for a topic and the answer that tells its identifier, behind another topic's."""
    broker = b"\0\0\0\1" + b"\x0alocalhost" + b"\0\0\x23\x84" + b"\0" + b"\0"
    partition = b"\0\0" + bytes(4) + b"\0\0\0\1" + bytes(4) + b"\2\0\0\0\1" * 2 + b"\1" + b"\0"
    topics = b"".join(
        b"\0\0" + bytes((len(each) + 1,)) + each + identifier + b"\0\2" + partition + b"\x80\0\0\0" + b"\0"
        for each, identifier in ((b"a-topic", b"i" * 16), (name, IDENTIFIER))
    )
    body = b"\0" + bytes(4) + b"\2" + broker + b"\4abc" + b"\0\0\0\1" + b"\3" + topics + b"\0"
    return client(request(3, version, correlation, b"\0\1\0\0\0")), server(reply(correlation, body))


def fetch(correlation: int, version: int, topics: bytes, session: int = 0, epoch: int = 0) -> Step:
    """Return a question for records."""
    head = (b"\xff" * 4 if version < 15 else b"") + b"\0\0\1\xf4\0\0\0\1\0\0\x40\0\0"
    head += session.to_bytes(4, "big") + epoch.to_bytes(4, "big", signed=True) if version >= 7 else b""
    flexible = b"\0" if version >= 12 else b""
    return client(request(1, version, correlation, flexible + head + topics))


def targets(*steps: Step) -> list[str]:
    return [
        exchange.request.operation.target
        for exchange in converse(steps).exchanges
        if exchange.request is not None and exchange.request.operation.name in ("Fetch", "Produce")
    ]


def fetched(correlation: int) -> Step:
    return server(reply(correlation, bytes(60)))


ONE_NAMED = b"\0\0\0\1" + short(b"orders") + b"\0\0\0\1" + bytes(40)
NONE_NAMED = bytes(4)


@pytest.mark.parametrize("version", [4, 7, 11])
def test_fetch_tells_the_topic_it_reads(version: int) -> None:
    assert targets(fetch(1, version, ONE_NAMED), fetched(1)) == ["orders"]


def test_fetch_of_several_topics_tells_none() -> None:
    assert targets(fetch(1, 11, b"\0\0\0\2" + ONE_NAMED[4:]), fetched(1)) == [""]


def test_fetch_session_goes_on_with_its_topic() -> None:
    steps = (fetch(1, 11, ONE_NAMED), fetched(1), fetch(2, 11, NONE_NAMED, 99, 1), fetched(2))
    assert targets(*steps) == ["orders", "orders"]


def test_fetch_session_that_takes_another_topic_up_tells_none() -> None:
    other = b"\0\0\0\1" + short(b"others") + b"\0\0\0\1" + bytes(40)
    steps = (fetch(1, 11, ONE_NAMED), fetched(1), fetch(2, 11, other, 99, 1), fetched(2))
    assert targets(*steps) == ["orders", ""]


@pytest.mark.parametrize("version", [13, 15, 17])
def test_identifiers_are_named_by_the_brokers(version: int) -> None:
    topics = b"\2" + IDENTIFIER + b"\2" + bytes(40)
    name = {13: "carts", 15: "orders", 17: "clicks"}[version]
    assert targets(*metadata(1, name.encode()), fetch(2, version, topics), fetched(2)) == [name]


def test_other_connections_know_the_names_too() -> None:
    converse(metadata(1, b"known"))
    topics = b"\2" + IDENTIFIER + b"\2" + bytes(40)
    assert targets(fetch(2, 13, topics), fetched(2)) == ["known"]


def test_produce_by_identifier() -> None:
    asked = request(0, 13, 2, b"\0\0\xff\xff\0\0\x75\x30\2" + IDENTIFIER + SECRET)
    assert targets(*metadata(1, b"sold"), client(asked), server(reply(2, b"\0\1" + bytes(5)))) == ["sold"]


def test_strange_metadata_names_nothing() -> None:
    for cut in range(0, 120, 7):
        question, told = metadata(1, b"cut")
        assert converse((question, server(reply(1, told.payload[8:][:cut])))).unparsable_protocols == []


@pytest.mark.parametrize("key", APIS)
def test_every_request_has_a_name_of_its_own(key: int) -> None:
    names = [api.operation.name for api in APIS.values()]
    assert names.count(APIS[key].operation.name) == 1
