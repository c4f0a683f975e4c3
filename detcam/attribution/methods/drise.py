"""D-RISE (Petsiuk et al. 2021, section 3)."""

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate

from detcam.attribution.methods.table import Similarities

SAMPLES = 5000  # masks; the paper's section 4
GRID = 16  # cells along each side of a mask, the paper's section 4
KEPT = 0.5  # probability that a cell is kept, the paper's section 4
CHUNK = 8  # masked copies in one forward pass: what bounds the memory


def drise(similarities: Similarities, pixels: Tensor, generator: Generator, samples: int = SAMPLES, grid: int = GRID,
          kept: float = KEPT) -> Tensor:
    """Mean over random masks of the mask times the similarity, over ``kept``: ``[N, h, w]`` for N boxes.

    Hidden pixels are black. All boxes of a photograph share the masks and the forward passes. The paper's sum is not
    normalised; here it is as RISE's (Petsiuk et al. 2018, eq. 6), which changes the scale alone.

    Args:
        similarities: masked canvases ``[S, 3, h, w]`` to similarities ``[N, S]``.
        pixels: ``[1, 3, h, w]`` RGB in 0..1.
        generator: where the masks come from.
        samples: how many masks.
        grid: cells along each side of a mask.
        kept: the probability that a cell is kept.
    """
    total: Tensor | None = None
    for start in range(0, samples, CHUNK):
        count = min(CHUNK, samples - start)
        masks = torch.stack([_mask(pixels.shape[-2:], generator, grid, kept) for _ in range(count)]).to(pixels)
        weights = similarities(pixels * masks[:, None])
        summed = torch.einsum("ns,shw->nhw", weights, masks)
        total = summed if total is None else total + summed
    assert total is not None
    return total / (samples * kept)


def _mask(size: torch.Size, generator: Generator, grid: int, kept: float) -> Tensor:
    """A coarse mask of 0 and 1, enlarged bilinearly by a cell more than the canvas and cut out at a random place."""
    cells = (torch.rand((grid, grid), generator=generator) < kept).float()
    cell = [-(-side // grid) for side in size]
    large = interpolate(cells[None, None], size=[(grid + 1) * each for each in cell], mode="bilinear",
                        align_corners=False)[0, 0]
    y, x = (int(torch.randint(each, (1,), generator=generator)) for each in cell)
    return large[y : y + size[0], x : x + size[1]]
