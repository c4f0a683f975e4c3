"""D-RISE (Petsiuk et al. 2021, section 3)."""

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate

from detcam.attribution.chunks import in_chunks
from detcam.attribution.method import Similarities

SAMPLES = 5000  # masks; the paper's section 4
GRID = 16  # cells along each side of a mask, the paper's section 4
KEPT = 0.5  # probability that a cell is kept, the paper's section 4
CHUNK = 8  # masked copies in one forward pass: this limits the memory


def drise(similarities: Similarities, pixels: Tensor, generator: Generator, samples: int = SAMPLES, grid: int = GRID,
          kept: float = KEPT, centred: bool = True) -> Tensor:
    """The similarity of the detections to each box where a pixel is visible, minus the mean similarity: signed.

    The paper sums mask times similarity. Normalised as in RISE (Petsiuk et al. 2018, eq. 6), that is the mean
    similarity where a pixel is visible. Most of it is the same everywhere: the mean similarity over all masks, times
    how often a pixel happened to be visible. That part is subtracted here, so that zero means "makes no difference" and
    the pattern of the masks does not show; ``centred=False`` gives the paper's map. Masked pixels are black. All boxes
    of a photograph share the masks and the forward passes.

    Args:
        similarities: masked canvases ``[S, 3, h, w]`` to similarities ``[N, S]`` of N boxes.
        pixels: ``[1, 3, h, w]`` RGB in 0..1.
        generator: of the masks.
        samples: the number of masks.
        grid: cells along each side of a mask.
        kept: the probability that a cell is visible.
        centred: whether the mean similarity is subtracted.

    Returns:
        ``[N, h, w]`` canvas pixels.
    """
    size = pixels.shape[-2:]
    drawn = [_drawn(size, generator, grid, kept) for _ in range(samples)]

    def masked(chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        masks = torch.stack([_mask(size, *drawn[index]) for index in chosen.tolist()]).to(pixels)
        similar = similarities(pixels * masks[:, None])
        return torch.einsum("ns,shw->nhw", similar, masks), similar.sum(1), masks.sum(0)

    pieces = in_chunks(masked, torch.arange(samples), CHUNK)
    weighted, similar, coverage = next(pieces)
    for more_weighted, more_similar, more_coverage in pieces:  # one at a time: each is as large as all the maps
        weighted, similar, coverage = weighted + more_weighted, similar + more_similar, coverage + more_coverage
    if centred:
        weighted = weighted - similar[:, None, None] / samples * coverage
    return weighted / (samples * kept)


def _drawn(size: torch.Size, generator: Generator, grid: int, kept: float) -> tuple[Tensor, int, int]:
    """Random cells of 0 and 1, ``[grid, grid]``, and the random shift (y, x) at which :func:`_mask` crops them."""
    cells = (torch.rand((grid, grid), generator=generator) < kept).float()
    y, x = (int(torch.randint(-(-side // grid), (1,), generator=generator)) for side in size)
    return cells, y, x


def _mask(size: torch.Size, cells: Tensor, y: int, x: int) -> Tensor:
    """The mask ``[h, w]``: cells enlarged bilinearly to one cell more than the canvas, then cropped at (y, x)."""
    large = interpolate(cells[None, None], size=[(len(cells) + 1) * -(-side // len(cells)) for side in size],
                        mode="bilinear", align_corners=False)[0, 0]
    return large[y : y + size[0], x : x + size[1]]
