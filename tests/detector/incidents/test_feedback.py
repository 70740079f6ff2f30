import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.incidents.feedback import KEPT_SECONDS, MOST, STEP, Feedback, Matcher, Silence, heard, tolerance
from detector.model import SeriesKey

NOW = 1_700_000_000.0
KEYS = (SeriesKey("app", "latency"), SeriesKey("app", "errors"), SeriesKey("web", "latency"))


def silence(name: str = "1", comment: str = "larimar: false", at: float = NOW, **labels: str) -> Silence:
    chosen = labels or {"service_name": "app", "signal": "latency"}
    return Silence(name, comment, at, tuple(Matcher(label, value) for label, value in chosen.items()))


def factors(feedback: Feedback) -> list[float]:
    return list(tolerance(feedback, KEYS))


def test_a_false_alarm_makes_its_series_less_sensitive_and_no_other() -> None:
    assert factors(heard({}, [silence(comment="Nightly job. Larimar: FALSE")], NOW)) == [STEP, 1.0, 1.0]


def test_a_silence_of_all_signals_means_all() -> None:
    assert factors(heard({}, [silence(service_name="app", alertname="LarimarX")], NOW)) == [STEP, STEP, 1.0]


@pytest.mark.parametrize("comment", ["", "maintenance", "larimar: true", "larimar false", "notlarimar: false alarm?"])
def test_other_silences_say_nothing(comment: str) -> None:
    assert heard({}, [silence(comment=comment)], NOW) == {}


def test_a_silence_that_names_no_service_says_nothing() -> None:
    assert heard({}, [silence(signal="latency"), silence(severity="critical")], NOW) == {}


def test_what_is_said_often_counts_more_but_not_without_end() -> None:
    said = [silence(str(number)) for number in range(9)]
    assert factors(heard({}, said[:2], NOW))[0] == pytest.approx(STEP**2)
    assert factors(heard({}, said, NOW))[0] == MOST
    assert factors(heard(heard({}, said[:1], NOW), said[:1], NOW))[0] == STEP


def test_what_alertmanager_has_forgotten_still_counts_for_four_weeks() -> None:
    feedback = heard({}, [silence()], NOW)
    assert heard(feedback, [], NOW + KEPT_SECONDS) == feedback
    assert heard(feedback, [], NOW + KEPT_SECONDS + 1) == {}


def test_a_comment_that_is_changed_takes_it_back() -> None:
    feedback = heard({}, [silence(), silence("2", service_name="web")], NOW)
    assert factors(heard(feedback, [silence(comment="it was real")], NOW)) == [1.0, 1.0, STEP]


def test_a_change_that_makes_another_silence_takes_it_back_too() -> None:
    feedback = heard({}, [silence()], NOW)
    changed = [silence("2", "it was real", at=NOW + 60.0), silence(at=NOW + 60.0)]
    assert heard(feedback, changed, NOW + 60.0) == {}
    # Another silence at another time is no change of the first.
    assert factors(heard(feedback, [silence("2", "maintenance", at=NOW + 61.0), silence()], NOW + 61.0))[0] == STEP


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("app|web", {"app", "web"}),
        ("^(app|web)$", {"app", "web"}),
        (r"my\-app", {"my-app"}),
        (r"a\.b", {"a.b"}),
        ("app.*", set()),
        ("(a+)+", set()),
        (r"\d", set()),
        ("", {""}),
    ],
)
def test_expressions_are_only_taken_where_they_name_plain_values(expression: str, values: set[str]) -> None:
    assert Matcher("service_name", expression, is_regex=True).values() == values


def test_what_is_excluded_names_nothing() -> None:
    assert (
        heard({}, [Silence("1", "larimar: false", NOW, (Matcher("service_name", "app", is_equal=False),))], NOW) == {}
    )


@given(st.text())
def test_any_expression_is_read_without_an_error(expression: str) -> None:
    Matcher("service_name", expression, is_regex=True).values()


def test_nothing_said_changes_nothing() -> None:
    assert np.array_equal(tolerance({}, KEYS), np.ones(3))
