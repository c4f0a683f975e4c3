"""The shipped person detector: what it is, and what it finds in photographs that come with installed packages."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.places import TESTS
from torch import Tensor
from torchvision.io import ImageReadMode, decode_image
from torchvision.models.detection.ssd import SSD
from torchvision.ops import box_iou

from detcam.detectors.base import Detector
from detcam.detectors.for_torchvision.person_ssd import MIN_SCORE, PERSON_SSD_WEIGHTS, build_person_ssd
from detcam.detectors.loading.load import load
from detcam.errors import WeightsError

HAND_DRAWN = json.loads((TESTS / "data" / "hand_drawn_persons.json").read_text())["photographs"]
MOST_BYTES = 15_000_000
SURE, OVERLAP = 0.5, 0.5


@pytest.fixture(scope="module")
def detector() -> SSD:
    return build_person_ssd()


def _photograph(entry: dict[str, Any]) -> Tensor:
    spec = importlib.util.find_spec(entry["package"])
    if spec is None or spec.origin is None:
        pytest.skip(f"{entry['package']} is not installed")
    path = Path(spec.origin).parent / entry["path"]
    if not path.is_file():
        pytest.skip(f"the installed {entry['package']} has no {entry['path']}")
    return decode_image(str(path), ImageReadMode.RGB).float() / 255


def _sure_boxes(detector: SSD, entry: dict[str, Any]) -> Tensor:
    with torch.no_grad():
        found = detector([_photograph(entry)])[0]
    return found["boxes"][found["scores"] > SURE]


def test_it_is_an_ordinary_torchvision_ssd_of_one_class(detector: SSD) -> None:
    assert type(detector) is SSD
    for layer in detector.head.classification_head.module_list:
        assert layer.out_channels % 2 == 0
    assert {parameter.dtype for parameter in detector.parameters()} == {torch.float32}


def test_six_levels_with_the_cells_of_the_documentation(detector: SSD) -> None:
    maps = detector.backbone(torch.zeros(1, 3, 300, 300))
    assert [feature.shape[-1] for feature in maps.values()] == [38, 19, 10, 5, 3, 2]
    assert [feature.shape[1] for feature in maps.values()] == detector.backbone.out_channels


def test_weights_are_small_enough_to_ship() -> None:
    assert PERSON_SSD_WEIGHTS.stat().st_size <= MOST_BYTES


def test_missing_weights_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="train_person_detector"):
        build_person_ssd(tmp_path / "absent.safetensors")


@pytest.mark.parametrize("entry", [e for e in HAND_DRAWN if e["persons"]], ids=lambda entry: entry["name"])
def test_persons_that_a_hand_drew_are_found(detector: SSD, entry: dict[str, Any]) -> None:
    persons = torch.tensor(entry["persons"], dtype=torch.float32)
    overlaps = box_iou(persons, _sure_boxes(detector, entry))
    found = int((overlaps > OVERLAP).any(dim=1).sum())
    assert found >= entry["needed"]


@pytest.mark.parametrize("entry", [e for e in HAND_DRAWN if not e["persons"]], ids=lambda entry: entry["name"])
def test_nothing_is_found_where_nobody_is(detector: SSD, entry: dict[str, Any]) -> None:
    assert not len(_sure_boxes(detector, entry))


def test_its_boxes_are_shown_where_they_are_more_often_right_than_wrong() -> None:
    """By the model card's figures; weights of one's own are not measured and keep what every detector has."""
    shipped = load("detcam-person-ssd")
    assert shipped.min_score == MIN_SCORE
    figures = json.loads((PERSON_SSD_WEIGHTS.parent / "metrics.json").read_text())["by_score"]
    for part in ("evaluation", "held_out"):
        lines = {each["score"]: each for each in figures[part]}
        assert lines[MIN_SCORE]["detections"] > 100
        assert lines[MIN_SCORE]["precision"] > 0.5 > lines[0.25]["precision"]
    own = load("detcam-person-ssd", weights=PERSON_SSD_WEIGHTS)
    assert own.min_score == Detector.min_score == 0.25
