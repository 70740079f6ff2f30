"""What a lost answer surely was: a failure, where answers of its length to the same question always are one."""

from exporter.model import Message, Operation

MOST_KINDS = 32
NO_FAILURE = None


class Failures:
    """The failures of one connection.

    Answers of the same length to the same operation that did not fail speak against those that did, once and for all.
    """

    __slots__ = ("_statuses",)

    def __init__(self) -> None:
        self._statuses: dict[tuple[Operation, int], str | None] = {}

    def learn(self, operation: Operation, answer: Message) -> None:
        """Remember an answer: a failure, or what speaks against one."""
        kind = operation, answer.size_bytes
        if kind in self._statuses:
            if not answer.failed:
                self._statuses[kind] = NO_FAILURE
            elif self._statuses[kind] not in (answer.status, NO_FAILURE):
                self._statuses[kind] = ""
        elif answer.failed and len(self._statuses) < MOST_KINDS:
            self._statuses[kind] = answer.status

    def status(self, operation: Operation, size_bytes: int) -> str | None:
        """Return the status of answers so long that always failed, empty if that varies; None if there are none."""
        return self._statuses.get((operation, size_bytes), NO_FAILURE)
