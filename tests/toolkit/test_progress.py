from io import StringIO

from toolkit.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_a_bar_that_grows_to_its_end() -> None:
    terminal = Terminal()
    progress = Progress(terminal, "read")
    for share in (0.0, 0.5, 0.5, 1.0, 7.0):
        progress(share)
    shown = terminal.getvalue().split("\r")[1:]
    assert shown == [
        "read [                              ]   0 %",
        "read [###############               ]  50 %",
        "read [##############################] 100 %\n",
    ]


def test_a_log_sees_nothing() -> None:
    log = StringIO()
    Progress(log, "read")(0.5)
    assert log.getvalue() == ""
