"""Mail that Python's client sends to Postfix's sink, by every command that the sink tells and the client's clock."""

import smtplib
from pathlib import Path

import pytest

from tests.live.support import mail, stack
from tests.live.support.agreement import Known, assert_agrees
from tests.live.support.counted import Counted
from tests.live.support.distance import far_away
from tests.live.support.seen import UNSHED, settled
from tests.live.support.stopwatch import Stopwatch

pytestmark = [pytest.mark.long, pytest.mark.timeout(120), pytest.mark.usefixtures("capturing")]
MESSAGES, TIMED = 400, 200


def test_commands_equal_the_servers_own(tmp_path: Path) -> None:
    with stack.exporter(tmp_path, *UNSHED) as exporter, mail.smtp_sink(tmp_path) as sink:
        mail.send(sink.port, MESSAGES)
        own = sink.counts()
        seen = settled(exporter, sink.port, lambda seen: seen.total("larimar_requests_total") >= own["requests"])
    assert seen.service == "smtp-sink"
    assert seen.total("larimar_requests_total", protocol="smtp") == own["requests"], seen.losses()
    assert seen.total("larimar_request_errors_total", protocol="smtp") == own["errors"], seen.losses()
    assert seen.by("operation", "larimar_messages_total", messaging_system="smtp") == {"send": sink.commands()["DATA"]}


def test_commands_take_what_the_client_measures(tmp_path: Path) -> None:
    watch = Stopwatch()
    with (
        stack.exporter(tmp_path, *UNSHED) as exporter,
        mail.smtp_sink(tmp_path) as sink,
        far_away(tmp_path, sink.port) as far,
        smtplib.SMTP("127.0.0.1", far, timeout=30) as client,
    ):
        for _ in range(TIMED):
            with watch.lap():
                client.docmd("NOOP")
        known = Counted(TIMED, 0, watch.median_seconds)
        assert_agrees(exporter, sink.port, Known("smtp-sink", "smtp", known, far))
