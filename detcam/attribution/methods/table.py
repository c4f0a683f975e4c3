"""The table of attribution methods: one file and one line each, imported when it is first asked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Any, Protocol

from torch import Tensor

from detcam.errors import MethodError, near

PixelGradients = Callable[[Tensor], Iterator[Tensor]]
"""Pixels ``[S, 3, h, w]`` to the gradients of N boxes' targets, one box after the other, ``[S, 3, h, w]`` each."""

Similarities = Callable[[Tensor], Tensor]
"""Changed canvases ``[S, 3, h, w]`` to how much of each of N boxes is still found there, ``[N, S]``."""

LAYER, PATH, PIXEL, MASKED, CHANNEL = "layer", "path", "pixel", "masked", "channel"
ANSWERS = (MASKED,)  # kinds that ask for nothing but a detector's answers


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
            ``"pixel"`` methods call for gradients at the pixels, ``"masked"`` methods for similarities on changed
            canvases, ``"channel"`` methods for what one layer's channels do, and these return ``[N, h, w]``.
        function: the combination.
        source: paper and equation.
        description: what to know before choosing it.
        settings: options that were set, for the provenance.
        clean: it asks about nothing but the photograph as it is, as layer methods do anyway.
    """

    name: str
    kind: str
    function: Callable[..., Tensor]
    source: str = ""
    description: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    clean: bool = False

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
        kind, source, description: as in :class:`Method`.
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

    @property
    def clean(self) -> bool:
        """Whether it asks about nothing but the photograph as it is: a single forward pass can do no more."""
        return self.cost.forwards == 1 and not self.cost.box_forwards


METHODS = {
    "hirescam": Entry("detcam.attribution.methods.hirescam:hirescam", LAYER, "Draelos and Carin 2020, eq. 4",
                      "Gradient times activation, elementwise: belongs to the box. The default.",
                      Cost(1), "First, for every box."),
    "odam": Entry("detcam.attribution.methods.hirescam:hirescam", LAYER, "Zhao et al. 2023, eq. 5",
                  "The same combination under the name the detection literature gives it.",
                  Cost(1), "To compare with the detection literature."),
    "conductance": Entry("detcam.attribution.methods.conductance:conductance", PATH,
                         "Dhamdhere et al. 2018, eq. 2 and 3",
                         "Gradient times change of the activation while the photograph comes into focus, in four "
                         "steps: what made the score, not what would still change it.",
                         Cost(5), "Where the score is saturated and a gradient says little."),
    "gradcam": Entry("detcam.attribution.methods.gradcam:gradcam", LAYER, "Selvaraju et al. 2017, eq. 1 and 2",
                     "Averages the gradient over the map and so forgets which box was asked about: it lights up "
                     "other objects of the class too. A poor choice for boxes, here for comparison.",
                     Cost(1), "To compare with published pictures, not to explain a box."),
    "layercam": Entry("detcam.attribution.methods.layercam:layercam", LAYER, "Jiang et al. 2021, section III.B",
                      "Positive gradient times activation, elementwise. Nothing cancels out, so half of the map is "
                      "there before any training: it fails parameter randomization.",
                      Cost(1), "Not as evidence; for comparison.", fails_randomization=True),
    "ssgradcam": Entry("detcam.attribution.methods.ssgradcam:ssgradcam", LAYER, "Yamauchi and Ishikawa 2022",
                       "Grad-CAM whose weights are given their place back by each channel's own gradient: belongs to "
                       "the box.",
                       Cost(1), "A second opinion beside hirescam."),
    "gradcam++": Entry("detcam.attribution.methods.gradcampp:gradcampp", LAYER, "Chattopadhay et al. 2018, eq. 19",
                       "Grad-CAM with positive gradients alone, each weighted by what eq. 19 makes of it. Forgets "
                       "which box was asked about, as Grad-CAM does, and fails parameter randomization.",
                       Cost(1), "To compare with published pictures, not to explain a box.",
                       needs="activations that are not negative (ReLU); with others weights can burst",
                       fails_randomization=True),
    "ssgradcam++": Entry("detcam.attribution.methods.ssgradcampp:ssgradcampp", LAYER, "Yamauchi 2024",
                         "Grad-CAM++ whose weights are given their place back by each channel's own gradient: belongs "
                         "to the box. Nothing cancels out, and it fails parameter randomization.",
                         Cost(1), "Not as evidence; to compare with the detection literature.",
                         needs="activations that are not negative (ReLU); with others weights can burst",
                         fails_randomization=True),
    "xgradcam": Entry("detcam.attribution.methods.xgradcam:xgradcam", LAYER, "Fu et al. 2020, eq. 7 and 8",
                      "Grad-CAM with gradients averaged where the activation is. Forgets which box was asked about, "
                      "as Grad-CAM does.",
                      Cost(1), "To compare with published pictures, not to explain a box.",
                      needs="activations that are not negative (ReLU); with others weights can burst"),
    "gcame": Entry("detcam.attribution.methods.gcame:gcame", LAYER, "Nguyen et al. 2023, section 3",
                   "Grad-CAM with each channel faded away from the cell of its largest gradient: lies around the box's "
                   "own cell by construction.",
                   Cost(1), "To compare with the detection literature; that it lies well proves nothing."),
    "eigencam": Entry("detcam.attribution.methods.eigencam:eigencam", LAYER, "Muhammad and Yeasin 2020, eq. 2 and 3",
                      "What stands out most among the activations. Does not look at the box: all boxes get the same "
                      "map, and it fails parameter randomization.",
                      Cost(1), "To see what a layer shows at all; never to explain a box.",
                      sees_box=False, fails_randomization=True),
    "cam": Entry("detcam.attribution.methods.cam:cam", LAYER, "Zhou et al. 2016, eq. 2",
                 "The weights of a linear head on globally pooled features, cell by cell: exact, and only there. For "
                 "classifiers; a detector's boxes have none.",
                 Cost(1), "For classifiers that end in global average pooling and one linear layer.",
                 needs="a linear head on globally pooled features, at the layer that is pooled"),
    "scorecam": Entry("detcam.attribution.methods.scorecam:scorecam", CHANNEL, "Wang et al. 2020, algorithm 1",
                      "Weights each channel by the box's score on the photograph seen through it, without gradients: "
                      "a pass a channel, and 'depth' means the box's own level alone. The weights have no place and no "
                      "sign: other objects light up too, and it fails parameter randomization.",
                      Cost("channels", box_backwards=0), "Not as evidence; to compare with published pictures.",
                      fails_randomization=True),
    "ablationcam": Entry("detcam.attribution.methods.ablationcam:ablationcam", CHANNEL,
                         "Desai and Ramaswamy 2020, eq. 3 and 4",
                         "Weights each channel by what the box's score loses without it, without gradients: a pass a "
                         "channel, and 'depth' means the box's own level alone. The weights have no place: other "
                         "objects light up too, and it fails parameter randomization.",
                         Cost("channels", box_backwards=0), "To check Grad-CAM's weights without gradients.",
                         fails_randomization=True),
    "gradient": Entry("detcam.attribution.methods.gradient:gradient", PIXEL, "Simonyan et al. 2014, section 3",
                      "How much each pixel would change the target: sharp, local and noisy.",
                      Cost(1), "To check a layer map against the pixels."),
    "smoothgrad": Entry("detcam.attribution.methods.smoothgrad:smoothgrad", PIXEL, "Smilkov et al. 2017, section 3",
                        "The gradient averaged over noisy copies: quieter, and as many times slower.",
                        Cost(25, box_backwards=25), "To check a layer map against the pixels, with less noise."),
    "drise": Entry("detcam.attribution.methods.drise:drise", MASKED, "Petsiuk et al. 2021, section 3",
                   "How much of the box is still found on randomly masked copies: asks nothing but the detector's "
                   "answers, and costs a forward pass a mask, 5000 a photograph unless --samples says fewer.",
                   Cost(5000, box_backwards=0), "For a model without gradients, or to check the others without them."),
}


def get_method(method: str | Method | Callable[..., Tensor], **settings: Any) -> Method:
    """A method by its name, the method itself, or a user's layer function ``(A, G) -> [h, w]``, with settings.

    Raises:
        MethodError: there is no method of that name, or it does not take a setting.
    """
    if isinstance(method, Method):
        found = method
    elif isinstance(method, str):
        if method not in METHODS:
            raise MethodError(f"unknown method {method!r}: {near(method, METHODS)}")
        entry = METHODS[method]
        module, _, function = entry.where.partition(":")
        found = Method(method, entry.kind, getattr(import_module(module), function), entry.source, entry.description,
                       clean=entry.clean)
    elif callable(method):
        found = Method(getattr(method, "__name__", "custom"), LAYER, method)
    else:
        raise MethodError(f"expected the name of a method or a function, got {type(method).__name__}")
    if not settings:
        return found
    parameters = signature(found.function).parameters.values()
    known = [each.name for each in parameters if each.default is not each.empty]
    for name in settings:
        if name not in known:
            raise MethodError(f"method {found.name!r} takes no setting {name!r}; it takes: "
                              f"{', '.join(known) or 'none'}")
    return replace(found, function=partial(found.function, **settings), settings={**found.settings, **settings})
