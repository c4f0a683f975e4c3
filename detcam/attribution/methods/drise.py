"""D-RISE (Petsiuk et al. 2021, section 3)."""

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate

from detcam.attribution.chunks import in_chunks
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
    size = pixels.shape[-2:]
    drawn = [_drawn(size, generator, grid, kept) for _ in range(samples)]

    def weighted(chosen: Tensor) -> Tensor:
        masks = torch.stack([_mask(size, *drawn[index]) for index in chosen.tolist()]).to(pixels)
        return torch.einsum("ns,shw->nhw", similarities(pixels * masks[:, None]), masks)

    return sum(in_chunks(weighted, torch.arange(samples), CHUNK), pixels.new_zeros(())) / (samples * kept)


def _drawn(size: torch.Size, generator: Generator, grid: int, kept: float) -> tuple[Tensor, int, int]:
    """Cells of 0 and 1, ``[grid, grid]``, and where a mask begins, y and x, on what :func:`_mask` makes of them."""
    cells = (torch.rand((grid, grid), generator=generator) < kept).float()
    y, x = (int(torch.randint(-(-side // grid), (1,), generator=generator)) for side in size)
    return cells, y, x


def _mask(size: torch.Size, cells: Tensor, y: int, x: int) -> Tensor:
    """Cells enlarged bilinearly by one more of them than the canvas holds, and cut out at a place."""
    large = interpolate(cells[None, None], size=[(len(cells) + 1) * -(-side // len(cells)) for side in size],
                        mode="bilinear", align_corners=False)[0, 0]
    return large[y : y + size[0], x : x + size[1]]
