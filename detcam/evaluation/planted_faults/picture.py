"""A scene as pixels, with its true boxes and masks."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detcam.evaluation.planted_faults.scenes import SIDE, Box, Figure, Scene
from detcam.evaluation.planted_faults.stock import Stock, shrunk

MAGENTA = (255, 0, 255)
OWN = 0.3  # share of its own colours that a tinted background keeps
RIM = 2  # pixels that a cover reaches beyond the figure's box


@dataclass(frozen=True)
class Picture:
    """A picture and what is truly on it.

    Attributes:
        rgb: uint8 ``[SIDE, SIDE, 3]``.
        boxes: ``[N, 4]`` xyxy, pixels, float64, of the persons in the scene's order, hidden halves included.
        masks: bool ``[N, SIDE, SIDE]``, their pixels, hidden halves included.
    """

    rgb: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    masks: NDArray[np.bool_]


def compose(scene: Scene, stock: Stock) -> Picture:
    """Paint a scene."""
    background = _background(scene, stock)
    canvas = background.copy()
    boxes, masks = [], []
    for figure in scene.figures:
        alpha = _paste(canvas, figure, stock)
        if figure.hidden:
            _cover(canvas, figure, stock, background)
        if figure.is_person:
            ys, xs = np.nonzero(alpha > 0.5)
            boxes.append((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
            masks.append(alpha > 0.5)
    rgb = (canvas * scene.gain).round().clip(0, 255).astype(np.uint8)
    for left, top, right, bottom in planted_markers(scene):
        rgb[top:bottom, left:right] = MAGENTA
    if scene.logo:
        left, top, right, bottom = scene.logo
        rgb[top:bottom, left:right] = _logo(right - left)
    return Picture(rgb, np.array(boxes, np.float64).reshape(-1, 4), np.array(masks, bool).reshape(-1, SIDE, SIDE))


def planted_markers(scene: Scene) -> list[Box]:
    """Every marker on a scene, those of figures first."""
    return [*(figure.marker for figure in scene.figures if figure.marker), *scene.strays]


def _background(scene: Scene, stock: Stock) -> NDArray[np.float32]:
    x, y = scene.offset
    rgb = stock.backgrounds[scene.background][y : y + SIDE, x : x + SIDE].astype(np.float32)
    rgb = rgb[:, ::-1] if scene.mirrored else rgb
    if scene.tint is not None:
        rgb = OWN * rgb + (1 - OWN) * rgb.mean(axis=2, keepdims=True) * np.array(scene.tint, np.float32)
    return rgb.clip(0, 255).copy()


def _paste(canvas: NDArray[np.float32], figure: Figure, stock: Stock) -> NDArray[np.float32]:
    """Paint a figure onto the canvas, in place; its opacity ``[SIDE, SIDE]``, 0 to 1."""
    left, top, right, bottom = figure.box
    cutout = shrunk(stock.cutouts[figure.cutout], right - left, bottom - top)
    cutout = cutout[:, ::-1] if figure.mirrored else cutout
    colours, opaque = cutout[..., :3].astype(np.float32), cutout[..., 3].astype(np.float32) / 255
    if figure.filling is not None:
        opaque = opaque[::-1]
        colours = shrunk(stock.backgrounds[figure.filling], right - left, bottom - top).astype(np.float32)
    own = np.s_[top:bottom, left:right]
    painted = (colours * np.array(figure.gains, np.float32)).clip(0, 255)
    canvas[own] += opaque[..., None] * (painted - canvas[own])
    alpha = np.zeros((SIDE, SIDE), np.float32)
    alpha[own] = opaque
    return alpha


def _cover(canvas: NDArray[np.float32], figure: Figure, stock: Stock, background: NDArray[np.float32]) -> None:
    """Hide a half of a figure, in place."""
    left, top, right, bottom = figure.box
    middle = (left + right) // 2
    start, stop = (left - RIM, middle) if figure.hidden == "left" else (middle, right + RIM)
    own = np.s_[max(top - RIM, 0) : bottom + RIM, max(start, 0) : stop]
    other = background if figure.cover < 0 else stock.backgrounds[figure.cover][:SIDE, :SIDE].astype(np.float32)
    if figure.stand_in:
        other = background.copy()
        _paste(other, figure.stand_in, stock)
    canvas[own] = other[own]


def _logo(side: int) -> NDArray[np.uint8]:
    """A white disk with a blue rim and an orange bar on black."""
    logo = np.zeros((side, side, 3), np.uint8)
    middle = side // 2
    cv2.circle(logo, (middle, middle), middle, (20, 60, 220), -1)
    cv2.circle(logo, (middle, middle), middle - 2, (255, 255, 255), -1)
    logo[middle - 1 : middle + 2, 3 : side - 3] = (255, 120, 0)
    return logo
