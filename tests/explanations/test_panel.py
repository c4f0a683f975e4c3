"""A classifier beside a detector: one photograph, what each says, and the page that shows it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from support.places import SAMPLES

import detcam
from detcam.attribution.methods.table import METHODS
from detcam.cli.main import main
from detcam.detectors.base import Detector
from detcam.errors import InputError
from detcam.explanations.classifier_panel import COARSE, MOST, SHARP, Panel, panel
from detcam.measures.outline_clarity import clarity
from detcam.views.explanation.panel import panel_figure

PHOTO = SAMPLES / "astronaut.png"
MIN_SCORE = 0.1  # low enough for boxes that lie within what the classifier sees


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "squeezenet.pth"
    model = torchvision.models.squeezenet1_1(weights=None, num_classes=4)
    torch.nn.init.constant_(model.classifier[1].bias, 0.5)  # no class is switched off by the last ReLU
    torch.save(model.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def both(weights: Path) -> tuple[Detector, Detector]:
    names = [f"thing {label}" for label in range(4)]
    return detcam.load("squeezenet1_1", weights=weights, class_names=names), detcam.load("detcam-person-ssd")


@pytest.fixture(scope="module")
def found(both: tuple[Detector, Detector]) -> Panel:
    return panel(*both, PHOTO, min_score=MIN_SCORE)


def test_it_is_what_the_two_networks_say_alone(both: tuple[Detector, Detector], found: Panel) -> None:
    alone = detcam.explain(both[0], PHOTO, method=[COARSE, SHARP], layer="auto", max_boxes=1)
    assert len(alone) == 1
    for mine, theirs in zip(found.classified.maps, alone.maps, strict=True):
        assert (mine.heatmaps[0].values == theirs.heatmaps[0].values).all()
    boxes = both[1].detect(detcam.load_image(PHOTO), MIN_SCORE)
    assert len(found.detections) == MOST < len(boxes)
    assert found.detections.scores.tolist() == sorted(boxes.scores, reverse=True)[:MOST]
    assert np.array_equal(found.clarity, clarity(found.classified.maps[1].heatmaps[0], found.detections.boxes),
                          equal_nan=True)
    assert 0 < np.nanmax(found.clarity) < 1


def test_the_page_has_three_pictures_and_says_what_the_number_knows(found: Panel) -> None:
    figure = panel_figure(found)
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 3
    words = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    assert "does not tell a good box from a bad one" in words
    assert np.isfinite(found.clarity).any()
    assert all(f"{value:.2f}" in words for value in found.clarity if np.isfinite(value))
    x1, _, x2, _ = found.classified.detections.boxes[0]
    assert pictures[1].get_xlim() == pytest.approx((x1, x2), abs=1)
    assert len(pictures[0].patches) == 1 + len(found.detections)  # what the classifier sees, and the boxes


def test_a_photograph_without_boxes_has_a_page_too(both: tuple[Detector, Detector]) -> None:
    nothing = panel(*both, np.full((80, 90, 3), 120, np.uint8), min_score=0.9)
    assert len(nothing.detections) == 0
    assert len([axes for axes in panel_figure(nothing).axes if axes.images]) == 3


def test_each_network_has_its_place(both: tuple[Detector, Detector]) -> None:
    classifier, detector = both
    with pytest.raises(InputError, match="detcam-person-ssd is no classifier: give one"):
        panel(detector, detector, PHOTO)
    with pytest.raises(InputError, match="squeezenet1_1 is a classifier and draws no boxes"):
        panel(classifier, classifier, PHOTO)


def test_on_the_command_line(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                             capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names.txt").write_text("".join(f"thing {label}\n" for label in range(4)))
    options: list[Any] = ["panel", str(PHOTO), "--classifier-weights", str(weights), "--classifier-names", "names.txt"]
    assert main(options) == 0
    assert "thing" in capsys.readouterr().out
    assert Path("panel.png").stat().st_size > 10_000
    assert main([*options, "--classifier", "detcam-person-ssd"]) != 0
    assert "detcam: error:" in capsys.readouterr().err


def test_its_methods_are_in_the_table() -> None:
    assert {COARSE, SHARP} <= set(METHODS)
