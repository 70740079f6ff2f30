"""`larimar backtest`: what the detector would have said about a Prometheus's past, or about series in CSV files."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from detector.backtest.config import BacktestConfig
from detector.backtest.files import tell_files
from detector.backtest.past import tell_past
from detector.backtest.series import SeriesError
from detector.clients.endpoint import CredentialsError
from detector.clients.prometheus import QueryError
from detector.learning.pools import PoolError
from detector.signals import SignalsError
from toolkit.progress import Progress
from toolkit.settings import load_or_exit

PROGRAM = "larimar backtest"
USAGE = """
  larimar backtest [--json] [--pictures DIR] FILE...
  larimar backtest [--json] [--pictures DIR] --prometheus.url URL [--since 7d] [flag...]
"""
ABOUT = """
FILE is a CSV file with the columns timestamp (ISO 8601, or seconds since the epoch) and value. Other flags are those
of larimar-detector: --prometheus.*, --alert-budget, --evaluation.interval, --query.window, --history.*, --fit.*,
--signals.file, --shard, --series.limit.
"""


def main(argv: Sequence[str]) -> int:
    """Run the command; return its exit status: 1 where something could not be read, 2 where it cannot start."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage=USAGE,
        description=__doc__,
        epilog=ABOUT,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one object per point or alert and line")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="folder for SVG drawings of the findings")
    options, rest = parser.parse_known_args(argv)
    progress = Progress(sys.stderr, "replayed")
    of_files = bool(rest) and not any(argument.startswith("-") for argument in rest)
    mixed = [] if of_files else [argument for argument in rest if argument.endswith(".csv")]
    if mixed:
        parser.error(f"{mixed[0]}: with files, there are no flags but --json and --pictures")
    try:
        if options.pictures is not None:
            options.pictures.mkdir(parents=True, exist_ok=True)
        if of_files:
            tell_files([*map(Path, rest)], options.json, options.pictures, sys.stdout, progress)
        else:
            config = load_or_exit(BacktestConfig, rest, os.environ, PROGRAM)
            tell_past(config, options.json, options.pictures, sys.stdout, progress)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it has enough; Python would complain again when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (SignalsError, CredentialsError, PoolError) as error:
        progress.clear()
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 2
    except (OSError, SeriesError, QueryError) as error:
        progress.clear()
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 1
    return 0
