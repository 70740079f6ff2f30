"""What the two directions of a SMTP connection must know of each other, and its commands."""

from collections import deque

from exporter.model import Kind, Message, Nanoseconds, Operation

VERBS = (
    "HELO EHLO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT AUTH STARTTLS VRFY EXPN HELP ETRN TURN ATRN XCLIENT XFORWARD "
    "BURL SEND SOML SAML"
)
OPERATIONS = {verb.encode(): Operation(verb) for verb in VERBS.split()}
OTHER = Operation("OTHER")
LAST_CHUNK = Operation("BDAT LAST")
MAX_ASKED = 1024

# What the client's next bytes are: commands, an answer to a challenge, a message; or it depends on what the server
# says to `DATA`; or nobody knows before a segment begins with a command.
COMMAND, CHALLENGED, CONTENT, WAITING, LOST = range(5)


class SmtpSession:
    """The state of the connection.

    Attributes:
        state: what the client's next bytes are.
        asked: the commands without an answer so far, in order; not all of them after a loss.
        held: the command whose message is still to come, as it is to be told.
        local: the client speaks LMTP, so that a message is answered once for each of its recipients.
        recipients: how many the server accepted for the message to come.
        parts: how many answers to the last message are still to come; its worst one is told then.
        secured: the server agreed to encryption.
    """

    __slots__ = ("asked", "held", "local", "parts", "recipients", "secured", "state", "worst")

    def __init__(self) -> None:
        self.state = COMMAND
        self.asked: deque[bytes] = deque(maxlen=MAX_ASKED)
        self.held: Message | None = None
        self.local = False
        self.recipients = 0
        self.parts = 0
        self.worst = 0
        self.secured = False

    def hold(self, operation: Operation, first_at: Nanoseconds, last_at: Nanoseconds, size: int) -> None:
        """Wait for the message behind a command."""
        self.held = Message(Kind.REQUEST, first_at, last_at, size, operation)

    def release(self, size: int, at: Nanoseconds, out: list[Message]) -> None:
        """Tell the command whose message is over, so many bytes later."""
        held = self.held
        if held is not None:
            self.held = None
            out.append(Message(Kind.REQUEST, held.first_at, at, held.size_bytes + size, held.operation))

    def forget(self) -> None:
        """Commands or answers were lost."""
        self.asked.clear()
        self.parts = 0
