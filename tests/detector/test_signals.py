from pathlib import Path

import pytest

from detector.model import Bad, Severity, Symptom
from detector.signals import SHIPPED, SignalsError, load, with_window

ENTRY = """
checkouts:
  query: sum by (service_name) (rate(checkouts_total[$window]))
  unit: checkouts per second
  bad: down
  kind: rate
  silence: true
  priority: 5
  floor: 0.1
  meaning: People buy less.
  advice: Look at the payment provider.
"""


def test_shipped_signals_load_in_order_of_priority() -> None:
    signals = load((SHIPPED,))
    assert {"requests", "errors", "latency", "processes"} <= {signal.name for signal in signals}
    assert [signal.priority for signal in signals] == sorted(signal.priority for signal in signals)


def test_an_own_signal_joins_the_shipped_ones(tmp_path: Path) -> None:
    own = tmp_path / "own.yml"
    own.write_text(ENTRY)
    signal = load((SHIPPED, own))[0]
    assert (signal.name, signal.bad, signal.symptom, signal.severity) == (
        "checkouts",
        Bad.DOWN,
        Symptom.HARM,
        Severity.WARNING,
    )


def test_an_own_signal_replaces_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    own = tmp_path / "own.yml"
    own.write_text(ENTRY.replace("checkouts:", "requests:"))
    signals = load((SHIPPED, own))
    assert [signal.unit for signal in signals if signal.name == "requests"] == ["checkouts per second"]


@pytest.mark.parametrize(("window", "expected"), [(120.0, "[120s]"), (2.5, "[2500ms]")])
def test_the_window_is_filled_in_as_promql_takes_it(window: float, expected: str) -> None:
    assert with_window("rate(x[$window])", window) == f"rate(x{expected})"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("  floor: 0.1", "  flor: 0.1"), "checkouts.flor: unknown key"),
        (("  floor: 0.1\n", ""), "checkouts.floor: missing"),
        (("  floor: 0.1", "  floor: 0"), "checkouts.floor: must be above zero"),
        (("  floor: 0.1", "  floor: nan"), "checkouts.floor: 'nan' is not finite"),
        (("bad: down", "bad: sideways"), "checkouts.bad: must be one of up, down, both"),
        (("priority: 5", "priority: 5\n  history: long"), "checkouts.history: 'long' is not a duration"),
        (("silence: true", "silence: perhaps"), "checkouts.silence:"),
        (("priority: 5", "priority: first"), "checkouts.priority:"),
        (("  query: sum by (service_name) (rate(checkouts_total[$window]))", "  query: ''"), "checkouts.query:"),
        (("$window", "$interval"), "checkouts.query: knows no variables but $window and $services"),
        (("meaning: People buy less.", "meaning: [a, b]"), "checkouts.meaning: must be text"),
        (("checkouts:", "Check-outs:"), "a signal's name"),
        (("checkouts:\n", "checkouts: 1\nmore:\n"), "checkouts: must hold the keys"),
        ((ENTRY, "- a list"), "must hold signals by their names"),
        ((ENTRY, ""), "must hold signals by their names"),
        ((ENTRY, "a: [unclosed"), "line"),
        ((ENTRY, ENTRY + ENTRY), "given twice"),
    ],
)
def test_a_bad_file_is_refused_by_file_key_and_reason(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    own = tmp_path / "own.yml"
    own.write_text(ENTRY.replace(*change))
    with pytest.raises(SignalsError) as caught:
        load((own,))
    assert str(own) in str(caught.value)
    assert complaint in str(caught.value)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SignalsError, match=r"absent\.yml"):
        load((tmp_path / "absent.yml",))
