"""Fits the classes' weights: softmax regression with a penalty on large weights, by gradient descent."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.fingerprint.model import Model
from exporter.identity.facts import ServiceClass

Floats = NDArray[np.float64]
PENALTY = 0.02
STEPS, STEP = 1500, 0.5
_LEAST_SCALE = 0.05  # of a dimension that hardly ever differs


@dataclass(frozen=True, slots=True)
class Example:
    """One fingerprint and what it is of.

    Attributes:
        vector: shape (dimensions,), NaN where not known.
        engine: examples of one engine weigh as much together as those of any other of its class.
    """

    vector: Floats
    kind: ServiceClass
    engine: str


def fit(examples: Sequence[Example], penalty: float = PENALTY) -> Model:
    """Return the model of all classes among the examples; every class weighs the same."""
    vectors = np.array([example.vector for example in examples])
    known = np.isfinite(vectors)
    counts = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, vectors, 0.0).sum(axis=0) / counts
    spread = np.sqrt((np.where(known, vectors - centre, 0.0) ** 2).sum(axis=0) / counts)
    scale = np.maximum(spread, _LEAST_SCALE)
    inputs = np.nan_to_num((vectors - centre) / scale)
    classes = sorted({example.kind for example in examples})
    targets = np.array([[float(example.kind is kind) for kind in classes] for example in examples])
    weights, bias = _descend(inputs, targets, _shares(examples), penalty)
    return Model(
        tuple(centre.tolist()),
        tuple(scale.tolist()),
        tuple(classes),
        tuple(tuple(row) for row in weights.T.tolist()),
        tuple(bias.tolist()),
    )


def _shares(examples: Sequence[Example]) -> Floats:
    """Return how much each example weighs; shape (examples,), adding up to 1."""
    engines = {kind: {one.engine for one in examples if one.kind is kind} for kind in {one.kind for one in examples}}
    counts = {(one.kind, one.engine): 0 for one in examples}
    for one in examples:
        counts[one.kind, one.engine] += 1
    shares = np.array([1 / len(engines) / len(engines[one.kind]) / counts[one.kind, one.engine] for one in examples])
    total: float = shares.sum()
    return np.asarray(shares / total)


def _descend(inputs: Floats, targets: Floats, shares: Floats, penalty: float) -> tuple[Floats, Floats]:
    """Return weights, shape (dimensions, classes), and bias, shape (classes,)."""
    weights = np.zeros((inputs.shape[1], targets.shape[1]))
    bias = np.zeros(targets.shape[1])
    pace, pace_bias = np.zeros_like(weights), np.zeros_like(bias)
    for _ in range(STEPS):
        scores = inputs @ weights + bias
        scores -= scores.max(axis=1, keepdims=True)
        likely = np.exp(scores)
        likely /= likely.sum(axis=1, keepdims=True)
        wrong = (likely - targets) * shares[:, None]
        pace = 0.9 * pace - STEP * (inputs.T @ wrong + penalty * weights / targets.shape[1])
        pace_bias = 0.9 * pace_bias - STEP * wrong.sum(axis=0)
        weights, bias = weights + pace, bias + pace_bias
    return weights, bias
