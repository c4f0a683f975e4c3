"""NaN and infinite numbers: an error that names the model and the place, never silent blank maps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.places import SAMPLES
from support.tiny import live_yolo, photograph, save_yolo, tiny_ssd, tiny_yolo

import detcam
from detcam.cli import main as cli
from detcam.errors import DetectorError, WeightsError
from detcam.measures.shares import REGIONS
from detcam.views.explanation.figure import figures


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_one_bad_weight_is_named(value: float) -> None:
    model = tiny_ssd()
    with torch.no_grad():
        model.backbone.second[0].weight[0, 0, 0, 0] = value
    for use in (lambda detector: detcam.explain(detector, photograph()), lambda detector: detector.detect(
            detcam.load_image(photograph()))):
        with pytest.raises(WeightsError, match=r"^SSD: its weights are damaged: backbone.second.0.weight holds NaN or "
                                               r"infinite values \(1 of 1296\); load another checkpoint$"):
            use(detcam.load(model))


def test_the_statistics_of_a_batch_norm_are_weights_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    network: Any = tiny_yolo()
    network.model[4].cv1.bn.running_var[3] = float("nan")
    save_yolo(network, tmp_path / "broken.pt")
    for number in range(2):
        (tmp_path / f"{number}.jpg").write_bytes((SAMPLES / "grace_hopper.jpg").read_bytes())
    assert cli.main(["explain", "0.jpg", "1.jpg", "--model", "broken.pt"]) == 2  # said once, not for each photograph
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("detcam: error: broken.pt: its weights are damaged: model.4.cv1.conv.weight holds NaN")


def test_weights_that_go_bad_later(tmp_path: Path) -> None:
    detector = detcam.load(live_yolo(tmp_path))
    assert len(detector.detect(detcam.load_image(photograph()))) > 5
    with torch.no_grad():
        detector.model.model[0].conv.weight.fill_(float("nan"))
    with pytest.raises(WeightsError, match=r"model\.0\.conv\.weight holds NaN"):
        detector.detect(detcam.load_image(photograph()))


def test_values_that_overflow_name_the_layer() -> None:
    model = tiny_ssd()
    with torch.no_grad():
        model.backbone.second[0].weight *= 1e38
        model.backbone.third[0].weight *= 1e38  # from here on
    with pytest.raises(DetectorError, match=r"^SSD: on array backbone\.(second|third)\.0 \(Conv2d\) gives NaN or "
                                            r"infinite values, though all weights are finite: values too large for "
                                            r"float32$"):
        detcam.explain(detcam.load(model), photograph())


def test_a_map_that_is_not_finite_says_so() -> None:
    def broken(activations: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        return (activations * gradients).sum(0) / 0

    found = detcam.explain(detcam.load(tiny_ssd()), photograph(), method=broken, max_boxes=2)
    assert len(found) == 2
    for heatmap, shares in zip(found.maps[0].heatmaps, found.maps[0].shares, strict=True):
        assert heatmap.status == "not finite"
        assert all(np.isnan(getattr(shares, region)) for region in REGIONS)
    assert np.isnan(found.heat_gap).all()
    written = [text.get_text() for axes in figures(found)[0].axes for text in axes.texts]
    assert written.count("not finite") == 4  # on the box and on the whole photograph of both
