"""The server's direction of a SMTP connection: replies of three digits, of one line or several."""

from exporter.model import Kind, Message, Nanoseconds
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError
from exporter.protocols.smtp_match import ASSIGNED, REPLY
from exporter.protocols.smtp_session import CHALLENGED, COMMAND, CONTENT, LOST, WAITING, SmtpSession

MAX_LINE_BYTES = 8 << 10
GREETING, CHALLENGE, GO_AHEAD, REFUSED = 220, 334, 354, 400


class Replies:
    """One direction (`framed.Side`)."""

    __slots__ = ("_backlog", "_code", "_first_at", "_lost", "_session", "_size", "malformed", "seen", "skip")

    def __init__(self, session: SmtpSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._first_at: Nanoseconds = 0
        self._code = 0
        self._size = 0  # of the reply's lines so far
        self._lost = False
        self.malformed = 0
        self.seen = False
        self.skip = 0

    def feed(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        """Append the messages that the next bytes complete."""
        if self._lost:
            if not ASSIGNED.match(data):
                return
            self._lost = False
        buffer = self._backlog.join(data, at)
        position, end = 0, len(buffer)
        while position < end:
            stop = self._backlog.line_end(buffer, position, MAX_LINE_BYTES) + 1
            if not stop:
                break
            since = self._backlog.since if position == 0 else at
            self._line(bytes(buffer[position : position + 4]), stop - position, since, at, out)
            position = stop
        self._backlog.keep(buffer, position, at)

    def gap(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes that passed unseen; a reply of which the code was seen ends among them."""
        held = bytes(self._backlog.held[:4])
        if self._size or (size_bytes and len(held) == 4 and REPLY.match(held)):
            self._first_at = self._first_at if self._size else self._backlog.since
            self._size += len(self._backlog.held) + size_bytes
            self._reply(int(held[:3]) if len(held) == 4 and REPLY.match(held) else self._code, at, out)
            if len(self._session.asked) < 2:  # no other one may be among them
                self._lose()
                return
        self.lose(at, out)

    def lose(self, at: Nanoseconds, out: list[Message]) -> None:
        """Look for the next reply where a segment begins."""
        self._lose()
        self._session.forget()

    def _lose(self) -> None:
        self._lost = True
        self._size = 0
        self._backlog.drop()

    def _line(self, line: bytes, size: int, first_at: Nanoseconds, at: Nanoseconds, out: list[Message]) -> None:
        if not REPLY.match(line):
            raise ParseError("a line that is no reply of SMTP")
        self.seen = True
        if not self._size:
            self._first_at = first_at
        self._size += size
        self._code = int(line[:3])
        if line[3:4] != b"-":
            self._reply(self._code, at, out)
            self._size = 0

    def _reply(self, code: int, at: Nanoseconds, out: list[Message]) -> None:
        session = self._session
        if code in (GO_AHEAD, CHALLENGE):
            if session.state != LOST:
                session.state = CONTENT if code == GO_AHEAD else CHALLENGED
            return
        asked = session.asked[0] if session.asked else b""
        if code == GREETING and asked != b"STARTTLS":
            return
        if session.local and not session.parts and asked == b"DATA" and session.held is None:
            session.parts = session.recipients
        if session.parts > 1:  # of several replies to one message
            session.parts -= 1
            session.worst = max(session.worst, code)
            return
        code = max(code, session.worst)
        session.parts = session.worst = 0
        if asked:
            session.asked.popleft()
        if asked == b"STARTTLS" and code == GREETING:
            session.secured = True
        if asked == b"RCPT" and code < REFUSED:
            session.recipients += 1
        if asked in (b"DATA", b"BDAT"):
            self._judged(at, out)
        out.append(Message(Kind.RESPONSE, self._first_at, at, self._size, status=str(code), failed=code >= REFUSED))

    def _judged(self, at: Nanoseconds, out: list[Message]) -> None:
        """The server has said what becomes of a message, which is over then, also where its end was not seen."""
        session = self._session
        if session.held is not None:
            session.release(0, session.held.last_at, out)
            # Refused before it began, commands follow; in its midst, nobody knows where it ends.
            session.state = COMMAND if session.state == WAITING else LOST
