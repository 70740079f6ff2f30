"""One connection: finds out what it speaks, has it parsed, pairs the messages and hands on the exchanges."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from exporter.model import Direction, Exchange, Flow, Message, Nanoseconds
from exporter.net.frames import Frame
from exporter.net.glancing import Glancing
from exporter.net.stream import BLINDLY, End, Stream
from exporter.protocols import turns
from exporter.protocols.base import Family, Match, ParseError, Parser, ProtocolSpec
from exporter.protocols.conjectures import Conjectures
from exporter.protocols.datagrams import DatagramConversation, is_group
from exporter.protocols.detect import Chunk, Recognition, Verdict
from exporter.protocols.lane import Counting, Lane, Turn
from exporter.protocols.pairing import Pairing
from exporter.protocols.recorder import Observer, Recorder
from exporter.protocols.spoken import Spoken
from exporter.protocols.trains import Head

# So many changes of direction may pass before a connection is given up as unknown.
JUDGED_BURSTS = 6
JUDGED_ALONE = 24  # where only one direction is captured
# A connection whose start was not seen, or that lost bytes, may begin to make sense at a later turn.
RETRIED_BURSTS = 32
# How often a connection may turn out to be something else than what it was taken for.
MISTAKES = 3
# What one costs on average, with its parser, its flow and the account that its exchanges go to.
CONVERSATION_BYTES = 1920
SIDES = (Direction.REQUEST, Direction.RESPONSE)


class Conversation(Glancing):
    """Implements `net.stream.Stream` for one TCP connection.

    Nothing that the bytes hold makes it raise: what cannot be parsed is counted with the observer and from then on
    watched as unknown, by its turns.
    """

    __slots__ = (
        "_asked",
        "_conjectures",
        "_counting",
        "_estimates",
        "_fed_at",
        "_fed_side",
        "_flip",
        "_flow",
        "_head",
        "_lane",
        "_mistakes",
        "_observer",
        "_pairing",
        "_parser",
        "_recognition",
        "_recorder",
        "_short",
        "_spec",
        "_specs",
        "_spoken",
        "_turn",
        "_whole",
    )

    def __init__(
        self,
        flow: Flow,
        observer: Observer,
        specs: Sequence[ProtocolSpec],
        spoken: Spoken | None = None,
        estimates: Counter[str] | None = None,
    ) -> None:
        self._flow = flow
        self._estimates: Counter[str] = Counter() if estimates is None else estimates
        self._spoken = Spoken() if spoken is None else spoken
        self._observer = observer
        self._specs = specs
        self._flip = 0  # 1 once the bytes have said that the client is the flow's server
        self._whole = flow.sure  # the connection was seen from its start without a loss
        self._mistakes = 0
        self._fed_side = -1  # the direction and the time of the last bytes
        self._fed_at: Nanoseconds = 0
        self._spec = turns.SPEC
        self._parser: Parser | None = None
        self._recorder: Recorder | None = None
        self._pairing = Pairing(self._record)
        self._lane: Lane | None = None  # the parser, while it is idle and the pairing calm but for what the lane asked
        self._counting: Counting | None = None
        self._turn: Turn | None = None
        self._head: Head | None = None  # of the packet in hand, if the rest of it was not copied
        self._short = False  # that packet comes next
        self._conjectures: Conjectures | None = None
        self._asked = False  # the lane read a request, and no answer yet
        self._recognition: Recognition | None = Recognition(flow, specs, latest_only=not flow.sure)

    def data(self, direction: int, payload: bytes, at: Nanoseconds) -> int:
        """Take the next bytes; return how many further ones of this direction need not be delivered."""
        if self._lane is not None:
            self._leave_lane(self._lane)
        if self._short:
            self._short = False
        elif self._head is not None:
            self._head = None
        self._fed_side = direction
        self._fed_at = at
        self._advance(direction ^ self._flip, payload, at)
        self._find_lane()
        return self._skippable(direction)

    def glance(self, direction: int, frame: Frame) -> bool:
        """Take a frame's payload in place if it is the next half of a common exchange; return whether it was."""
        lane = self._lane
        if lane is None:
            return False
        turn = self._turn
        if turn is None:
            turn = self._turn = Turn()
        if direction == self._flip:
            if self._asked or not lane.ask(frame, turn):
                return False
            turn.asked_at, turn.request_bytes = frame.at, frame.size
            self._asked = True
        else:
            if not self._asked or frame.at < turn.asked_at or not lane.answer(frame, turn):
                return False
            turn.answered_at, turn.response_bytes = frame.at, frame.size
            self._asked = False
            self._pairing.turned()
            assert self._counting is not None
            self._counting.count(turn)
        self._fed_side, self._fed_at = direction, frame.at
        return True

    def _find_lane(self) -> None:
        """See whether what comes next may be read in place."""
        parser, recorder = self._parser, self._recorder
        fit = isinstance(parser, Lane) and isinstance(recorder, Counting) and self._recognition is None
        if not fit or not self._pairing.calm():
            return
        assert isinstance(parser, Lane)
        assert isinstance(recorder, Counting)
        lane, counting = parser, recorder  # of their own types where this is compiled
        if lane.idle():
            self._lane, self._counting = lane, counting

    def _leave_lane(self, lane: Lane) -> None:
        """Have the parser and the pairing know all that was read in place."""
        self._lane = self._counting = None
        if self._asked:
            self._asked = False
            assert self._turn is not None
            self._pairing.take(lane.resume(self._turn))

    def gap(self, direction: int, size_bytes: int, at: Nanoseconds) -> int:
        """Account for bytes that passed unseen; a size of 0 says that an unknown number of packets was lost."""
        if self._lane is not None:
            self._leave_lane(self._lane)
        # What is missing at the time of the last bytes is the rest of their packet, of which only the head was copied.
        self._miss(direction ^ self._flip, size_bytes, at, direction == self._fed_side and at == self._fed_at)
        self._head = None
        return self._skippable(direction)

    def shorten(self, size_bytes: int) -> None:
        """Take note that of the packet to come next no more than its head was copied."""
        self._head = Head(size_bytes, self._pairing.idle() and not self._asked)
        self._short = True

    def unheard(self, direction: int, size_bytes: int, at: Nanoseconds) -> None:
        """Account for bytes of a direction that is not captured: only what is paired by turns learns from them."""
        if self._parser is None and self._recognition is not None:
            self._recognition.unheard(direction, size_bytes, at)
        elif self._spec is turns.SPEC:
            self._overhear(direction ^ self._flip, size_bytes, at)

    def end(self, reason: End, at: Nanoseconds) -> None:
        """Take leave: what is still outstanding will not be answered."""
        if self._lane is not None:
            self._leave_lane(self._lane)
        if self._parser is None and self._recognition is not None and self._recognition.chunks:
            self._settle(self._recognition, at)
        self._leave(at)

    def _miss(self, side: int, size_bytes: int, at: Nanoseconds, is_tail: bool) -> None:
        if self._recognition is not None:
            self._whole = False
            self._recognition = self._recognition.missed(self._flow, side, size_bytes, at, is_tail)
        parser = self._parser
        if parser is None:
            return
        harmless = 0 < size_bytes <= parser.skippable(SIDES[side]) or self._spec is turns.SPEC
        head, self._head = self._head, None
        told_by_head = head is not None and is_tail and self._spec.heads_tell
        alone = side != 0 and head is None and self._pairing.single()
        if not harmless:
            self._whole = False
            if not told_by_head:
                self._doubt(side, size_bytes, at if is_tail else at - 1)
        measure = self._spec.trains
        if harmless or head is None or measure is None:
            self._take_begun(parser.gap(SIDES[side], size_bytes, at), harmless)
        else:
            known = measure(parser, SIDES[side])
            begun = head.named(parser.gap(SIDES[side], size_bytes, at))
            self._take_begun(begun, False)
            if is_tail:
                if self._conjectures is None:
                    self._conjectures = Conjectures(self._pairing, self._estimates)
                self._conjectures.tell(self._spec, side, head.behind(begun, known, size_bytes, at))
        if alone and not harmless:
            self._pairing.presume(size_bytes)
        elif told_by_head and not harmless:
            self._pairing.cut(side == SIDES[0])
        rest = parser.left()
        if rest is not None and self._parser is parser:
            self._begin_anew(side, rest, at)

    def _doubt(self, side: int, size_bytes: int, since: Nanoseconds) -> None:
        """Tell the pairing of a loss."""
        if side and size_bytes:
            self._pairing.lose_answer(since)
        else:
            self._pairing.lose()

    def _advance(self, side: int, payload: bytes, at: Nanoseconds) -> None:
        if self._recognition is None:
            self._parse(side, payload, at)
        else:
            self._recognise(self._recognition, side, payload, at)

    def _recognise(self, recognition: Recognition, side: int, payload: bytes, at: Nanoseconds) -> None:
        verdict = recognition.add(side, payload, at)
        if verdict.match is Match.YES:
            self._adopt(recognition, verdict, at)
            self._spoken.remember(self._flow.server, self._spec)
        elif self._parser is None:
            hopeless = verdict.match is Match.NO and recognition.mutual()
            patience = JUDGED_BURSTS if recognition.mutual() else JUDGED_ALONE
            if hopeless or recognition.bursts >= patience or recognition.full(side):
                self._settle(recognition, at)
        else:
            self._parse(side, payload, at)
            if recognition.bursts >= RETRIED_BURSTS:
                self._recognition = None

    def _adopt(self, recognition: Recognition, verdict: Verdict, at: Nanoseconds) -> None:
        """Parse the connection, from what is held on, by the protocol that the bytes told."""
        assert verdict.spec is not None
        self._close(at)
        self._recognition = None
        self._spec = verdict.spec
        self._parser = verdict.spec.parser()
        if verdict.swapped:
            self._flip ^= 1
            self._flow = replace(self._flow, client=self._flow.server, server=self._flow.client)
        self._recorder = self._observer.recognised(self._flow, verdict.spec.name)
        self._replay_all(recognition.chunks, int(verdict.swapped))

    def _settle(self, recognition: Recognition, at: Nanoseconds) -> None:
        """Make up one's mind with what there is.

        That is a likely protocol on its own port or where others surely spoke it, or the unknown.
        """
        verdict = recognition.verdict
        if verdict.match is Match.MAYBE and not verdict.hinted:
            verdict = recognition.judged(self._spoken.of(self._flow.server), verdict)
        if verdict.match is Match.MAYBE and verdict.hinted:
            self._adopt(recognition, verdict, at)
            return
        self._parser = turns.SPEC.parser()
        self._recognition = None
        self._replay_all(recognition.chunks, 0)
        if not self._whole:
            self._recognition = recognition

    def _replay_all(self, chunks: Sequence[Chunk], swapped: int) -> None:
        latest = self._head  # the packet in hand is the last chunk
        for chunk, following in zip_longest(chunks, chunks[1:]):
            if following is None:
                self._head = latest
            elif following.lost and not following.unheard:
                self.shorten(len(chunk.payload))
                self._short = False
            self._replay(chunk, chunk.direction ^ swapped)

    def _replay(self, chunk: Chunk, side: int) -> None:
        """Take what was held while the protocol was not known."""
        if chunk.unheard:
            self._overhear(side, chunk.lost, chunk.at)
        elif chunk.lost:
            self._miss(side, chunk.lost, chunk.at, True)
        else:
            self._advance(side, chunk.payload, chunk.at)

    def _overhear(self, side: int, size_bytes: int, at: Nanoseconds) -> None:
        if isinstance(self._parser, turns.TurnParser):
            self._take(self._parser.unheard(SIDES[side], size_bytes, at))

    def _parse(self, side: int, payload: bytes, at: Nanoseconds) -> None:
        parser = self._parser
        assert parser is not None
        try:
            self._take(parser.feed(SIDES[side], payload, at))
        except ParseError:
            self._disown(side, payload, at)
            return
        rest = parser.left()
        if rest is not None:
            self._begin_anew(side, rest, at)

    def _disown(self, side: int, payload: bytes, at: Nanoseconds) -> None:
        """The bytes are not what they were taken for."""
        self._observer.unparsable(self._flow, self._spec.name)
        self._close(at)
        self._mistakes += 1
        self._spec = turns.SPEC
        self._parser = turns.SPEC.parser()
        if not self._whole and self._mistakes < MISTAKES:
            self._recognition = self._fresh_recognition()
        self._parse(side, payload, at)

    def _begin_anew(self, side: int, rest: bytes, at: Nanoseconds) -> None:
        """The connection goes on in another protocol."""
        self._leave(at)
        self._spec = turns.SPEC
        self._parser = None
        self._recognition = self._fresh_recognition()
        if rest:
            self._advance(side, rest, at)

    def _fresh_recognition(self) -> Recognition:
        """Return one that takes the sides for known, as the parser that was left or disowned knew them."""
        return Recognition(replace(self._flow, sure=True), self._specs, latest_only=not self._whole)

    def _leave(self, at: Nanoseconds) -> None:
        if self._parser is not None:
            self._take(self._parser.finish(at))
        self._close(at)

    def _close(self, at: Nanoseconds) -> None:
        self._pairing.finish()
        if self._recorder is not None:
            self._recorder.close(at)
            self._recorder = None

    def _skippable(self, direction: int) -> int:
        if self._parser is None or self._recognition is not None:
            return 0
        if self._spec.family is Family.GUESSED:
            return BLINDLY
        return self._parser.skippable(SIDES[direction ^ self._flip])

    def _take(self, messages: Sequence[Message]) -> None:
        if self._head is not None:
            self._head.whole.extend(message for message in messages if message.first_at == self._fed_at)
        if self._conjectures is None:
            for message in messages:
                self._pairing.take(message)
        else:
            self._take_begun(messages, True)

    def _take_begun(self, messages: Sequence[Message], ended: bool) -> None:
        """Take messages of a gap; from the length of one whose end is not known nothing is to be learnt."""
        for message in messages:
            self._pairing.take(message)
            if ended and self._conjectures is not None:
                self._conjectures.note(self._spec, message)

    def _record(self, exchange: Exchange) -> None:
        if self._recorder is None:
            self._recorder = self._observer.recognised(self._flow, self._spec.name)
        self._recorder.record(exchange)


class Conversations:
    """Implements `net.stream.Opener`: one conversation for each TCP connection or UDP flow.

    Args:
        observer: told of each connection once its protocol is known.
        specs: the protocols to look for, in the order of detection.

    Attributes:
        estimates: protocol -> messages that only the lengths of packets tell of, which were not copied whole.
    """

    def __init__(self, observer: Observer, specs: Sequence[ProtocolSpec]) -> None:
        self._observer = observer
        self._streamed = tuple(spec for spec in specs if "tcp" in spec.transports)
        self._datagrams = tuple(spec for spec in specs if "udp" in spec.transports)
        self._spoken = Spoken()
        self.estimates: Counter[str] = Counter()

    def __call__(self, flow: Flow, at: Nanoseconds) -> Stream | None:
        """Return the consumer of a new connection or flow; None for what is said to a group, which nobody answers."""
        if flow.transport == "tcp":
            return Conversation(flow, self._observer, self._streamed, self._spoken, self.estimates)
        if is_group(flow.server.address) or is_group(flow.client.address):
            return None
        return DatagramConversation(flow, self._observer, self._datagrams)
