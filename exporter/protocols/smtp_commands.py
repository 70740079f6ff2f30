"""The client's direction of a SMTP connection: commands, and the messages behind some."""

from exporter.model import Kind, Message, Nanoseconds
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import Match, ParseError
from exporter.protocols.smtp_match import LINE, match_client
from exporter.protocols.smtp_session import (
    CHALLENGED,
    COMMAND,
    CONTENT,
    LAST_CHUNK,
    LOST,
    OPERATIONS,
    OTHER,
    WAITING,
    SmtpSession,
)

MAX_LINE_BYTES = 16 << 10  # RFC 4954 4 allows 12,288
MAX_CHUNK_DIGITS = 12
MAX_STRANGE = 16
PLAIN = frozenset((b"HELO", b"EHLO", b"MAIL", b"RCPT", b"VRFY", b"EXPN", b"HELP", b"NOOP"))
END = b"\r\n.\r\n"
CARRIED = len(END) - 1


class Commands:
    """One direction (`framed.Side`); messages pass unread.

    Attributes:
        skip: how many bytes of a chunk are still to come.
    """

    __slots__ = ("_backlog", "_content", "_session", "_strange", "_tail", "malformed", "seen", "skip")

    def __init__(self, session: SmtpSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._tail = b""  # the last bytes of the message so far, which its end may begin with
        self._content = 0  # how much of it has passed
        self._strange = 0  # commands in a row that nobody knows
        self.malformed = 0
        self.seen = False
        self.skip = 0

    def feed(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        """Append the messages that the next bytes complete."""
        session = self._session
        if session.state == LOST:
            self._backlog.drop()
            if match_client(data) < Match.MAYBE:
                return
            session.state = COMMAND
        buffer = self._backlog.join(data, at)
        position, end = 0, len(buffer)
        while position < end and session.state != LOST:
            if session.state == WAITING:
                # Its answer was not seen, so that it is not known whether a message follows.
                begun = match_client(bytes(buffer[position : position + MAX_LINE_BYTES]))
                if begun is Match.NOT_YET:
                    break
                session.state = CONTENT if begun is Match.NO else COMMAND
            if self.skip:
                reached = position + min(self.skip, end - position)
                self._pass(reached - position, at, out)
            elif session.state == CONTENT:
                reached = self._message(buffer, position, at, out)
            else:
                reached = self._line(buffer, position, at, out)
            if reached == position:
                break
            position = reached
            self._backlog.scanned = 0
        self._backlog.keep(buffer, position, at)

    def gap(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes that passed unseen; the end of a message among them is told by the server's answer."""
        if 0 < size_bytes <= self.skip:
            self._pass(size_bytes, at, out)
        elif self._session.state == CONTENT:
            self._content += size_bytes
            self._tail = b""
        else:
            begun = bytes(self._backlog.held) if self._session.state == COMMAND and size_bytes else b""
            since = self._backlog.since
            self.lose(at, out)
            self._begun(begun, since, out)

    def _begun(self, line: bytes, since: Nanoseconds, out: list[Message]) -> None:
        """Tell of the command whose end was not seen, if it is one by which nothing changes."""
        verb, blank, _ = line[:9].partition(b" ")
        operation = OPERATIONS.get(verb.upper())
        if blank and operation is not None and verb.upper() in PLAIN:
            out.append(Message(Kind.REQUEST, since, since, len(line), operation))
            self._session.asked.append(verb.upper())

    def lose(self, at: Nanoseconds, out: list[Message]) -> None:
        """Look for the next command where a segment begins."""
        self._session.release(self.skip, at, out)
        self._session.forget()
        self._session.state = LOST
        self.skip = 0
        self._backlog.drop()

    def _pass(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Let bytes of a chunk go by."""
        self.skip -= size_bytes
        self._content += size_bytes
        if not self.skip:
            self._session.release(self._content, at, out)

    def _message(self, buffer: bytes | bytearray, start: int, at: Nanoseconds, out: list[Message]) -> int:
        """Look for a message's end; return where it is, or the end of what is there."""
        seam = self._tail + bytes(buffer[start : start + CARRIED])
        across = seam.find(END)
        if across >= 0:
            stop = start + across + len(END) - len(self._tail)
        else:
            found = buffer.find(END, start)
            stop = found + len(END) if found >= 0 else len(buffer)
        self._content += stop - start
        if across < 0 and found < 0:
            self._tail = (self._tail + bytes(buffer[max(start, stop - CARRIED) : stop]))[-CARRIED:]
            return stop
        self._session.release(self._content, at, out)
        self._session.state = COMMAND
        return stop

    def _line(self, buffer: bytes | bytearray, start: int, at: Nanoseconds, out: list[Message]) -> int:
        """Read a line; return where it ends, or `start` if more bytes are needed."""
        scanned = self._backlog.scanned
        stop = buffer.find(b"\n", start + scanned) + 1
        unread = len(buffer) - start
        if not stop:
            if unread > MAX_LINE_BYTES or (not scanned and match_client(bytes(buffer[start:])) is Match.NO):
                return self._endless(buffer, start)
            self._backlog.scanned = unread
            return start
        session = self._session
        if session.state == CHALLENGED:
            session.state = COMMAND
            return stop
        line = bytes(buffer[start : min(stop, start + MAX_LINE_BYTES)])
        since = self._backlog.since if start == 0 else at
        if line.strip():
            self._command(line, stop - start, since, at, out)
        return stop

    def _endless(self, buffer: bytes | bytearray, start: int) -> int:
        unread = len(buffer) - start
        if not self.seen or unread > MAX_LINE_BYTES:
            raise ParseError("an endless line")
        self._backlog.scanned = unread
        return start

    def _command(self, line: bytes, size: int, first_at: Nanoseconds, at: Nanoseconds, out: list[Message]) -> None:
        session = self._session
        verb = b"".join(line[:9].split(None, 1)[:1]).upper()  # none behind many blanks
        operation = OPERATIONS.get(verb, OTHER)
        self._strange = 0 if operation is not OTHER else self._strange + 1
        if self._strange and not (self.seen and self._strange <= MAX_STRANGE and LINE.match(line)):
            raise ParseError("a line that is no command of SMTP")
        self.seen = True
        session.asked.append(verb)
        if verb == b"LHLO":
            session.local = True
        if verb in (b"MAIL", b"RSET"):
            session.recipients = 0
        if verb == b"DATA":
            self._expect(0, WAITING)
            session.hold(operation, first_at, at, size)
        elif verb == b"BDAT" and self._chunk(line):
            last = line.rstrip()[-4:].upper() == b"LAST"
            session.hold(LAST_CHUNK if last else operation, first_at, at, size)
            if not self.skip:
                session.release(0, at, out)
        else:
            out.append(Message(Kind.REQUEST, first_at, at, size, operation))

    def _expect(self, size: int, state: int) -> None:
        """A message begins."""
        self.skip = size
        self._content = 0
        self._tail = b"\r\n"
        self._session.state = state

    def _chunk(self, line: bytes) -> bool:
        """Read the length of the chunk behind a line; return whether there is one."""
        words = line.split(None, 3)
        digits = words[1] if len(words) > 1 else b""
        if not digits.isdigit() or len(digits) > MAX_CHUNK_DIGITS:
            return False
        self._expect(int(digits), COMMAND)
        return True
