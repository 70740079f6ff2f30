"""The command `larimar-exporter`.

Exit status: 0 after SIGTERM or SIGINT; 1 where it cannot serve, or see anything at all, such as where the address is
taken; 2 where a setting cannot be used. Either error is one line on standard error.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Sequence

from exporter.app import App
from exporter.config import Config
from toolkit.logs import configure
from toolkit.memory import give_back, keep_together
from toolkit.server import ServeError
from toolkit.settings import load_or_exit
from toolkit.title import show_as

PROGRAM = "larimar-exporter"


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop; return the exit status."""
    config = load_or_exit(Config, sys.argv[1:] if argv is None else argv, os.environ, PROGRAM)
    configure(config.log_level, config.log_format)
    keep_together()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        app = App(config)
    except (ServeError, OSError) as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 1
    gc.collect()
    gc.freeze()  # what there is by now stays: the search for cycles need not go through it
    give_back()  # reading the kernel's types took some megabytes
    try:
        app.run(stop)
    finally:
        app.close()
    return 0


if __name__ == "__main__":
    show_as(PROGRAM)  # else `python -m exporter` is a nameless python to everybody
    sys.exit(main())
