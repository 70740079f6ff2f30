import json
from pathlib import Path

import pytest

from exporter.fingerprint.dimensions import NAMES, Vector
from exporter.fingerprint.model import ModelError, load
from exporter.identity.facts import ServiceClass

BUSY = NAMES.index("cpu_busy")


def content(**changed: object) -> dict[str, object]:
    size = len(NAMES)
    weights = [[0.0] * size, [0.0] * size]
    weights[0][BUSY] = 2.0
    return {
        "dimensions": NAMES,
        "classes": ["batch", "web"],
        "centre": [0.5] * size,
        "scale": [0.25] * size,
        "bias": [0.0, 0.5],
        "weights": weights,
        **changed,
    }


def written(folder: Path, **changed: object) -> Path:
    file = folder / "classes.json"
    file.write_text(json.dumps(content(**changed)))
    return file


def busy(value: float | None) -> Vector:
    return tuple(value if index == BUSY else None for index in range(len(NAMES)))


def test_the_likelier_class_is_that_of_the_greater_score(tmp_path: Path) -> None:
    model = load(written(tmp_path))

    assert model.probabilities(busy(1.0))[ServiceClass.BATCH] > 0.9
    assert model.probabilities(busy(0.0))[ServiceClass.WEB] > 0.9


def test_what_is_not_known_says_nothing(tmp_path: Path) -> None:
    found = load(written(tmp_path)).probabilities(busy(None))

    assert found[ServiceClass.WEB] == pytest.approx(0.6225, abs=1e-4)
    assert sum(found.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "changed",
    [
        {"dimensions": ["other"]},
        {"classes": ["batch", "nonsense"]},
        {"classes": ["batch"]},
        {"scale": [0.0] * len(NAMES)},
        {"weights": [[0.0], [0.0]]},
        {"bias": "none"},
    ],
)
def test_a_model_that_does_not_fit_is_refused_with_its_file(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(ModelError, match=r"classes\.json"):
        load(written(tmp_path, **changed))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        load(tmp_path / "missing")
    (tmp_path / "list").write_text("[]")
    with pytest.raises(ModelError, match="list"):
        load(tmp_path / "list")


def test_the_model_that_is_delivered_can_be_used() -> None:
    model = load()

    assert {ServiceClass.DATABASE, ServiceClass.WEB, ServiceClass.PROXY, ServiceClass.BATCH} <= set(model.classes)
