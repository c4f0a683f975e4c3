"""XRAI against PAIR's saliency, against its algorithm written slowly, and without scikit-image."""

import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from saliency.core import xrai as peer
from support.row import Scene, agree, scene_of
from support.tiny import photograph
from torch import Generator

from detcam.attribution.gradients.pixel_gradients import PixelGradients
from detcam.attribution.inputs.segments import segments_of
from detcam.attribution.methods.integrated_gradients import integrated_gradients
from detcam.attribution.methods.xrai import BASELINES, DILATION, LEAST, regions, xrai
from detcam.errors import MethodError

PHOTOGRAPH = photograph(2, 120, 160) / 255


@pytest.fixture(scope="module")
def scene() -> Scene:
    return scene_of("ssd")


def attribution(seed: int) -> NDArray[np.float64]:
    coarse = np.random.default_rng(seed).normal(size=(12, 16))
    return np.kron(coarse, np.ones((10, 10))) + np.random.default_rng(seed + 1).normal(size=(120, 160))


@pytest.mark.parametrize("dilation", [0, DILATION])
def test_segments_equal_the_authors_code(dilation: int) -> None:
    mine = segments_of(PHOTOGRAPH, dilation)
    theirs = peer._get_segments_felzenszwalb(PHOTOGRAPH, dilation_rad=dilation)
    assert len(mine) == len(theirs) > 20
    for own, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize("seed", [0, 4])
def test_regions_equal_the_authors_code(seed: int) -> None:
    masks = segments_of(PHOTOGRAPH, DILATION)
    values = attribution(seed)
    theirs = peer.XRAI().GetMask(PHOTOGRAPH, None, segments=masks,
                                 base_attribution=np.repeat(values[..., None], 3, -1))  # of which it takes the largest
    np.testing.assert_allclose(regions(values, masks), theirs, atol=1e-9)


def test_regions_by_hand() -> None:
    """The right half first (mean 2), then what the rest of the upper half adds, then what no mask holds."""
    values = np.zeros((20, 20))
    values[:, 10:], values[:10, :10], values[10:, :10] = 2.0, 1.0, -3.0
    upper, right = np.zeros((2, 20, 20), bool)
    upper[:10], right[:, 10:] = True, True
    np.testing.assert_array_equal(regions(values, [upper, right]), values)
    small = np.zeros((20, 20), bool)
    small[0, : LEAST // 4] = True  # too few pixels to be a region
    np.testing.assert_allclose(regions(values, [small]), values.mean())


def test_the_map_adds_up_to_that_of_integrated_gradients(scene: Scene) -> None:
    gradients, pixels, generator = PixelGradients(scene.task("xrai")), scene.canvas.pixels, Generator()
    both = [list(integrated_gradients(gradients, pixels, generator, 4, name, 1e9)) for name in BASELINES]
    assert len(both[0]) == len(gradients) > 1
    for box, mine in enumerate(xrai(gradients, pixels, generator, 4, tolerance=1e9)):
        mean = (both[0][box] + both[1][box])[0].sum(0) / 2
        torch.testing.assert_close(mine.sum(), mean.sum())
        agree(mine[0, 0].numpy(), regions(mean.numpy(), segments_of(scene.rgb, DILATION)))


def test_a_photograph_of_one_colour_is_one_region() -> None:
    masks = segments_of(np.full((60, 80, 3), 0.5), DILATION)
    assert masks
    assert all(mask.all() for mask in masks)


def test_without_scikit_image_it_says_what_to_install(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    with pytest.raises(MethodError, match=r"pip install 'detcam\[xrai\]'"):
        scene.maps("xrai")
