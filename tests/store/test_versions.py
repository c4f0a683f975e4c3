"""Explanations of version 1, written by the code of that time, load to the numbers that their files hold."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from detcam.errors import DataError
from detcam.explanations.explanation import Explanation
from detcam.imaging.boxes import EDGES
from detcam.measures.shares import REGIONS
from detcam.store.heatmaps import RECORDS, load_heatmaps
from detcam.store.read import load_explanations
from detcam.store.write import save

V1 = Path(__file__).parents[1] / "data" / "explanations_v1"
KINDS = ("boxes", "places", "versus")  # several methods with edge maps and a sweep; two places; differences of boxes
MEASURES = ("evidence", "percentile", "sibling_spread", "distribution_spread")


def written(kind: str) -> dict[str, Any]:
    """The one photograph's record, as the file of version 1 holds it."""
    content = json.loads((V1 / kind / "explanations.json").read_text())
    assert content["schema_version"] == 1
    (record,) = content["images"]
    assert record["detections"]
    return dict(record)


def read(kind: str) -> Explanation:
    (explanation,) = load_explanations(V1 / kind)
    return explanation


@pytest.mark.parametrize("kind", KINDS)
def test_detections_and_measures_are_those_of_the_file(kind: str) -> None:
    record, explanation = written(kind), read(kind)
    assert explanation.image.rgb.shape == (record["height"], record["width"], 3)
    assert (explanation.detection_count, explanation.provenance) == (record["found"], record["provenance"])
    assert len(explanation) == len(record["detections"])
    for one, old in zip(explanation, record["detections"], strict=True):
        assert one.box.tolist() == old["box"]
        assert (one.number, one.label, one.class_name, one.score, one.row, one.level, list(one.cell)) == tuple(
            old[key] for key in ("number", "label", "class_name", "score", "row", "level", "cell"))
        assert {key: one.numbers[key] for key in ("method", "target", "layer", "status", *REGIONS, "peak_inside")} == {
            key: old[key] for key in ("method", "target", "layer", "status", *REGIONS, "peak_inside")}
        assert one.numbers["edge_layer"] == old["edges"]["layer"]
        for edge in EDGES:
            for name in (*MEASURES, "heat_gap"):
                value = old["edges"][edge][name]  # null stands for NaN
                assert_array_equal(one.numbers[f"{edge}_{name}"], np.nan if value is None else value)


@pytest.mark.parametrize("kind", KINDS)
def test_heatmaps_are_those_of_the_file(kind: str) -> None:
    record, explanation = written(kind), read(kind)
    arrays = np.load(V1 / kind / record["npz"])
    pairs = [(maps.heatmaps[i], old["maps"][order]) for order, maps in enumerate(explanation.maps)
             for i, old in enumerate(record["detections"])]
    if "maps" in record["edge_numbers"]:
        assert explanation.edges is not None
        assert explanation.edges.maps is not None
        pairs += [(explanation.edges.maps[i][column], old["edges"][edge]["map"])
                  for i, old in enumerate(record["detections"]) for column, edge in enumerate(EDGES)]
    if record["sweep"] is not None:
        assert explanation.sweep is not None
        pairs += [(heatmap, old["sweep"][order]) for i, old in enumerate(record["detections"])
                  for order, heatmap in enumerate(explanation.sweep.heatmaps[i].values())]
    assert len(pairs) == len(arrays.files)
    for heatmap, old in pairs:
        assert_array_equal(heatmap.values, arrays[old["npz_key"]])
        assert (heatmap.layer, heatmap.status, heatmap.signed, dict(heatmap.scales)) == tuple(
            old[key] for key in ("layer", "status", "signed", "scales"))
        assert (list(heatmap.grid.stride), list(heatmap.grid.origin)) == (old["grid"]["stride"], old["grid"]["origin"])


def test_methods_sweep_verdicts_and_sign_meanings_are_those_of_the_file() -> None:
    boxes, places, versus = (read(kind) for kind in KINDS)
    assert [(maps.method, maps.settings) for maps in boxes.maps] == [("hirescam", {}),
                                                                    ("smoothgrad+hirescam", {"samples": 2})]
    assert boxes.sweep is not None
    assert boxes.sweep.channels == {one["layer"]: one["channels"] for one in written("boxes")["sweep"]["layers"]}
    assert len(boxes.sweep.channels) > 5
    for old, verdict in zip(written("places")["detections"], places.verdicts, strict=True):
        assert verdict is not None
        asked = old["verdict"]
        assert verdict.sentence  # its words are the present ones
        keys = ("near", "iou", "number", "class_name", "score", "best_class", "best_score", "detected")
        assert {key: getattr(verdict, key) for key in keys} == {key: asked[key] for key in keys}
        assert [(reason.kind, reason.value, reason.limit, reason.others) for reason in verdict.reasons] == [
            tuple(reason[key] for key in ("kind", "value", "limit", "others")) for reason in asked["reasons"]]
        at, box = verdict.place.at, verdict.place.box
        assert {"at": at and list(at), "box": box and list(box)} == asked["place"]
    assert [verdict.kind for verdict in places.verdicts if verdict is not None] == ["detected", "score"]
    assert versus.maps[0].sign_meanings == ("for box 1", "for this box")
    assert versus.maps[0].targets == ("logit", "logit, not box 1", "logit, not box 1")


def copied(tmp_path: Path, **changes: Any) -> Path:
    """The folder ``versus`` with some keys of its first method replaced, or taken out where they are None."""
    folder = Path(shutil.copytree(V1, tmp_path / "v1")) / "versus"
    content = json.loads((folder / "explanations.json").read_text())
    method = content["images"][0]["methods"][0]
    for key, value in changes.items():
        if value is None:
            del method[key]
        else:
            method[key] = value
    (folder / "explanations.json").write_text(json.dumps(content))
    return folder


def test_the_signs_of_an_edge_s_map_have_the_present_words(tmp_path: Path) -> None:
    (explanation,) = load_explanations(copied(tmp_path, poles=["pulls it in", "pulls it out"]))
    assert explanation.maps[0].sign_meanings == ("inward", "outward")


def test_the_first_files_said_nothing_of_signs(tmp_path: Path) -> None:
    (explanation,) = load_explanations(copied(tmp_path, poles=None))
    assert explanation.maps[0].sign_meanings is None


def test_damage_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    folder = copied(tmp_path, method=None)
    with pytest.raises(DataError, match=r"explanations\.json: record 1 is damaged"):
        load_explanations(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_written_again_they_are_of_the_present_version(kind: str, tmp_path: Path) -> None:
    before = read(kind)
    path = save(before, tmp_path)
    assert json.loads(path.read_text())["schema_version"] == 2
    (after,) = load_explanations(path, image_root=V1)
    assert after.to_frame().equals(before.to_frame())
    assert after.maps[0].sign_meanings == before.maps[0].sign_meanings


def test_heatmaps_of_an_audit_of_that_time_load(tmp_path: Path) -> None:
    record = written("versus")
    old = record["detections"][0]["maps"][0]
    values = np.load(V1 / "versus" / record["npz"])[old["npz_key"]]
    records = {"map0": {key: old[key] for key in ("layer", "status", "signed", "scales", "grid")}
               | {"npz_key": "map0", "geometry": record["geometry"]}}
    np.savez(tmp_path / "heatmaps.npz", **{RECORDS: np.frombuffer(json.dumps(records).encode(), np.uint8)}, map0=values)
    heatmap = load_heatmaps(tmp_path / "heatmaps.npz")["map0"]
    assert_array_equal(heatmap.values, values)
    assert (heatmap.layer, heatmap.geometry.canvas) == (old["layer"], (96, 96))
