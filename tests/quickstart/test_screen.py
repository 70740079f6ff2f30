"""Drawing: in place on a terminal, rarely elsewhere; and answers that are nonsense."""

import io
from collections.abc import Iterator

import pytest

from quickstart.screen import AnswerError, Screen, Source
from quickstart.summary import Answers, Sample
from toolkit.http1 import Response
from toolkit.server import Server, serve

IDLE = Answers(memory=(Sample({"service_name": "idle"}, 1.0),))
BUSY = Answers(requests=(Sample({"service_name": "shop", "protocol": "http"}, 1.0),), memory=IDLE.memory)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_redrawn_in_place() -> None:
    output = Terminal()
    screen = Screen(output, 60.0)
    screen.show(Answers(), 0.0)
    screen.show(IDLE, 2.0)
    screen.show(IDLE, 4.0)
    assert output.getvalue().startswith("no services yet\n\x1b[1F\x1b[JSERVICE")
    assert output.getvalue().count("\x1b[2F\x1b[J") == 1


def test_elsewhere_it_is_printed_at_intervals_and_for_a_new_server() -> None:
    output = io.StringIO()
    screen = Screen(output, 60.0)
    printed = []
    for now, answers in ((0, Answers()), (2, IDLE), (4, IDLE), (6, BUSY), (8, BUSY), (65, BUSY), (66, BUSY)):
        before = len(output.getvalue())
        screen.show(answers, float(now))
        printed.append(len(output.getvalue()) > before)
    assert printed == [False, True, False, True, False, False, True]
    assert "\x1b" not in output.getvalue()


@pytest.fixture(params=["", "[]", "{}", '{"data": {"result": [{}]}}', '{"data": {"result": [{"metric": 1}]}}', "\0"])
def nonsense(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = serve("127.0.0.1:0", {"/api/": lambda _: Response(request.param.encode(), "application/json")})
    yield server
    server.close()


def test_nonsense_is_one_kind_of_error(nonsense: Server) -> None:
    with pytest.raises(AnswerError):
        Source(nonsense.url, nonsense.url, "30s").answers()


def test_nobody_there_is_the_same_error() -> None:
    with pytest.raises(AnswerError):
        Source("http://127.0.0.1:9", "http://127.0.0.1:9", "30s").answers()
