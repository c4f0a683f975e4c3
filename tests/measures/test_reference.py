"""The reference of sound boxes: percentiles, and the file."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.tiny import photograph, tiny_ssd

import detcam
from detcam.errors import DataError
from detcam.measures import reference as module
from detcam.measures.reference import SIMILAR, Reference, load_reference, shipped_reference


def made(count: int = 200, **changes: object) -> Reference:
    generator = np.random.default_rng(0)
    fields = {"fingerprint": "abc", "architecture": "net", "classes": ("person",), "measured": ("person",),
              "layer": "deep", "source": "persons",
              "sizes": generator.uniform(10, 300, count), "evidence": generator.random((count, 4))}
    return Reference(**(fields | changes))  # type: ignore[arg-type]


def test_percentile_compares_with_boxes_of_similar_size() -> None:
    small, large = np.full(60, 20.0), np.full(60, 200.0)
    evidence = np.concatenate([np.full((60, 4), 0.8), np.full((60, 4), 0.2)])
    evidence[:60:2] = 0.4  # every other one of the small boxes
    reference = made(sizes=np.concatenate([small, large]), evidence=evidence)
    boxes = np.array([[0, 0, 20, 20], [100, 0, 300, 200.0]])
    found = reference.percentile(boxes, np.full((2, 4), 0.5))
    assert found.tolist() == [[50] * 4, [100] * 4]


def test_percentile_of_each_edge_apart() -> None:
    reference = made(120, sizes=np.full(120, 50.0), evidence=np.arange(120)[:, None] * np.ones(4))
    found = reference.percentile(np.array([[0, 0, 50, 50.0]]), np.array([[-1, 10, 20, 1e9]]))  # among the first 40
    assert found[0].tolist() == [0, 25, 50, 100]


def test_percentile_equals_a_slow_version() -> None:
    reference, generator = made(), np.random.default_rng(1)
    corners, sides = generator.uniform(0, 100, (5, 2)), generator.uniform(10, 200, (5, 2))
    boxes, evidence = np.concatenate([corners, corners + sides], 1), generator.random((5, 4))
    for box, own, found in zip(boxes, evidence, reference.percentile(boxes, evidence), strict=True):
        size = np.sqrt((box[2] - box[0]) * (box[3] - box[1]))
        near = sorted(range(200), key=lambda i: abs(np.log(reference.sizes[i] / size)))[: round(200 * SIMILAR)]
        for edge in range(4):
            below = sum(reference.evidence[i, edge] < own[edge] for i in near)
            assert found[edge] == pytest.approx(100 * below / len(near))


def test_no_box_no_percentile() -> None:
    assert made().percentile(np.zeros((0, 4)), np.zeros((0, 4))).shape == (0, 4)


def test_file_loads_back(tmp_path: Path) -> None:
    path, kept = tmp_path / "reference.json", made()
    kept.save(path)
    found = load_reference(path)
    for name in ("fingerprint", "architecture", "classes", "measured", "layer", "source"):
        assert getattr(found, name) == getattr(kept, name)
    np.testing.assert_allclose(found.sizes, kept.sizes, atol=0.01)
    np.testing.assert_allclose(found.evidence, kept.evidence, atol=1e-5)


def test_a_reference_speaks_only_of_the_classes_that_were_measured() -> None:
    detector = detcam.load(tiny_ssd(), class_names=["person", "ball"])
    reference = made(fingerprint=detector.fingerprint, classes=("person", "ball"))
    found = detcam.explain(detector, photograph(1), reference=reference, max_boxes=None)
    assert found.percentiles is not None
    person = found.detections.labels == 1
    assert person.any()
    assert not person.all()
    assert np.isfinite(found.percentiles[person]).all()
    assert np.isnan(found.percentiles[~person]).all()


def test_broken_files(tmp_path: Path) -> None:
    path = tmp_path / "reference.json"
    with pytest.raises(DataError, match="no such reference"):
        load_reference(path)
    made(3).save(path)
    content = json.loads(path.read_text())
    for change, words in ((content | {"schema_version": 99}, "version 99"), (content | {"sizes": [1]}, "four numbers"),
                          ({"schema_version": 1}, "not a reference file"), ([], "not a reference file")):
        path.write_text(json.dumps(change))
        with pytest.raises(DataError, match=words):
            load_reference(path)


def test_shipped_prefers_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHIPPED", tmp_path)
    made(fingerprint="other").save(tmp_path / "a.json")
    made(fingerprint="mine").save(tmp_path / "b.json")
    found = [shipped_reference(fingerprint, architecture, classes, layer)
             for fingerprint, architecture, classes, layer in (
                 ("mine", "?", (), "deep"), ("new", "net", ("person",), "deep"), ("new", "net", ("cat",), "deep"),
                 ("mine", "net", ("person",), "shallow"))]
    assert [each and each.fingerprint for each in found] == ["mine", "other", None, None]


def test_what_ships_can_be_read() -> None:
    paths = sorted(module.SHIPPED.glob("*.json"))
    assert paths
    for path in paths:
        reference = load_reference(path)
        assert len(reference.sizes) >= 60
        assert np.isfinite(reference.evidence).all()
        assert (reference.evidence >= 0).all()
        assert "photographs" in reference.source
