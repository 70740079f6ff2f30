"""The command `larimar-detector`."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence

from detector.app import run
from detector.clients.endpoint import CredentialsError
from detector.config import Config
from detector.learning.pools import PoolError
from detector.signals import SignalsError
from toolkit.logs import configure
from toolkit.memory import keep_apart, keep_together
from toolkit.server import ServeError
from toolkit.settings import load_or_exit
from toolkit.title import show_as

PROGRAM = "larimar-detector"
log = logging.getLogger(PROGRAM)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the detector until it is stopped; return 2 for a wrong setting, 1 where it cannot start."""
    config = load_or_exit(Config, sys.argv[1:] if argv is None else argv, os.environ, PROGRAM)
    configure(config.log_level, config.log_format)
    keep_together()
    keep_apart()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(config, stop)
    except (SignalsError, CredentialsError, PoolError) as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 2
    except (ServeError, OSError) as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    show_as(PROGRAM)  # else `python -m detector` is a nameless python to everybody
    sys.exit(main())
