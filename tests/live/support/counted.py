"""What the servers themselves counted."""

import contextlib
import re
import statistics
from dataclasses import dataclass
from pathlib import Path

from tests.live.support import resp
from tests.live.support.waiting import until

LOGGED_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Counted:
    """A server's own figures.

    Attributes:
        requests: answered, failed ones included.
        errors: of these, failed ones.
        median_seconds: of the time that it took for one; NaN where it does not say.
    """

    requests: int
    errors: int
    median_seconds: float


def by_access_log(access_log: Path, unit_seconds: float = 1.0, requests: int = 0) -> Counted:
    """Count an access log of lines `status time`, the time in a unit of so many seconds.

    Servers write a line after the answer, so that the last ones may be missing when the client has all: where it is
    known how many there must be they are waited for.
    """
    with contextlib.suppress(TimeoutError):  # what is missing is for the assertions to say
        until(lambda: access_log.read_text().count("\n") >= requests, LOGGED_SECONDS, "")
    lines = [line.split() for line in access_log.read_text().splitlines()]
    failed = sum(int(status) >= 400 for status, _ in lines)
    return Counted(len(lines), failed, unit_seconds * statistics.median(float(took) for _, took in lines))


def by_redis(port: int) -> Counted:
    """Ask INFO and SLOWLOG, which has to have been told to keep everything."""
    with resp.Connection(port) as connection:
        commands, errors, slow = connection.pipeline(
            [("INFO", "commandstats"), ("INFO", "errorstats"), ("SLOWLOG", "GET", -1)]
        )
    assert isinstance(commands, bytes)
    assert isinstance(errors, bytes)
    assert isinstance(slow, list)
    # A command that is unknown or has too few words is refused before it counts as a call.
    called = re.findall(r"calls=(\d+),usec=\d+,[^\n]*rejected_calls=(\d+)", commands.decode())
    unknown = re.findall(r"errorstat_ERR:count=(\d+)", errors.decode())
    failed = re.findall(r"errorstat_\w+:count=(\d+)", errors.decode())
    microseconds = [entry[2] for entry in slow if isinstance(entry, list)]
    requests = sum(int(number) for pair in called for number in pair)
    return Counted(
        requests + sum(map(int, unknown)) - sum(int(refused) for _, refused in called),
        sum(map(int, failed)),
        statistics.median(one for one in microseconds if isinstance(one, int)) / 1e6,
    )


def by_postgresql(log: Path) -> Counted:
    """Count a log of every statement's duration and of every error."""
    text = log.read_text()
    # Parsing and binding are logged beside the execution that they belong to.
    took = [float(found) for found in re.findall(r"duration: ([\d.]+) ms  (?:statement|execute)", text)]
    failed = len(re.findall(r"^ERROR: ", text, re.MULTILINE))
    return Counted(len(took) + failed, failed, statistics.median(took) / 1e3)
