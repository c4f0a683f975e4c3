"""Colours: of the page, of the boxes, and of heat laid over a photograph."""

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, to_rgb
from numpy.typing import NDArray

from detcam.errors import InputError, near

INK, MUTED, RULE, TRACK = "#1b1f24", "#667085", "#d9dde3", "#eceff3"
WORST = "#c2255c"  # the edge with the most evidence
EDGE = "#8a94a6"  # the other edges
REGION_COLOURS = {"inside": "#2b8a3e", "others": "#e8590c", "ring": "#e0a100", "elsewhere": "#748094",
                  "padding": "#adb5bd"}
BOX_COLOURS = ("#e03131", "#1971c2", "#2f9e44", "#e8590c", "#9c36b5", "#0c8599", "#a61e4d", "#5f3dc4", "#846300",
               "#364fc7")
TYPE_COLOURS = {"correct": "#009e73", "localization": "#e69f00", "background": "#cc79a7", "duplicate": "#0072b2",
                "classification": "#d55e00", "both": "#56b4e9", "missed": "#f0e442", "ignored": "#495057"}
"""Of the error types: Okabe and Ito's and a dark grey, which the colour-blind can tell apart; badges name them, too."""
SUSPECT, CONTROL = WORST, "#22b8cf"  # an occluded region, and its control occlusions: dark and light
PATTERN = "#40c057"  # green, on no scale of heat: the region of a flagged shortcut pattern
DROPPED = "#e000a8"  # a row that was not detected: no number has this colour

HEAT, SIGNED = "inferno", "RdBu_r"  # perceptually uniform; diverging, white at zero
STRONGEST = 0.88  # opacity of the hottest place: the photograph stays visible there too
RISE = 0.6  # opacity grows with this power of the heat: weak heat is seen, no heat stays clear
COLOUR_LEFT = 0.3  # of the photograph's colours is left below heat, so that they are not mistaken for heat
READABLE = 3.0  # contrast of large or bold text with its ground at least (WCAG 2.2, 1.4.3)
DIM = 0.8  # brightness of the ground below heat, so that heat glows
PALE = 0.45  # of white in the ground below signed heat, so that both red and blue stand out


def box_colour(number: int) -> str:
    """The colour of a detection's badge and outline, by its number from 1."""
    return BOX_COLOURS[(number - 1) % len(BOX_COLOURS)]


def ink_on(colour: str) -> str:
    """White or black, whichever is readable on a colour, by the contrast ratio of WCAG 2.2."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return "white" if 1.05 / (luminance + 0.05) >= READABLE else "black"


def colour_map(name: str) -> Colormap:
    """A Matplotlib colour map by its name.

    Raises:
        InputError: there is no such colour map.
    """
    if name not in matplotlib.colormaps:
        raise InputError(f"unknown colour map {name!r}: {near(name, matplotlib.colormaps)}")
    return matplotlib.colormaps[name]


def faded(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A photograph ``[h, w, 3]`` uint8 as the quiet ground below heat, float32 in 0..1."""
    colour = rgb.astype(np.float32) / 255
    grey = colour @ np.array([0.299, 0.587, 0.114], np.float32)
    return (DIM * (COLOUR_LEFT * colour + (1 - COLOUR_LEFT) * grey[..., None])).astype(np.float32)


def laid_over(rgb: NDArray[np.uint8], heat: NDArray[np.floating], cmap: str) -> NDArray[np.uint8]:
    """A photograph under heat, uint8 ``[h, w, 3]``: the hotter, the more opaque.

    Args:
        rgb: the photograph, uint8 ``[h, w, 3]``, drawn pixels.
        heat: ``[h, w]`` in 0..1.
        cmap: name of a Matplotlib colour map.
    """
    return _blend(faded(rgb), colour_map(cmap)(heat)[..., :3], heat)


def heat_alone(heat: NDArray[np.floating], cmap: str, signed: bool = False) -> NDArray[np.uint8]:
    """Heat without a photograph below it, uint8 ``[h, w, 3]``.

    Args:
        heat: ``[h, w]`` in 0..1, or in -1..1 where it is signed; other values are clipped.
        cmap: name of a Matplotlib colour map, for heat without a sign.
        signed: whether negative values have colours of their own.
    """
    if signed:
        return laid_over_signed(np.full((*heat.shape, 3), 128, np.uint8), heat.clip(-1, 1))
    return (colour_map(cmap)(heat.clip(0, 1))[..., :3] * 255).round().astype(np.uint8)


def laid_over_signed(rgb: NDArray[np.uint8], heat: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A photograph ``[h, w, 3]`` under signed heat ``[h, w]`` in -1..1, uint8: red positive, blue negative."""
    ground = PALE + (1 - PALE) * faded(rgb) / DIM
    return _blend(ground, colour_map(SIGNED)((heat + 1) / 2)[..., :3], np.abs(heat))


def _blend(ground: NDArray[np.floating], colour: NDArray[np.floating], strength: NDArray[np.floating]
           ) -> NDArray[np.uint8]:
    opacity = STRONGEST * strength[..., None] ** RISE
    return ((ground * (1 - opacity) + colour * opacity) * 255).round().clip(0, 255).astype(np.uint8)


def bar(cmap: str, signed: bool = False, length: int = 256) -> NDArray[np.uint8]:
    """The colours of a scale, uint8 ``[1, length, 3]``, as they look over a mid-grey photograph."""
    ground = np.full((1, length, 3), 128, np.uint8)
    if signed:
        return laid_over_signed(ground, np.linspace(-1, 1, length)[None])
    return laid_over(ground, np.linspace(0, 1, length)[None], cmap)
