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


def after_losing_answers(*steps: Message, asked_at: tuple[int, ...]) -> list[Exchange]:
    exchanges: list[Exchange] = []
    pairing = Pairing(exchanges.append)
    for at in asked_at:
        pairing.take(request(at))
    pairing.lose_answer(asked_at[-1] + 1)
    for step in steps:
        pairing.take(step)
    pairing.finish()
    return exchanges


def test_answers_to_what_was_asked_at_once_have_a_time_though_others_were_lost() -> None:
    at_once = after_losing_answers(response(8), response(9), asked_at=(5, 5, 5))
    one_by_one = after_losing_answers(response(8), response(9), asked_at=(4, 5, 5))
    assert durations(at_once) == [3, 4, None]
    assert durations(one_by_one) == [None] * 3


def test_next_request_is_in_doubt_where_some_of_several_answers_were_lost() -> None:
    exchanges = after_losing_answers(response(8), request(10), response(12), asked_at=(5, 5))
    assert durations(exchanges)[0] == 3
    assert durations(exchanges)[1:] == [None] * (len(exchanges) - 1)


def answered(operation: str, size: int, failed: bool) -> tuple[Message, Message]:
    told = Message(Kind.RESPONSE, 2, 2, size, status="42" if failed else "", failed=failed)
    return request(1, operation), told


def lost_of(size: int, *history: tuple[Message, Message], operation: str = "SELECT") -> list[Exchange]:
    exchanges: list[Exchange] = []
    pairing = Pairing(exchanges.append)
    for pair in history:
        for one in pair:
            pairing.take(one)
    pairing.take(request(3, operation))
    single = pairing.single()
    pairing.lose_answer(4)
    if single:
        pairing.presume(size)
    pairing.finish()
    return exchanges[len(history) :]


def test_lost_answer_as_long_as_failures_to_the_same_operation_is_one() -> None:
    failed, fine = answered("SELECT", 47, True), answered("SELECT", 99, False)
    (presumed,) = lost_of(47, failed, fine)
    assert presumed.response is not None
    assert (presumed.response.failed, presumed.response.status, presumed.duration) == (True, "42", None)
    for size, history, operation in (
        (48, (failed,), "SELECT"),
        (47, (failed,), "INSERT"),
        (47, (failed, answered("SELECT", 47, False), failed), "SELECT"),
        (47, (fine,), "SELECT"),
    ):
        (unknown,) = lost_of(size, *history, operation=operation)
        assert unknown.response is None
