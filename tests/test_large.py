"""Large photographs: the same canvas as the library's own, in a bounded memory."""

import numpy as np
import pytest
import torch
from tiny import photograph, tiny_ssd

import detcam
from detcam.detectors.base import CHECK_PIXELS
from detcam.detectors.ssd import SSDDetector
from detcam.errors import MismatchError
from detcam.imaging import Image
from detcam.imaging.stretch import stretched


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3000, 20), (96, 128), (333, 517), (2999, 1001)])
def test_a_stretch_is_pytorch_s_own(shape: tuple[int, int]) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    pixels = torch.from_numpy(rgb).permute(2, 0, 1)[None].double() / 255
    for width, height in ((300, 300), (96, 160), (1, 7)):
        expected = torch.nn.functional.interpolate(pixels, (height, width), mode="bilinear")[0].permute(1, 2, 0)
        np.testing.assert_allclose(stretched(rgb, (width, height)), expected.numpy(), atol=2e-4)  # float32 centres
        single = torch.nn.functional.interpolate(pixels.float(), (height, width), mode="bilinear")[0].permute(1, 2, 0)
        np.testing.assert_allclose(stretched(rgb, (width, height)), single.numpy(), atol=1e-6)


@pytest.mark.parametrize("changed", [False, True])
def test_the_canvas_is_what_the_model_s_own_transform_makes(changed: bool) -> None:
    detector = detcam.load(tiny_ssd())
    assert isinstance(detector, SSDDetector)
    if changed:  # a transform that detcam does not know is run, not imitated
        kind = type(detector.model.transform)
        detector.model.transform.__class__ = type("Own", (kind,), {"normalize": lambda self, image: -image})
    image = Image(photograph(0, 200, 130))
    pixels = torch.from_numpy(image.rgb).permute(2, 0, 1) / 255
    mean, std = detector._normalisation
    with torch.no_grad():
        own = detector.model.transform([pixels])[0].tensors * std + mean
    np.testing.assert_allclose(detector.canvas(image).pixels.numpy(), own.numpy(), atol=2e-6)


def test_the_library_is_compared_on_a_smaller_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    large = Image(np.ascontiguousarray(photograph(0).repeat(30, 0).repeat(20, 1)))
    assert large.height * large.width > CHECK_PIXELS
    seen: list[Image] = []
    original = SSDDetector.library_detections
    monkeypatch.setattr(SSDDetector, "library_detections",
                        lambda self, image, score: seen.append(image) or original(self, image, score))
    detector = detcam.load(tiny_ssd())
    assert len(detector.detect(large)) > 5
    assert len(seen) == 1
    assert seen[0].height * seen[0].width <= CHECK_PIXELS
    assert detector._checked
    with pytest.raises(MismatchError, match="score_activation='softmax'"):
        detcam.load(tiny_ssd(), score_activation="sigmoid").detect(large)
