"""The learned classes: a softmax regression over fingerprints, read from a file that `benchmarks.training` writes."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.fingerprint.dimensions import NAMES, Vector
from exporter.identity.facts import ServiceClass

FILE = Path(__file__).with_name("classes.json")


class ModelError(Exception):
    """A model file cannot be used; says why."""


@dataclass(frozen=True, slots=True)
class Model:
    """Weights by class and dimension.

    Attributes:
        centre, scale: shape (dimensions,), of what was learned from; an unknown dimension lies at the centre.
        classes: shape (classes,).
        weights: shape (classes, dimensions).
        bias: shape (classes,).
    """

    centre: Sequence[float]
    scale: Sequence[float]
    classes: Sequence[ServiceClass]
    weights: Sequence[Sequence[float]]
    bias: Sequence[float]

    def probabilities(self, found: Vector) -> Mapping[ServiceClass, float]:
        """Return how likely each class is; they add up to 1."""
        inputs = [
            0.0 if value is None else (value - centre) / scale
            for value, centre, scale in zip(found, self.centre, self.scale, strict=True)
        ]
        scores = [
            bias + sum(weight * value for weight, value in zip(weights, inputs, strict=True))
            for bias, weights in zip(self.bias, self.weights, strict=True)
        ]
        most = max(scores)
        powers = [math.exp(score - most) for score in scores]
        total = sum(powers)
        return {kind: power / total for kind, power in zip(self.classes, powers, strict=True)}


def load(file: Path = FILE) -> Model:
    """Read a model.

    Raises:
        ModelError: it is not there, no such file, or made for other dimensions.
    """
    try:
        found = json.loads(file.read_text())
        if tuple(found["dimensions"]) != NAMES:
            raise ModelError(f"{file}: made for other dimensions: train it again")
        model = Model(
            tuple(map(float, found["centre"])),
            tuple(map(float, found["scale"])),
            tuple(map(ServiceClass, found["classes"])),
            tuple(tuple(map(float, row)) for row in found["weights"]),
            tuple(map(float, found["bias"])),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{file}: {error}") from error
    _check(model, file)
    return model


def _check(model: Model, file: Path) -> None:
    shapes = {len(model.centre), len(model.scale), *map(len, model.weights)}
    if shapes != {len(NAMES)} or not len(model.classes) == len(model.weights) == len(model.bias) > 0:
        raise ModelError(f"{file}: its weights do not fit its classes and dimensions")
    if not all(scale > 0 for scale in model.scale):
        raise ModelError(f"{file}: a scale is not positive")
