"""Pairing: what answers what."""

from exporter.model import Exchange, Kind, Message, Operation
from exporter.protocols.pairing import MAX_OUTSTANDING, Pairing


def message(kind: Kind, at: int, name: str = "", correlation: int | None = None) -> Message:
    return Message(kind, at, at, 1, Operation(name), correlation=correlation)


def request(at: int, name: str = "", correlation: int | None = None) -> Message:
    return message(Kind.REQUEST, at, name, correlation)


def response(at: int, correlation: int | None = None) -> Message:
    return message(Kind.RESPONSE, at, "", correlation)


def paired(*steps: Message | None) -> list[Exchange]:
    """Return the exchanges of messages; None stands for a loss."""
    exchanges: list[Exchange] = []
    pairing = Pairing(exchanges.append)
    for step in steps:
        if step is None:
            pairing.lose()
        else:
            pairing.take(step)
    pairing.finish()
    return exchanges


def durations(exchanges: list[Exchange]) -> list[int | None]:
    return [exchange.duration for exchange in exchanges]


def test_answers_come_in_order() -> None:
    assert durations(paired(request(1), request(2), response(5), response(9))) == [4, 7]


def test_answers_come_by_correlation() -> None:
    found = paired(request(1, "a", 7), request(2, "b", 8), response(5, 8), response(9, 7))
    assert [(exchange.request and exchange.request.operation.name, exchange.duration) for exchange in found] == [
        ("b", 3),
        ("a", 8),
    ]


def test_halves_without_the_other_are_kept() -> None:
    orphan, unanswered = paired(response(1), request(2))
    assert orphan.request is None
    assert unanswered.response is None


def test_one_way_and_pushed_messages_await_nothing() -> None:
    found = paired(message(Kind.ONE_WAY, 1), request(2), message(Kind.PUSH, 3), response(4))
    assert durations(found) == [None, 2]


def test_request_told_to_stay_unanswered_is_passed_over() -> None:
    found = paired(request(1, "a"), request(2, "b"), message(Kind.UNANSWERED, 3), response(4))
    assert durations(found) == [None, 2]


def test_after_a_loss_two_turns_restore_trust() -> None:
    turns = [step for at in range(10, 50, 10) for step in (request(at), response(at + 3))]
    assert durations(paired(request(1), None, *turns))[-2:] == [3, 3]
    assert durations(paired(request(1), None, *turns))[:3] == [None] * 3


def test_what_answers_late_restores_no_trust() -> None:
    """Three requests were lost sight of; their answers would pass for those of later requests."""
    found = paired(request(1), request(2), request(3), None, request(10), response(11), response(12), response(13))
    assert durations(found) == [None] * 4


def test_answer_before_its_question_breaks_the_order() -> None:
    found = paired(request(1_000_000_000), response(1))
    assert durations(found) == [None, None]


def test_outstanding_requests_are_bounded() -> None:
    found = paired(*(request(at) for at in range(MAX_OUTSTANDING + 5)), response(10**9))
    assert len(found) == MAX_OUTSTANDING + 5
    assert durations(found) == [None] * len(found)


def test_answer_tells_an_operation_that_the_request_did_not() -> None:
    asked = Message(Kind.REQUEST, 1, 1, 1)
    told = Message(Kind.RESPONSE, 2, 2, 1, Operation("INSERT"))
    (exchange,) = paired(asked, told)
    assert exchange.request is not None
    assert exchange.request.operation == Operation("INSERT")


def test_an_answer_that_began_before_its_question_is_not_timed() -> None:
    begun_before = Message(Kind.RESPONSE, 23, 33, 260)
    assert [exchange.timed for exchange in paired(request(24), begun_before)] == [False]
    assert [exchange.timed for exchange in paired(request(23), begun_before)] == [True]


TURNS = 20  # more than prove that a client waits for each answer


def in_turns(*steps: Message | int) -> list[Exchange]:
    """Return the exchanges behind many turns; a number stands for bytes of the server lost at that time."""
    exchanges: list[Exchange] = []
    pairing = Pairing(exchanges.append)
    for at in range(TURNS):
        pairing.take(request(at))
        pairing.take(response(at))
    for step in steps:
        if isinstance(step, int):
            pairing.lose_answer(step)
        else:
            pairing.take(step)
    pairing.finish()
    return exchanges[TURNS:]


def test_answer_that_lost_its_end_answers_who_takes_turns() -> None:
    found = in_turns(request(100), 105, response(105), request(110), response(112))
    assert durations(found) == [5, 2]


def test_answer_that_may_have_lost_its_beginning_is_not_timed() -> None:
    found = in_turns(request(100), 105, response(106), request(110), response(112))
    assert durations(found) == [None, 2]
    assert len(found) == 2


def test_answer_that_was_lost_is_none() -> None:
    found = in_turns(request(100), 105, request(110), response(112))
    assert [exchange.response is None for exchange in found] == [True, False]
    assert durations(found) == [None, 2]


def test_answer_with_the_questions_number_may_be_stamped_a_little_before_it() -> None:
    late, early = 10**9, 10**9 - 400_000
    numbered = paired(request(late, correlation=7), Message(Kind.RESPONSE, early, late + 5, 1, correlation=7))
    much_earlier = paired(request(late, correlation=7), Message(Kind.RESPONSE, 5, late + 5, 1, correlation=7))
    in_order = paired(request(late), Message(Kind.RESPONSE, early, late + 5, 1))
    assert [durations(found) for found in (numbered, much_earlier, in_order)] == [[5], [None], [None]]
