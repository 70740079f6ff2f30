"""DNS in datagrams: questions and answers, repetitions, what is no DNS."""

import pytest

from exporter.model import Endpoint, Flow, Nanoseconds
from exporter.net.stream import End, Stream
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from tests.exporter.protocols.conversing import CLIENT, SERVER, Kept, Step, client, server
from tests.exporter.protocols.samples_dns import AAAA, OPT, SOA, answer, framed, question

SECOND: Nanoseconds = 1_000_000_000
MS: Nanoseconds = 1_000_000
NETBIOS = b"\x20" + b"FHEPFCELEHFCEPFFFACACACACACACABN" + b"\0"
MALFORMED = (
    question(1)[:11],
    question(1)[:-1],
    question(1) + b"trailing",
    question(1, flags=0x0140),
    question(1, kind=9999),
    question(1, name=b"\x3fshort\0"),
    question(1, name=b"\x03a\1b\0"),
    question(1, kind=32, name=NETBIOS),
    question(1, kind=33, name=NETBIOS),
    b"\xc3\0\0\0\1" + bytes(1200),
    b"\0" * 48,
    b"<34>Oct 11 22:14:15 host su: failed",
)


def flow(client_address: str = CLIENT.address, server_address: str = SERVER.address) -> Flow:
    return Flow(Endpoint(client_address, CLIENT.port), Endpoint(server_address, SERVER.port), "udp", False)


def stream(kept: Kept, between: Flow) -> Stream:
    opened = Conversations(kept, PROTOCOLS)(between, 0)
    assert opened is not None
    return opened


def exchanged(*steps: Step, seconds_between: int = 1) -> Kept:
    kept = Kept()
    opened = stream(kept, flow())
    for number, step in enumerate(steps):
        opened.data(step.direction, step.payload, number * seconds_between * SECOND)
    opened.end(End.IDLE, 0)
    return kept


def test_question_and_answer_are_one_exchange() -> None:
    kept = exchanged(client(question(1)), server(answer(1)))
    assert kept.protocols == ["dns"]
    assert (kept.requests(), kept.statuses()) == (["A"], ["NOERROR"])
    assert [exchange.duration for exchange in kept.exchanges] == [SECOND]


def test_answers_may_come_in_any_order() -> None:
    kept = exchanged(client(question(1)), client(question(2, AAAA)), server(answer(2, AAAA)), server(answer(1)))
    assert [exchange.duration for exchange in kept.exchanges] == [SECOND, 3 * SECOND]


def test_failures_are_those_that_gave_no_answer_to_the_question() -> None:
    kept = exchanged(
        *(client(question(1)), server(answer(1, rcode=3, records=0))),
        *(client(question(2)), server(answer(2, rcode=2, records=0))),
        *(client(question(3)), server(answer(3, rcode=5, records=0))),
    )
    assert kept.statuses() == ["NXDOMAIN", "SERVFAIL", "REFUSED"]
    assert kept.failures() == [False, True, True]


def test_repeated_question_is_one_request_from_its_first_time_on() -> None:
    kept = exchanged(client(question(1)), client(question(1)), server(answer(1)), server(answer(1)))
    assert kept.requests() == ["A"]
    assert kept.exchanges[0].duration == 2 * SECOND


def test_question_repeated_after_long_is_a_new_one() -> None:
    kept = exchanged(client(question(1)), client(question(1)), server(answer(1)), seconds_between=40)
    assert kept.statuses() == ["-", "NOERROR"]


def test_letters_may_come_back_in_another_case() -> None:
    name = b"\x03WwW\x07eXample\0"
    kept = exchanged(client(question(1, name=name)), server(answer(1, name=name.swapcase())))
    assert kept.statuses() == ["NOERROR"]


def test_answer_to_another_question_of_the_same_number_is_not_taken() -> None:
    kept = exchanged(client(question(1)), server(answer(1, name=b"\4evil\0")), server(answer(1)))
    assert sorted(kept.requests()) == ["-", "A"]
    assert [exchange.duration for exchange in kept.exchanges if exchange.request] == [2 * SECOND]


def test_refusal_without_a_question_finds_its_own() -> None:
    kept = exchanged(client(question(7)), server(b"\0\7\x81\x01" + bytes(8)))
    assert (kept.requests(), kept.statuses()) == (["A"], ["FORMERR"])


def test_unanswered_question_counts() -> None:
    assert exchanged(client(question(1))).statuses() == ["-"]


def test_update_is_told_by_its_zone() -> None:
    update = question(1, SOA, flags=0x2800)
    assert exchanged(client(update), server(answer(1, SOA, rcode=5, records=0))).requests() == ["SOA"]


def test_sides_are_told_by_the_bytes() -> None:
    kept = Kept()
    opened = stream(kept, flow())
    opened.data(0, answer(1), 5)
    opened.data(1, question(2), 6)
    opened.end(End.IDLE, 7)
    assert kept.flows[0].client == SERVER
    assert [exchange.request is None for exchange in kept.exchanges] == [True, False]


@pytest.mark.parametrize("payload", MALFORMED, ids=lambda payload: payload[:20].hex())
def test_other_datagrams_are_not_claimed(payload: bytes) -> None:
    kept = Kept()
    opened = stream(kept, flow())
    wanted = [opened.data(0, payload, at) for at in range(5)]
    opened.end(End.IDLE, 5)
    assert kept.protocols == []
    assert wanted[-1] == 1 << 62


def test_stray_datagrams_are_passed_over() -> None:
    kept = exchanged(client(question(1)), server(b"noise"), client(b"\0\0"), server(answer(1)))
    assert kept.statuses() == ["NOERROR"]


@pytest.mark.parametrize("address", ["224.0.0.251", "239.1.2.3", "255.255.255.255", "ff02::fb"])
def test_what_is_said_to_a_group_is_left_alone(address: str) -> None:
    assert Conversations(Kept(), PROTOCOLS)(flow(server_address=address), 0) is None


def test_outstanding_questions_are_bounded() -> None:
    kept = exchanged(*(client(question(number)) for number in range(3000)), seconds_between=0)
    assert len(kept.exchanges) == 3000


def captured(*datagrams: tuple[Step, Nanoseconds]) -> Kept:
    """Return what is made of datagrams that come in this order, captured at these times."""
    kept = Kept()
    opened = stream(kept, flow())
    for step, at in datagrams:
        opened.data(step.direction, step.payload, at)
    opened.end(End.IDLE, 0)
    return kept


def test_answer_that_comes_before_its_question_is_paired() -> None:
    kept = captured(
        *((server(answer(1)), 3 * MS), (client(question(1)), 1 * MS)),
        *((server(answer(2, rcode=3)), 9 * MS), (client(question(2)), 10 * MS)),
        *((server(b"\0\7\x81\x01" + bytes(8)), 12 * MS), (client(question(7)), 11 * MS)),
    )
    assert (kept.requests(), kept.statuses()) == (["A"] * 3, ["NOERROR", "NXDOMAIN", "FORMERR"])
    assert [exchange.duration for exchange in kept.exchanges] == [2 * MS, None, MS]


def test_copies_of_what_came_in_the_wrong_order_count_once() -> None:
    told, asked = (server(answer(1)), 3 * MS), (client(question(1)), 1 * MS)
    kept = captured(told, told, asked, asked, told)
    assert (kept.requests(), kept.statuses()) == (["A"], ["NOERROR"])


def test_answer_whose_question_does_not_come_is_one_without() -> None:
    kept = captured((server(answer(1)), 0), (client(question(1)), 100 * MS), (server(answer(2)), 110 * MS))
    assert sorted(zip(kept.requests(), kept.statuses(), strict=True)) == [
        ("-", "NOERROR"),
        ("-", "NOERROR"),
        ("A", "-"),
    ]


def test_answers_that_wait_for_their_question_are_bounded() -> None:
    kept = captured(*((server(answer(number)), 0) for number in range(3000)))
    assert kept.requests() == ["-"] * 3000


LONG_NAME = b"\x3f" + b"a" * 63 + b"\7example\0"


@pytest.mark.parametrize("copied", [12 + 30, 12 + 64, len(question(1, name=LONG_NAME)) - 4])
def test_question_whose_end_was_not_copied_is_paired_by_its_number(copied: int) -> None:
    kept = Kept()
    between = stream(kept, flow())
    for number, rcode in ((1, 0), (2, 5)):
        asked, told = question(number, name=LONG_NAME), answer(number, rcode=rcode, name=LONG_NAME)
        for direction, datagram in ((0, asked), (1, told)):
            between.data(direction, datagram[:copied], number * SECOND + direction * MS)
            between.gap(direction, len(datagram) - copied, number * SECOND + direction * MS)
    between.end(End.IDLE, 9 * SECOND)
    assert [(one.duration, one.response.status) for one in kept.exchanges if one.response] == [
        (MS, "NOERROR"),
        (MS, "REFUSED"),
    ]
    assert [one.request.size_bytes for one in kept.exchanges if one.request] == [len(question(1, name=LONG_NAME))] * 2


def test_first_question_whose_records_were_not_copied_is_dns() -> None:
    kept = Kept()
    between = stream(kept, flow())
    between.data(0, question(1, extra=OPT)[:-3], 0)
    between.gap(0, 3, 0)
    between.end(End.IDLE, SECOND)
    assert kept.requests() == ["A"]


@pytest.mark.parametrize("copied", [2 + 12 + 8, 2 + 12 + 40])
def test_question_over_tcp_whose_end_was_not_copied_is_dns(copied: int) -> None:
    kept = Kept()
    opened = Conversations(kept, PROTOCOLS)(Flow(CLIENT, SERVER, "tcp", True), 0)
    assert opened is not None
    for number in (1, 2):
        for direction, message in ((0, question(number, name=LONG_NAME)), (1, answer(number, name=LONG_NAME))):
            at = number * SECOND + direction * MS
            opened.data(direction, framed(message)[:copied], at)
            opened.gap(direction, len(framed(message)) - copied, at)
    opened.end(End.CLOSED, 9 * SECOND)
    assert kept.protocols == ["dns"]
    assert [one.duration for one in kept.exchanges] == [MS, MS]
