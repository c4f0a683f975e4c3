"""What an attribution method is: how it is called, what it costs, and its line of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # the table of methods is listed without torch
    from torch import Tensor

Similarities = Callable[["Tensor"], "Tensor"]
"""Changed canvases ``[S, 3, h, w]`` to how much of each of N boxes is still found there, ``[N, S]``."""
LAYER, PATH, PIXEL, MASKED, CHANNEL = "layer", "path", "pixel", "masked", "channel"
NOISY, SCORED = "noisy layer", "scored"
ANSWERS = (MASKED, SCORED)  # kinds that ask for nothing but a detector's answers
WITH = "+"  # joins a method that averages over noise to the method that it averages, as in smoothgrad+hirescam
AVERAGES = ("smoothgrad", "smoothgrad_squared", "vargrad")


class Channels(Protocol):
    """One layer's channels, and how N boxes' targets change with them; a forward pass a channel for all boxes."""

    @property
    def activations(self) -> Tensor:
        """The layer's map of the photograph, ``[c, h, w]``."""

    @property
    def clean(self) -> Tensor:
        """The boxes' targets on the photograph, ``[N]``."""

    def through(self, chosen: Tensor) -> Tensor:
        """The targets on the photograph seen through each of the ``S`` chosen channels, ``[N, S]``.

        A channel is enlarged to the canvas, stretched from 0 to 1 (black where it is constant), and multiplied with
        the pixels.
        """

    def without(self, chosen: Tensor) -> Tensor:
        """The targets with each of the ``S`` chosen channels of the layer set to 0, ``[N, S]``."""


@dataclass(frozen=True)
class Method:
    """An attribution method.

    Attributes:
        name: the word that users and provenance know it by.
        kind: ``"layer"`` methods combine a layer's activations and gradients, ``[c, h, w]`` each, to ``[h, w]``;
            ``"path"`` methods do the same along copies of the canvas that come into focus, ``[S, c, h, w]`` each;
            ``"pixel"`` methods call :class:`detcam.attribution.gradients.pixel_gradients.PixelGradients` and give
            copies ``[S, 3, h, w]`` of the canvas an attribution ``[S, ..., h, w]`` each, one box after the other;
            ``"scored"`` methods call for the boxes' targets on changed canvases, ``"masked"`` ones for similarities
            there, ``"channel"`` ones for what one layer's channels do, and these return ``[N, h, w]``;
            ``"noisy layer"`` methods average a layer method's maps over noisy copies.
        function: the combination.
        source: paper and equation.
        description: what to know before choosing it.
        settings: options that were set, for the provenance.
        clean: it asks about nothing but the photograph as it is, as layer methods do anyway.
        adds_up: a pixel method's map is the sum over the colours of its attributions, not of their absolute values.
        base: the layer method that a ``"noisy layer"`` one averages.
    """

    name: str
    kind: str
    function: Callable[..., Any]
    source: str = ""
    description: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    clean: bool = False
    adds_up: bool = False
    base: Method | None = None

    @property
    def changes_input(self) -> bool:
        """Whether it asks about changed copies of the photograph, too."""
        return self.kind != LAYER and not self.clean


@dataclass(frozen=True)
class Cost:
    """What a method costs with its own settings; ``"channels"`` stands for as many as the layer has channels.

    Attributes:
        forwards: forward passes a photograph, whatever the number of its boxes (a layer method's is the one that finds
            the boxes).
        box_forwards: further ones a box.
        box_backwards: backward passes a box; below a head whose rows are local, boxes share the head's part.
    """

    forwards: int | str
    box_forwards: int | str = 0
    box_backwards: int | str = 1


@dataclass(frozen=True)
class Entry:
    """A line of the table.

    Attributes:
        where: ``module:function``.
        kind, source, description, adds_up: as in :class:`Method`.
        cost: in passes.
        use: when to use which, in one line.
        needs: what it needs of a model, or of the installation; empty for nothing special.
        sees_box: whether the box that was asked about has a say in its map.
        fails_randomization: much of the map stays when the weights above know nothing: a test measures it.
    """

    where: str
    kind: str
    source: str
    description: str
    cost: Cost
    use: str
    needs: str = ""
    sees_box: bool = True
    fails_randomization: bool = False
    adds_up: bool = False

    @property
    def clean(self) -> bool:
        """Whether it asks about nothing but the photograph as it is: one forward pass can do no more, or two that
        come back in different ways."""
        return self.cost.forwards in (1, 2) and not self.cost.box_forwards
