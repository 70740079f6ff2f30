"""The command `larimar`."""

import pytest

from toolkit.dispatch import main


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "\n  replay    show what " in shown
    assert "\n  up        run " in shown


def test_no_command_is_a_wrong_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: larimar COMMAND" in capsys.readouterr().out


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dwon"]) == 2
    assert capsys.readouterr().err.startswith("larimar: 'dwon' is not a command\nusage: larimar COMMAND")


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("larimar 0.")


def test_arguments_reach_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["up", "--help"])
    assert caught.value.code == 0
    assert "--prometheus.port PORT" in capsys.readouterr().out
