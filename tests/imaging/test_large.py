"""Large photographs: the same canvas as the library's own, in a bounded memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PilImage
from support.places import ROOT
from support.tiny import photograph, tiny_ssd

import detcam
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.detectors.parity import CHECK_PIXELS
from detcam.errors import MismatchError
from detcam.imaging.image import Image
from detcam.imaging.resize import stretched


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3000, 20), (96, 128), (333, 517), (2999, 1001)])
def test_a_stretch_is_pytorch_s_own(shape: tuple[int, int]) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    pixels = torch.from_numpy(rgb).permute(2, 0, 1)[None].double() / 255
    for width, height in ((300, 300), (96, 160), (1, 7)):
        expected = torch.nn.functional.interpolate(pixels, (height, width), mode="bilinear")[0].permute(1, 2, 0)
        np.testing.assert_allclose(stretched(rgb, (width, height), np.float64), expected.numpy(), atol=1e-12)
        single = torch.nn.functional.interpolate(pixels.float(), (height, width), mode="bilinear")[0].permute(1, 2, 0)
        # in float32 PyTorch's kernels differ by as much among themselves: with one thread it takes another one
        np.testing.assert_allclose(stretched(rgb, (width, height)), single.numpy(), atol=2e-4)


@pytest.mark.parametrize("changed", [False, True])
def test_the_canvas_is_what_the_model_s_own_transform_makes(changed: bool) -> None:
    detector = detcam.load(tiny_ssd())
    assert isinstance(detector, SSDDetector)
    if changed:  # a transform that detcam does not know is run, not imitated
        kind = type(detector.model.transform)
        detector.model.transform.__class__ = type("Own", (kind,), {"normalize": lambda self, image: -image})
    image = Image(photograph(0, 200, 130))
    pixels = torch.from_numpy(image.rgb).permute(2, 0, 1) / 255
    mean, std = 0.5, 0.25  # of tiny_ssd
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


def peak_of(code: str, *arguments: str) -> list[float]:
    """What a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [float(word) for word in done.stdout.split()]


def test_108_million_pixels_in_a_stated_memory(tmp_path: Path) -> None:
    """Explained, drawn and stored: at most the 7 bytes a pixel that the README states, over a small photograph's."""
    small = ROOT / "sample_images" / "astronaut.png"
    peak_of("import sys; from PIL import Image; "
            "Image.open(sys.argv[1]).convert('RGB').resize((12000, 9000), 0).save(sys.argv[2], quality=80)",
            str(small), str(tmp_path / "large.jpg"))
    explain = """if True:
        import sys, resource
        from contextlib import redirect_stdout
        from detcam.cli.main import main
        for photograph in sys.argv[2:]:
            with redirect_stdout(sys.stderr):
                assert main(["explain", photograph, "--edge-maps", "--out", sys.argv[1]]) == 0
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024))
        """
    before, after = peak_of(explain, str(tmp_path / "out"), str(small), str(tmp_path / "large.jpg"))
    assert after - before < 7 * 12000 * 9000
    record = json.loads((tmp_path / "out" / "explanations.json").read_text())["images"][0]
    assert (record["width"], record["height"]) == (12000, 9000)
    assert record["detections"]
    with PilImage.open(tmp_path / "out" / "large.png") as figure:
        assert figure.width < 2000
