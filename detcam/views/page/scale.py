"""From raw heat to 0..1: what full colour means, in numbers and in words; and the words where there is no heat."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detcam.attribution.gradients.tape import PIXELS
from detcam.attribution.heatmap import NOT_FINITE, OK, UNREACHABLE, ZERO, Heatmap
from detcam.errors import InputError
from detcam.explanations.explanation import Explanation

BOX, SHARED = "box", "shared"
FINE_TOP = 99.5  # percentile of a fine map's positive values at full colour: single noisy cells would set the scale

STATUS_WORDS = {
    UNREACHABLE: ("unreachable", "no path leads from layer {layer} to this box"),
    ZERO: ("zero", "layer {layer} reaches this box, but the map is zero everywhere"),
    "negative": ("no positive heat", "at layer {layer} all evidence is against this box"),
    NOT_FINITE: ("not finite", "the map from layer {layer} holds NaN or infinite values"),
}


def status_of(heatmap: Heatmap) -> tuple[str, str] | None:
    """A name and a sentence for a map without heat to draw, or None for a map with heat."""
    status = heatmap.status
    if status == OK:
        status = OK if np.isfinite(heatmap.values).all() else NOT_FINITE
    if status == OK and not heatmap.heat.any():
        status = "negative"
    if status == OK:
        return None
    name, sentence = STATUS_WORDS.get(status, (status, "there is no map from layer {layer}"))
    return name, sentence.format(layer=heatmap.layer)


@dataclass(frozen=True)
class Scale:
    """What full colour stands for.

    Attributes:
        kind: ``"box"`` (each map has its own) or ``"shared"`` (all maps of a method have one).
        tops: ``[M, N]`` the raw value of full colour for each method and detection; 0 without heat.
        pixels: whether any map is one of pixels, whose highest values are clipped.
        fused: whether any map is fused from several layers, whose highest values are clipped, too.
        sign_meanings: the words for negative and for positive values of signed maps; None where no map is signed.
        unsigned: whether any map is not signed.
    """

    kind: str
    tops: NDArray[np.float64]
    pixels: bool
    fused: bool = False
    sign_meanings: tuple[str, str] | None = None
    unsigned: bool = True

    def words(self) -> str:
        """What full colour means, in sentences."""
        whose = "each box has its own scale" if self.kind == BOX else "all boxes of a method share one scale"
        fine = " and ".join(["pixel maps"] * self.pixels + ["fused maps"] * self.fused)
        cut = f" (for {fine} the {FINE_TOP:g}th percentile)" if fine else ""
        fused = (" Fused layers: each layer's map is divided by its mean heat (the number after the /), and all are "
                 "summed." if self.fused else "")
        what = "Positive part of the map" if self.sign_meanings is None else "Both signs of the map"
        rest = (" Unsigned maps show only their strength, from dark to bright."
                if self.sign_meanings and self.unsigned else "")
        return f"{what}, on a linear scale; {whose}. 100 % is the maximum{cut}.{fused}{rest}"


def scale_of(explanation: Explanation, kind: str) -> Scale:
    """The scale of all of an explanation's heatmaps, the same on every page.

    Raises:
        InputError: ``kind`` is neither ``"box"`` nor ``"shared"``.
    """
    if kind not in (BOX, SHARED):
        raise InputError(f"scale {kind!r}: expected {BOX!r} or {SHARED!r}")
    tops = np.array([[top_of(heatmap) for heatmap in maps.heatmaps] for maps in explanation.maps], float)
    tops = tops.reshape(len(explanation.maps), len(explanation))
    if kind == SHARED and tops.size:
        tops[:] = tops.max(1, keepdims=True)
    pixels = any(heatmap.layer == PIXELS for maps in explanation.maps for heatmap in maps.heatmaps)
    fused = any(heatmap.scales for maps in explanation.maps for heatmap in maps.heatmaps)
    sign_meanings = next((maps.sign_meanings for maps in explanation.maps if maps.sign_meanings), None)
    unsigned = any(not heatmap.signed for maps in explanation.maps for heatmap in maps.heatmaps)
    return Scale(kind, tops, pixels, fused, sign_meanings, unsigned)


def top_of(heatmap: Heatmap) -> float:
    """The raw value of full colour of a map with its own scale; 0 without heat."""
    if status_of(heatmap):
        return 0.0
    heat = heatmap.heat
    if heatmap.layer == PIXELS or heatmap.scales:
        return float(np.percentile(heat[heat > 0], FINE_TOP))
    return float(heat.max())
