"""Recording rules of what the detector asks for at each evaluation: `larimar rules`."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from detector.config import same
from detector.model import Seconds, Signal
from detector.signals import SHIPPED, SignalsError, load, with_window
from toolkit.settings import load_or_exit
from toolkit.values import duration_text

PROGRAM = "larimar rules"
HEAD = """\
# Optional. Prometheus works out what the detector asks for as samples arrive, and the detector reads it instead.
# Written by `larimar rules`, which also takes a --query.window and a --signals.file of your own.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """A recording rule: the series that it makes, and the PromQL that it makes it of."""

    record: str
    expression: str


@dataclass(frozen=True, slots=True)
class RulesConfig:
    """Prints recording rules that work out the detector's signals in Prometheus; the detector then reads those."""

    window: float = same("window")
    signals: tuple[Path, ...] = same("signals")


def rules(signals: Sequence[Signal], window: Seconds) -> tuple[Rule, ...]:
    """Return the rules of all signals that are asked for at each evaluation; others are asked for too seldom."""
    made = []
    for signal in signals:
        if not signal.every:
            ending = f"{signal.name}:rate{duration_text(window)}"
            made.append(Rule(f"larimar:signal:{ending}", with_window(signal.query, window)))
            if signal.counts:
                made.append(Rule(f"larimar:signal_events:{ending}", with_window(signal.counts, window)))
    return tuple(made)


def document(signals: Sequence[Signal], window: Seconds) -> str:
    """Return the rules as a file for Prometheus."""
    listed = [{"record": rule.record, "expr": rule.expression} for rule in rules(signals, window)]
    groups = {"groups": [{"name": "larimar-signals", "rules": listed}]}
    return HEAD + yaml.safe_dump(groups, sort_keys=False, width=120)


def main(argv: Sequence[str]) -> int:
    """Run the command; return its exit status: 2 where a setting or a file of signals is wrong."""
    config = load_or_exit(RulesConfig, argv, os.environ, PROGRAM)
    try:
        sys.stdout.write(document(load((SHIPPED, *config.signals)), config.window))
    except SignalsError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 2
    return 0
