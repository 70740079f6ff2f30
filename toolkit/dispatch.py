"""The command `larimar`: runs the commands that the distribution's parts provide."""

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from toolkit.version import version

GROUP = "larimar.commands"
# Here, as only the commands' metadata is read for the help: importing them all takes a second.
SUMMARIES = {
    "backtest": "show the alerts that past data would have caused",
    "doctor": "check what the exporter may see on this host, and how to let it see more",
    "replay": "show what the exporter would have learned from a packet capture",
    "rules": "print recording rules that work out the detector's signals in Prometheus",
    "up": "run the exporter, the detector, Prometheus and Alertmanager on this machine",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `larimar COMMAND ...`; return its exit status, 2 where there is no such command."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    commands = {entry.name: entry for entry in entry_points(group=GROUP)}
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help", "help"):
        sys.stdout.write(usage(commands))
        return 0 if arguments else 2
    if name == "--version":
        sys.stdout.write(f"larimar {version()}\n")
        return 0
    if name not in commands:
        sys.stderr.write(f"larimar: {name!r} is not a command\n{usage(commands)}")
        return 2
    return _loaded(commands[name])(arguments[1:])


def usage(commands: Sequence[str] | dict[str, EntryPoint]) -> str:
    """Return the help text: every command with its summary."""
    listed = "".join(f"  {name:10}{SUMMARIES.get(name, '')}".rstrip() + "\n" for name in sorted(commands))
    return f"usage: larimar COMMAND [ARGUMENT ...]\n\ncommands:\n{listed}\nRun `larimar COMMAND --help` for more.\n"


def _loaded(entry: EntryPoint) -> Callable[[Sequence[str]], int]:
    return cast(Callable[[Sequence[str]], int], entry.load())
