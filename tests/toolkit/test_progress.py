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
        "read [##############################] 100 %",
    ]


def test_what_is_under_way_stands_beside_the_bar_as_long_as_it_is() -> None:
    terminal = Terminal()
    progress = Progress(terminal, "read")
    for doing in ("learning 512 series", "", "", "learning"):
        progress(0.5, doing)
    bar = "read [###############               ]  50 %"
    shown = terminal.getvalue().split("\r")[1:]
    assert shown == [f"{bar}, learning 512 series", bar + " " * 21, f"{bar}, learning"]


def test_others_find_the_line_empty_once_it_is_cleared() -> None:
    terminal = Terminal()
    progress = Progress(terminal, "read")
    progress.clear()
    assert terminal.getvalue() == ""
    progress(0.5)
    progress.clear()
    progress.clear()
    assert terminal.getvalue().split("\r")[2:] == [" " * len("read [###############               ]  50 %"), ""]
    progress(0.5)
    assert terminal.getvalue().endswith("\rread [###############               ]  50 %")


def test_a_log_sees_nothing() -> None:
    log = StringIO()
    progress = Progress(log, "read")
    progress(0.5, "learning")
    progress.clear()
    assert log.getvalue() == ""
