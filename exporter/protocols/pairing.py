"""Pairs requests with their responses, in order or by correlation, and never across a doubt."""

from collections.abc import Callable
from dataclasses import replace

from exporter.model import UNKNOWN_OPERATION, Exchange, Kind, Message, Nanoseconds
from exporter.protocols.fifo import Fifo
from exporter.protocols.presumed import Failures
from exporter.protocols.trains import Train

# Looking a member of an enumeration up costs more than comparing it.
REQUEST, RESPONSE, ONE_WAY, PUSH, UNANSWERED = Kind.REQUEST, Kind.RESPONSE, Kind.ONE_WAY, Kind.PUSH, Kind.UNANSWERED
CHANGED = Kind.CHANGED
# A client that pipelines deeper than this (a bulk load) loses latencies, not counts.
MAX_OUTSTANDING = 16_384
# After a loss nobody knows which requests were answered. A client that takes turns shows it: as many responses as
# requests, then the next request. Two such turns in a row end the doubt.
TURNS_TO_TRUST = 2
# A client that has taken turns so often before does not pipeline: its next request is answered by the next response.
PROVEN = 8
# Captures of several queues may stamp an answer earlier than its question.
REORDERED: Nanoseconds = 50_000_000
# An answer that bears its question's number is its own, though the capture may have stamped one of the two late.
CROSSED: Nanoseconds = 500_000
NEVER: Nanoseconds = -1
UNKNOWN = -1


class Pairing:
    """The outstanding requests of one connection."""

    __slots__ = (
        "_agreed",
        "_answer_cut",
        "_answer_lost",
        "_behind_cut",
        "_burst_at",
        "_correlated",
        "_cut",
        "_doubted",
        "_failures",
        "_least",
        "_ordered",
        "_owed",
        "_record",
        "_serial",
        "_some_lost",
        "_train",
        "_trusted",
        "_was_response",
    )

    def __init__(self, record: Callable[[Exchange], None]) -> None:
        self._record = record
        self._ordered = Fifo()
        self._correlated: dict[int, Message] = {}
        self._doubted = False
        self._failures: Failures | None = None  # since the first one
        self._cut = False  # messages may have been lost, but there is no sign of it
        self._answer_cut = False  # the oldest request may have been answered
        self._answer_lost: Nanoseconds = NEVER  # until when the answer to the only request was seen without a loss
        self._burst_at: Nanoseconds = NEVER  # when all that are outstanding came, if at once
        self._some_lost = False  # some of those were answered, nobody knows which; they came at once
        self._behind_cut = False  # the next request may not be the next one
        self._trusted = False  # turns have ended a doubt, and nothing spoke against them since
        self._least = 0  # requests since the doubt began that are surely unanswered
        self._agreed = 0  # turns in a row that speak against more being unanswered
        self._was_response = False
        self._serial = 0  # requests in a row that came when all before them were answered
        self._owed = 0  # answers to come to requests that nobody saw
        self._train: Train | None = None  # requests behind those of a packet whose head was seen

    def take(self, message: Message) -> None:
        """Take the next message of either direction, in the order of capture."""
        kind = message.kind
        if kind is REQUEST:
            if message.correlation is None:
                self._request(message)
            else:
                self._correlate(message, message.correlation)
        elif kind is RESPONSE:
            if message.correlation is None:
                self._response(message)
            else:
                self._correlated_response(message, message.correlation)
        elif kind is ONE_WAY or (kind is PUSH and message.operation.name):
            self._record(Exchange(message, None))
        elif kind is UNANSWERED:
            if self._ordered:
                self._record(Exchange(self._ordered.popleft(), None))
            self._least -= int(self._least > 0)
        elif kind is CHANGED:
            self._record(Exchange(None, message))

    def idle(self) -> bool:
        """Return whether no request is outstanding."""
        return not self._ordered and not self._correlated and self._owed == 0

    def hide(self, train: Train) -> None:
        """The rest of a packet hides requests: an answer to none that was seen is to one of them."""
        self._train = train
        if self._ordered:  # else numbers tell which request an answer is to
            self._owed = self._owed + train.likely if train.likely and self._owed != UNKNOWN else UNKNOWN

    def awaited(self) -> int:
        """Return how many answers are outstanding, to what was seen and to what heads tell of."""
        return len(self._ordered) + (self._train.likely if self._train is not None and self._train.proven else 0)

    def hiding(self) -> bool:
        """Return whether packets hide requests whose answers may be to come."""
        return self._train is not None

    def lengthen(self, requests: int) -> None:
        """Packets go on that hide requests."""
        if self._train is not None:
            self._train.left += requests

    def estimate(self, answer: Message) -> bool:
        """Take an answer that the rest of a packet hides; return False if nothing is known that it could answer."""
        if self._ordered:
            self._record(Exchange(self._ordered.popleft(), answer, False))
        elif self._train is not None and self._train.proven and self._train.left > 0:
            self._record(Exchange(self._hidden_request(self._train, None), answer, False))
        else:
            return False
        return True

    def calm(self) -> bool:
        """Return whether nothing is outstanding or in doubt."""
        doubted = self._doubted or self._answer_cut or self._behind_cut or self._answer_lost != NEVER
        return not doubted and not self._ordered and not self._correlated

    def turned(self) -> None:
        """Take note of a request in order and its response, of which nobody is to be told, while it was calm."""
        self._serial += 1
        self._was_response = True

    def lose(self) -> None:
        """Messages may have been lost: what answers in order is in doubt until the client's turns agree again.

        Until then halves are counted together but not timed. Pairs by correlation stay sound.
        """
        self._doubted = True
        self._answer_cut = self._behind_cut = self._trusted = self._some_lost = False
        self._least = self._agreed = 0
        self._was_response = False
        self._answer_lost = NEVER
        if self._serial >= PROVEN:
            self._doubted = False
            self._flush_ordered()

    def lose_answer(self, since: Nanoseconds) -> None:
        """Bytes of the server were lost; what ends after `since` may have begun or ended among them.

        Whose turns have proven that it does not pipeline gets the next response to its only request, if one comes
        before its next request. Those that came at once may be answered in any order: until the next request it does
        not matter which of them were.
        """
        only = self._serial >= PROVEN and len(self._ordered) == 1 and not self._doubted
        if only and self._answer_lost == NEVER:
            self._answer_lost = since
        elif only:
            pass
        elif len(self._ordered) > 1 and self._burst_at != NEVER and not self._doubted:
            self._some_lost = True
        else:
            self.lose()

    def single(self) -> bool:
        """Return whether exactly one request is outstanding, without a doubt."""
        sure = not self._doubted and self._train is None
        return sure and len(self._ordered) + len(self._correlated) == 1

    def presume(self, size_bytes: int) -> None:
        """The answer to the only request was lost, of such a length: if only failures were as long, it was one."""
        if self._failures is None or len(self._ordered) + len(self._correlated) != 1:
            return
        request = self._ordered.first() or next(iter(self._correlated.values()))
        status = self._failures.status(request.operation, size_bytes)
        if status is not None:
            self._ordered.clear()
            self._correlated.clear()
            self._answer_lost = NEVER
            at = request.last_at
            self._record(Exchange(request, Message(RESPONSE, at, at, size_bytes, status=status, failed=True), False))

    def cut(self, asking: bool) -> None:
        """The rest of a packet is missing whose head was seen, and told of before; it may hide further messages.

        What was seen is sound: behind a request's head later requests are in doubt, until turns end it; behind a
        response's head those that are outstanding are. An answer to what nobody saw asked renews the doubt, and so
        does a request before the answer whose head was seen.
        """
        self._cut = True
        if len(self._ordered) > 1 and not self._is_sure():  # else they came at the same time, whichever is answered
            self.lose()
        elif not asking:
            self._answer_cut = bool(self._ordered)
        elif not self._doubted:
            self._behind_cut = not self._trusted and self._serial < PROVEN

    def finish(self) -> None:
        """The connection ended: nothing outstanding will be answered."""
        self._flush_ordered()
        for request in self._correlated.values():
            self._record(Exchange(request, None))
        self._correlated.clear()

    def _request(self, request: Message) -> None:
        if self._was_response:
            self._train = None
        elif self._train is not None:
            self._train.sure = False
        if self._answer_lost != NEVER:
            self._answer_lost = NEVER
            self._flush_ordered()
        lost = self._answer_cut or self._some_lost
        self._some_lost = False
        if self._behind_cut or (lost and self._ordered):
            was_response = self._was_response
            self.lose()
            self._was_response = was_response
        if self._doubted:
            self._agreed += self._was_response and self._least == 0
            if self._agreed < TURNS_TO_TRUST:
                self._least += 1
            else:
                self._doubted = False
                self._trusted = True
                self._flush_ordered()
        else:
            self._serial = 0 if self._ordered else self._serial + 1
        self._was_response = False
        waiting = len(self._ordered)
        if not waiting:
            self._burst_at = request.first_at
        elif self._burst_at != request.first_at:
            self._burst_at = NEVER
        if waiting >= MAX_OUTSTANDING:
            self._record(Exchange(self._ordered.popleft(), None))
            self.lose()
        self._ordered.append(request)

    def _response(self, response: Message) -> None:
        self._was_response = True
        self._answer_cut = False
        if self._cut and not self._doubted and not self._ordered and not self._is_sure():
            self.lose()
        first = self._ordered.first()
        if first is not None and response.first_at + REORDERED < first.first_at:
            # No answer begins before its question: the order was lost.
            self.lose()
            self._record(Exchange(None, response))
            return
        if self._doubted:
            if self._least:
                self._least -= 1
            else:
                self._agreed = 0
        timed = not self._doubted and (self._answer_lost == NEVER or response.last_at <= self._answer_lost)
        self._answer_lost = NEVER
        request = self._ordered.popleft() if self._ordered else None
        if request is None and self._train is not None:
            request, timed = self._hidden_request(self._train, None), timed and self._train.sure
        self._answer(request, response, timed, 0)

    def _is_sure(self) -> bool:
        """Return whether what nobody saw asked can only have come with one packet."""
        return self._train is not None and self._train.sure

    def _correlated_response(self, response: Message, correlation: int) -> None:
        request = self._correlated.pop(correlation, None)
        timed = True
        if request is None and self._train is not None and correlation >= 0:
            request, timed = self._hidden_request(self._train, correlation), self._train.sure
        self._answer(request, response, timed, CROSSED)

    def _hidden_request(self, train: Train, correlation: int | None) -> Message:
        """Return the request that nobody saw and that an answer belongs to."""
        if self._owed > 0:
            self._owed -= 1
        return train.request(correlation)

    def _correlate(self, request: Message, correlation: int) -> None:
        replaced = self._correlated.pop(correlation, None)
        if replaced is None and len(self._correlated) >= MAX_OUTSTANDING:
            replaced = self._correlated.pop(next(iter(self._correlated)))
        if replaced is not None:
            self._record(Exchange(replaced, None))
        self._correlated[correlation] = request

    def _answer(self, request: Message | None, response: Message, timed: bool, crossed: Nanoseconds) -> None:
        if request is not None:
            # One that began before its question holds what is left of an earlier answer: its time is not known.
            timed = timed and response.first_at + crossed >= request.first_at and not request.waits
            if request.operation is UNKNOWN_OPERATION is not response.operation:
                request = replace(request, operation=response.operation)
            if response.failed or self._failures is not None:
                self._learn(request, response)
        self._record(Exchange(request, response, timed))

    def _learn(self, request: Message, response: Message) -> None:
        if self._failures is None:
            self._failures = Failures()
        self._failures.learn(request.operation, response)

    def _flush_ordered(self) -> None:
        while self._ordered:
            self._record(Exchange(self._ordered.popleft(), None))
