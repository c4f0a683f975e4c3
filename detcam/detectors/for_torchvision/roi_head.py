"""The head of a two-stage detector: proposals, found or replayed, and what is said of each, read one at a time."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import MultiScaleRoIAlign

Size = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Proposals:
    """What a region proposal network said about a canvas.

    Attributes:
        boxes: ``[B, P, 4]`` xyxy canvas pixels, detached; images with fewer are filled up with empty boxes.
        counts: how many there are in each image, ``B`` numbers.
        sizes: height and width of each photograph on its canvas, without padding.
        levels: ``[B, P]``, the map that each is pooled from.
        canvas: height and width of the canvas.
        pooling: the scale of each map and what assigns boxes to maps, as torchvision's pooling found them.
    """

    boxes: Tensor
    counts: tuple[int, ...]
    sizes: tuple[Size, ...]
    levels: Tensor
    canvas: Size
    pooling: tuple[Any, Any]

    def on(self, batch: int) -> "Proposals":
        """The same in each of so many copies of the canvas."""
        if len(self.boxes) == batch:
            return self
        return Proposals(self.boxes[:1].expand(batch, -1, -1), self.counts[:1] * batch, self.sizes[:1] * batch,
                         self.levels[:1].expand(batch, -1), self.canvas, self.pooling)


@dataclass(frozen=True)
class Regions:
    """What the box head says about proposals.

    Attributes:
        proposals: of which it was asked.
        maps: the pyramid's maps ``[B, c, h, w]`` that regions are pooled from, on the graph, by their names.
        logits: ``[B, P, C]`` class logits, background first; detached.
        deltas: ``[B, P, C, 4]`` raw box outputs, one a class; detached.
        head: who says it.
    """

    proposals: Proposals
    maps: Mapping[str, Tensor]
    logits: Tensor
    deltas: Tensor
    head: "RoIHead" = field(repr=False)
    _read: dict[tuple[int, bool], tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)

    def read(self, proposal: int) -> tuple[Tensor, Tensor]:
        """A proposal's class logits ``[B, C]`` and raw box outputs ``[B, C, 4]`` in every image, on the graph.

        In evaluation mode regions know nothing of each other: what is pooled and said of one alone is the same.
        """
        key = proposal, torch.is_grad_enabled()
        if key not in self._read:
            boxes = [each[proposal : proposal + 1] for each in self.proposals.boxes]
            levels = set(self.proposals.levels[:, proposal].tolist())
            maps = {name: each if level in levels else each.detach()  # torchvision joins empty regions of all maps
                    for level, (name, each) in enumerate(self.maps.items())}
            logits, deltas = self.head.say(maps, boxes, self.proposals)
            self._read[key] = logits, deltas.view(len(logits), -1, 4)
        return self._read[key]


class RoIHead(nn.Module):
    """A model's region proposal network and region heads, called with the maps that regions are pooled from.

    The modules are the model's own; the model does not know of this one.

    Args:
        rpn: the model's region proposal network.
        roi_heads: the model's region heads.
        borrowed: in its block the model is in evaluation mode: what is read late is read as all else was.
    """

    def __init__(self, rpn: nn.Module, roi_heads: Any, borrowed: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__()
        self.rpn, self.roi_heads, self._borrowed = rpn, roi_heads, borrowed

    @property
    def pool(self) -> MultiScaleRoIAlign:
        """What pools the regions that boxes are read from."""
        pool: MultiScaleRoIAlign = self.roi_heads.box_roi_pool
        return pool

    def forward(self, maps: Sequence[Tensor], features: Mapping[str, Tensor], images: ImageList,
                replayed: Proposals | None = None) -> Regions:
        """Ask about all proposals.

        Args:
            maps: of those features that regions are pooled from, in their order.
            features: all maps of the backbone ``[B, c, h, w]`` by name.
            images: the normalised canvases with the sizes of the photographs on them.
            replayed: proposals for every image; None has the region proposal network find them.
        """
        names = [name for name in features if name in self.pool.featmap_names]
        own = OrderedDict(zip(names, maps, strict=True))
        batch = len(images.tensors)
        with torch.no_grad():
            flat = OrderedDict((name, own.get(name, each).detach()) for name, each in features.items())
            found = self._propose(flat, images) if replayed is None else replayed.on(batch)
            said = [self.say({name: each[image : image + 1].detach() for name, each in own.items()},
                             [found.boxes[image]], found, image) for image in range(batch)]
        shape = found.boxes.shape[:2]
        logits = torch.stack([each for each, _ in said])
        deltas = torch.stack([each for _, each in said]).view(*shape, logits.shape[-1], 4)
        return Regions(found, own, logits, deltas, self)

    def _propose(self, features: "OrderedDict[str, Tensor]", images: ImageList) -> Proposals:
        """Proposals of the model's own network, and the maps that they are pooled from."""
        proposals, _ = self.rpn(images, features)
        boxes = pad_sequence([each.detach() for each in proposals], batch_first=True)
        with kept(self.pool):
            self.pool(features, [each[:0] for each in boxes], images.image_sizes)
            pooling = self.pool.scales, self.pool.map_levels
        levels = torch.zeros(boxes.shape[:2], dtype=torch.long, device=boxes.device)
        if len(pooling[0]) > 1 and boxes.numel():
            levels = pooling[1](list(boxes)).view(boxes.shape[:2])
        height, width = images.tensors.shape[-2:]
        return Proposals(boxes, tuple(map(len, proposals)), tuple(images.image_sizes), levels, (height, width), pooling)

    def say(self, maps: Mapping[str, Tensor], boxes: list[Tensor], proposals: Proposals, first: int = 0
            ) -> tuple[Tensor, Tensor]:
        """Class logits ``[N, C]`` and raw box outputs ``[N, 4 C]`` of boxes, a list of them an image."""
        late = self._borrowed() if any(each.training for each in self.roi_heads.modules()) else nullcontext()
        with late, kept(self.pool, proposals.pooling):
            pooled = self.pool(dict(maps), boxes, list(proposals.sizes[first : first + len(boxes)]))
            logits, deltas = self.roi_heads.box_predictor(self.roi_heads.box_head(pooled))
        return logits, deltas


@contextmanager
def kept(pool: MultiScaleRoIAlign, state: tuple[Any, Any] | None = None) -> Iterator[None]:
    """A pooling keeps what it infers from the first canvas that it sees: in the block ``state``, afterwards its own."""
    before = pool.scales, pool.map_levels
    try:
        if state is not None:
            pool.scales, pool.map_levels = state
        yield
    finally:
        pool.scales, pool.map_levels = before
