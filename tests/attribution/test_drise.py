"""D-RISE against a slow and obvious version, and on a planted detector."""

import numpy as np
import pytest
import torch
from support.planted import CELL, patch_photograph, planted_ssd
from support.tiny import CLASSES, photograph, tiny_ssd

from detcam.attribution.attribute import attribute
from detcam.attribution.methods.drise import CHUNK, drise
from detcam.attribution.methods.registry import get_method
from detcam.attribution.progress import progress_listener
from detcam.attribution.target import TARGETS
from detcam.detectors.for_torchvision.ssd import SSDDetector
from detcam.errors import MethodError
from detcam.explanations.explain import explain
from detcam.imaging.boxes import iou
from detcam.imaging.image import Image

SAMPLES, GRID = CHUNK + 3, 4


def slow_masks(height: int, width: int, seed: int) -> list[np.ndarray]:
    """The same draws, enlarged and cut pixel by pixel."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(SAMPLES):
        coarse = (torch.rand((GRID, GRID), generator=generator) < 0.5).double().numpy()
        cells = [-(-height // GRID), -(-width // GRID)]
        shift = [int(torch.randint(each, (1,), generator=generator)) for each in cells]
        factor = (GRID + 1) / GRID
        mask = np.zeros((height, width))
        for y in range(height):
            for x in range(width):
                v, u = (((place + 0.5) / (cell * factor) - 0.5) for place, cell in
                        zip((y + shift[0], x + shift[1]), cells, strict=True))
                v, u = min(max(v, 0), GRID - 1), min(max(u, 0), GRID - 1)
                low_v, low_u = min(int(v), GRID - 2), min(int(u), GRID - 2)
                for j, share_v in ((low_v, 1 - (v - low_v)), (low_v + 1, v - low_v)):
                    for i, share_u in ((low_u, 1 - (u - low_u)), (low_u + 1, u - low_u)):
                        mask[y, x] += share_v * share_u * coarse[j, i]
        found.append(mask)
    return found


@pytest.mark.parametrize("centred", [True, False])
def test_equal_to_the_slow_version(centred: bool) -> None:
    detector = SSDDetector(tiny_ssd(), dict(enumerate(CLASSES, 1)))
    image = Image(photograph(1), "rectangles")
    canvas, found = detector.canvas(image), detector.detect(image)[[0, 1, 4]]
    method = get_method("drise", samples=SAMPLES, grid=GRID, centred=centred)
    maps = attribute(detector, canvas, found, method, "auto", TARGETS["logit"], seed=7)
    boxes = canvas.geometries[0].to_canvas(found.boxes)
    with torch.no_grad():
        whole = detector.forward(canvas.pixels).scores[0].double().numpy()
        expected = np.zeros((3, *canvas.geometries[0].canvas))
        masks, similar = slow_masks(*canvas.geometries[0].canvas, 7), np.zeros((3, SAMPLES))
        for number, mask in enumerate(masks):
            prediction = detector.forward(canvas.pixels * torch.from_numpy(mask).float())
            rows, scores = prediction.boxes[0].double().numpy(), prediction.scores[0].double().numpy()
            for index, own_row in enumerate(found.rows):
                own, best = whole[own_row, 1:], 0.0
                for row, overlap in enumerate(iou(boxes[[index]], rows)[0]):
                    profile = scores[row, 1:]
                    cosine = own @ profile / np.linalg.norm(own) / np.linalg.norm(profile)
                    best = max(best, overlap * cosine * profile.max())
                similar[index, number] = best
    for number, mask in enumerate(masks):
        less = similar.mean(1) if centred else 0
        expected += (similar[:, number] - less)[:, None, None] * mask / (SAMPLES * 0.5)
    for heatmap, wanted in zip(maps, expected, strict=True):
        np.testing.assert_allclose(heatmap.values, wanted, atol=1e-4)
        assert heatmap.values.std() > 0.01


def test_heat_lies_on_the_planted_patch() -> None:
    detector = SSDDetector(planted_ssd(), {1: "person"}, "planted")
    rgb = patch_photograph(96, 96, (56, 24, 72, 40))
    told = explain(detector, rgb, method=get_method("drise", samples=600, grid=6), edges=False)
    values = told.maps[0].heatmaps[0].values
    y, x = np.unravel_index(values.argmax(), values.shape)
    assert 56 - CELL <= x < 72 + CELL
    assert 24 - CELL <= y < 40 + CELL
    assert values[24:40, 56:72].mean() > 2 * values.std()
    assert abs(np.median(values)) < 0.3 * values[24:40, 56:72].mean()  # elsewhere about nothing
    assert told.maps[0].target == "similarity"
    assert told.maps[0].settings == {"samples": 600, "grid": 6}


def test_the_seed_decides_and_masks_are_kept_by_half() -> None:
    seen: list[torch.Tensor] = []

    def similarities(pixels: torch.Tensor) -> torch.Tensor:
        seen.append(pixels[:, 0])
        return torch.ones(1, len(pixels))

    pixels = torch.ones(1, 3, 50, 70)
    first, again, other = (drise(similarities, pixels, torch.Generator().manual_seed(seed), samples=200, centred=False)
                           for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    masks = torch.cat(seen)
    assert masks.mean() == pytest.approx(0.5, abs=0.02)
    assert masks.amin() == 0
    assert masks.amax() == 1
    assert first.mean() == pytest.approx(1, abs=0.05)
    nothing = drise(similarities, pixels, torch.Generator().manual_seed(0), samples=200)
    assert nothing.abs().max() < 1e-5  # what is found everywhere alike rests on no pixel


def test_an_edge_is_not_what_it_explains() -> None:
    detector = SSDDetector(tiny_ssd(), dict(enumerate(CLASSES, 1)))
    with pytest.raises(MethodError, match="not 'left'"):
        explain(detector, photograph(1), method=get_method("drise", samples=2), target="left", edges=False)


def test_short_memory_changes_nothing_and_progress_is_told() -> None:
    def similarities(pixels: torch.Tensor) -> torch.Tensor:
        return pixels[:, 0, :2, 0].T.double()

    def short(pixels: torch.Tensor) -> torch.Tensor:
        if len(pixels) > 3:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return similarities(pixels)

    pixels, report_interrupt = torch.ones(1, 3, 20, 30, dtype=torch.double), []
    with progress_listener(lambda done, total: report_interrupt.append((done, total))):
        whole = drise(similarities, pixels, torch.Generator().manual_seed(0), samples=20)
    assert report_interrupt == [(8, 20), (16, 20), (20, 20)]
    with pytest.warns(RuntimeWarning, match="going on with 2"):
        torch.testing.assert_close(drise(short, pixels, torch.Generator().manual_seed(0), samples=20), whole)
