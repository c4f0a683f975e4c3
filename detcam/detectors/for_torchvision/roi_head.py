"""The head of a two-stage detector: proposals, its own or frozen ones, and the outputs for each, read one at a time."""

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
    """The regions that a region proposal network proposes on a batch of canvases.

    Attributes:
        boxes: ``[B, P, 4]`` xyxy canvas pixels, detached; images with fewer are filled up with empty boxes.
        counts: how many there are in each image, ``B`` numbers.
        sizes: height and width of each photograph on its canvas, without padding, in pixels.
        levels: ``[B, P]``, the index of the map that each is pooled from.
        canvas: height and width of the canvas, in pixels.
        pooling: the scale of each map and what assigns boxes to maps, as torchvision's pooling inferred them.
    """

    boxes: Tensor
    counts: tuple[int, ...]
    sizes: tuple[Size, ...]
    levels: Tensor
    canvas: Size
    pooling: tuple[Any, Any]

    def on(self, batch: int) -> "Proposals":
        """The same proposals for each of so many copies of the canvas."""
        if len(self.boxes) == batch:
            return self
        return Proposals(self.boxes[:1].expand(batch, -1, -1), self.counts[:1] * batch, self.sizes[:1] * batch,
                         self.levels[:1].expand(batch, -1), self.canvas, self.pooling)


@dataclass(frozen=True)
class Regions:
    """The box head's outputs for proposals.

    Attributes:
        proposals: the regions.
        maps: the maps ``[B, c, h, w]`` that regions are pooled from, on the graph, by their names.
        logits: ``[B, P, C]`` class logits, background first; detached.
        deltas: ``[B, P, C, 4]`` raw box outputs, a box a class; detached.
        head: the head that gave them.
    """

    proposals: Proposals
    maps: Mapping[str, Tensor]
    logits: Tensor
    deltas: Tensor
    head: "RoIHead" = field(repr=False)
    _read: dict[tuple[int, bool], tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)

    def read(self, proposal: int) -> tuple[Tensor, Tensor]:
        """A proposal's class logits ``[B, C]`` and raw box outputs ``[B, C, 4]`` in every image, on the graph.

        In evaluation mode regions do not influence each other: one that is read alone has the same outputs.
        """
        key = proposal, torch.is_grad_enabled()
        if key not in self._read:
            boxes = [regions[proposal : proposal + 1] for regions in self.proposals.boxes]
            levels = set(self.proposals.levels[:, proposal].tolist())
            maps = {name: feature if level in levels else feature.detach()  # torchvision joins empty regions of all
                    for level, (name, feature) in enumerate(self.maps.items())}
            logits, deltas = self.head.outputs(maps, boxes, self.proposals)
            self._read[key] = logits, deltas.view(len(logits), -1, 4)
        return self._read[key]


class RoIHead(nn.Module):
    """A model's region proposal network and region heads, called with the maps that regions are pooled from.

    Its modules are the model's own; it is no module of the model.

    Args:
        rpn: the model's region proposal network.
        roi_heads: the model's region heads.
        borrowed: in its block the model is in evaluation mode, also where regions are read after the forward pass.
    """

    def __init__(self, rpn: nn.Module, roi_heads: Any, borrowed: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__()
        self.rpn, self.roi_heads, self._borrowed = rpn, roi_heads, borrowed

    @property
    def pool(self) -> MultiScaleRoIAlign:
        """The layer that pools the regions for the box head."""
        pool: MultiScaleRoIAlign = self.roi_heads.box_roi_pool
        return pool

    def forward(self, maps: Sequence[Tensor], features: Mapping[str, Tensor], images: ImageList,
                frozen: Proposals | None = None) -> Regions:
        """The outputs for all proposals.

        Args:
            maps: those of the features that regions are pooled from ``[B, c, h, w]``, in their order.
            features: all maps of the backbone ``[B, c, h, w]``, by name.
            images: the normalised canvases ``[B, 3, h, w]`` with the sizes of the photographs on them.
            frozen: proposals for every image; None takes those of the region proposal network.
        """
        names = [name for name in features if name in self.pool.featmap_names]
        pooled = OrderedDict(zip(names, maps, strict=True))
        batch = len(images.tensors)
        with torch.no_grad():
            detached = OrderedDict((name, pooled.get(name, feature).detach()) for name, feature in features.items())
            proposals = self._propose(detached, images) if frozen is None else frozen.on(batch)
            outputs = [self.outputs({name: feature[image : image + 1].detach() for name, feature in pooled.items()},
                                    [proposals.boxes[image]], proposals, image) for image in range(batch)]
        shape = proposals.boxes.shape[:2]
        logits = torch.stack([of_image for of_image, _ in outputs])
        deltas = torch.stack([of_image for _, of_image in outputs]).view(*shape, logits.shape[-1], 4)
        return Regions(proposals, pooled, logits, deltas, self)

    def _propose(self, features: "OrderedDict[str, Tensor]", images: ImageList) -> Proposals:
        """Proposals of the model's own network, and the maps that they are pooled from."""
        proposals, _ = self.rpn(images, features)
        boxes = pad_sequence([of_image.detach() for of_image in proposals], batch_first=True)
        with kept(self.pool):
            self.pool(features, [of_image[:0] for of_image in boxes], images.image_sizes)
            pooling = self.pool.scales, self.pool.map_levels
        levels = torch.zeros(boxes.shape[:2], dtype=torch.long, device=boxes.device)
        if len(pooling[0]) > 1 and boxes.numel():
            levels = pooling[1](list(boxes)).view(boxes.shape[:2])
        height, width = images.tensors.shape[-2:]
        return Proposals(boxes, tuple(map(len, proposals)), tuple(images.image_sizes), levels, (height, width), pooling)

    def outputs(self, maps: Mapping[str, Tensor], boxes: list[Tensor], proposals: Proposals, first: int = 0
                ) -> tuple[Tensor, Tensor]:
        """Class logits ``[N, C]`` and raw box outputs ``[N, 4 C]`` of boxes.

        Args:
            maps: that regions are pooled from ``[b, c, h, w]``, by name, of ``b`` images of the batch.
            boxes: ``[n, 4]`` xyxy canvas pixels of each of these images.
            proposals: of the batch: the sizes of its photographs, and how regions are pooled.
            first: the index in the batch of the first of these images.
        """
        training = any(module.training for module in self.roi_heads.modules())
        with self._borrowed() if training else nullcontext(), kept(self.pool, proposals.pooling):
            pooled = self.pool(dict(maps), boxes, list(proposals.sizes[first : first + len(boxes)]))
            logits, deltas = self.roi_heads.box_predictor(self.roi_heads.box_head(pooled))
        return logits, deltas


@contextmanager
def kept(pool: MultiScaleRoIAlign, state: tuple[Any, Any] | None = None) -> Iterator[None]:
    """Give a pooling layer back what it had inferred from the first canvas that it saw, once the block ends.

    Args:
        pool: the layer.
        state: what it has inferred in the block, scales and assignment; None leaves it as it is.
    """
    before = pool.scales, pool.map_levels
    try:
        if state is not None:
            pool.scales, pool.map_levels = state
        yield
    finally:
        pool.scales, pool.map_levels = before
