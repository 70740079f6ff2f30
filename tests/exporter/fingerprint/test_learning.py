"""The model that is delivered is what the recordings give, and knows engines that it never saw."""

import numpy as np
import pytest

from benchmarks.fitting import Example, fit
from benchmarks.training import examples, judge, likeliest, recorded
from exporter.fingerprint.dimensions import NAMES
from exporter.fingerprint.model import load
from exporter.identity.facts import ServiceClass


def test_the_model_is_learned_from_the_recordings_in_the_tree() -> None:
    delivered, learned = load(), fit(examples(recorded()))

    assert delivered.classes == learned.classes
    assert np.allclose(delivered.weights, learned.weights, atol=1e-3)
    assert np.allclose(delivered.centre, learned.centre, atol=1e-4)


def test_what_tells_two_classes_apart_is_learned_and_what_is_unknown_does_no_harm() -> None:
    size, busy = len(NAMES), NAMES.index("cpu_busy")

    def example(value: float, kind: ServiceClass, engine: str) -> Example:
        vector = np.full(size, np.nan)
        vector[busy] = value
        return Example(vector, kind, engine)

    model = fit(
        [example(0.1 * n, ServiceClass.WEB, f"web-{n}") for n in range(4)]
        + [example(0.6 + 0.1 * n, ServiceClass.BATCH, f"batch-{n}") for n in range(4)]
    )

    idle, working, unknown = ([value if index == busy else np.nan for index in range(size)] for value in (0, 1, np.nan))
    assert likeliest(model, idle) is ServiceClass.WEB
    assert likeliest(model, working) is ServiceClass.BATCH
    assert likeliest(model, unknown) in model.classes


@pytest.mark.long
def test_engines_that_were_left_out_are_classed_right_four_times_in_five() -> None:
    found = judge(recorded())

    assert found.engines >= 60
    assert found.right_ratio >= 0.8
    assert found.right_ratio > 2 * max(found.commonest_ratio, found.port_ratio, found.protocol_ratio)
