"""`larimar up`: the whole stack on this machine, until Ctrl-C."""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from quickstart import debian
from quickstart.children import Child, end_all
from quickstart.config import Config
from quickstart.debian import PackageError
from quickstart.screen import AnswerError, Screen, Source
from quickstart.stack import LOOPBACK, RULES, Program, files, programs
from quickstart.summary import window
from toolkit.settings import load_or_exit

PROGRAM = "larimar up"
_REFRESH_SECONDS = 2.0


class UpError(Exception):
    """The stack cannot be started or did not stay up; says what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; 1 where the stack cannot start or one of it ended, 2 for a wrong setting."""
    config = load_or_exit(Config, sys.argv[1:] if argv is None else argv, os.environ, PROGRAM)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    try:
        up(config, os.environ, stop, sys.stdout)
    except (UpError, PackageError) as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 1
    return 0


def up(config: Config, environ: Mapping[str, str], stop: threading.Event, output: TextIO) -> None:
    """Start everything, show the summary until `stop`, end everything.

    Raises:
        UpError: a port or the folder is taken, or a program ended.
        PackageError: Prometheus or Alertmanager cannot be obtained.
    """
    with _own_folder(config.data.absolute()) as data:
        _check_ports(programs(config, data, "", Path(), Path()))
        if debian.opened(data / "debian", environ).find("alertmanager") is None:
            _say(output, f"unpacking Debian's Prometheus and Alertmanager into {data / 'debian'}, not installing them")
        tree = debian.obtain(("prometheus", "alertmanager"), data / "debian", environ)
        stack = programs(config, data, sys.executable, tree.binary("prometheus"), tree.binary("alertmanager"))
        for file in files(config, data, _rules()):
            file.path.write_text(file.content)
        children: list[Child] = []
        try:
            for program in stack:
                children.append(  # one by one: those before are ended where one fails  # noqa: PERF401
                    Child(program, data / "logs" / f"{program.name}.log", _environment(tree, environ))
                )
            for program in stack:
                _say(output, f"{program.name:<13}{program.url}")
            _say(output, f"data and logs in {data}; Ctrl-C ends everything")
            _watch(config, stack, children, stop, Screen(output, config.summary_seconds))
        except OSError as error:
            raise UpError(str(error)) from error
        finally:
            end_all(children)


def _say(output: TextIO, line: str) -> None:
    output.write(f"{line}\n")
    output.flush()


@contextlib.contextmanager
def _own_folder(data: Path) -> Iterator[Path]:
    try:
        (data / "logs").mkdir(parents=True, exist_ok=True)
        lock = (data / "lock").open("a")
    except OSError as error:
        raise UpError(f"{data}: {error.strerror}; choose another folder with --data") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpError(f"{data}: in use by another larimar up; choose another folder with --data") from None
        yield data


def _check_ports(stack: Sequence[Program]) -> None:
    for program in stack:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one just left is free
            try:
                probe.bind((LOOPBACK, program.port))
            except OSError as error:
                reason = f"{LOOPBACK}:{program.port}: {error.strerror}"
                raise UpError(f"{reason}; choose another port with --{program.name}.port") from error


def _rules() -> list[Path]:
    """Return the rule files that came with the sources, if they did."""
    folder = Path(__file__).resolve().parent.parent / "rules"
    return [folder / name for name in RULES if (folder / name).is_file()]


def _environment(tree: debian.Tree, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the children's environment: settings come as flags only, and no proxy stands before loopback."""
    own = {name: value for name, value in environ.items() if not name.startswith("LARIMAR_")}
    for name in ("NO_PROXY", "no_proxy"):
        own[name] = ",".join(filter(None, (environ.get(name), LOOPBACK)))
    return tree.environment(own)


def _watch(
    config: Config, stack: Sequence[Program], children: Sequence[Child], stop: threading.Event, screen: Screen
) -> None:
    urls = {program.name: program.url for program in stack}
    source = Source(urls["prometheus"], urls["alertmanager"], window(config.scrape_seconds))
    while not stop.wait(_REFRESH_SECONDS):
        for child in children:
            if child.status is not None:
                said = "".join(f"\n  {line}" for line in child.last_lines())
                raise UpError(f"{child.program.name} ended with status {child.status}; {child.log}:{said}")
        # Until they are ready they refuse; whether they live is told by their status above.
        with contextlib.suppress(AnswerError):
            screen.show(source.answers(), time.monotonic())


if __name__ == "__main__":
    sys.exit(main())
