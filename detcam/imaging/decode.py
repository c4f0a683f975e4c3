"""A PIL image of any mode to upright 8-bit RGB.

The image is converted a band of rows at a time, so that a huge one is never held in memory twice. Transparent parts are
laid on white, as browsers and viewers do: the colours that a file stores below them were never meant to be seen.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from detcam.errors import ImageError

BAND = 1 << 20  # pixels that are converted at a time
ORIENTATION = 0x0112  # the EXIF tag
WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
WIDE = {"I": (255.0, 65535.0), "F": (1.0,)}  # grey modes of more than 8 bits, and the values that white may have


def pil_to_rgb(image: PilImage.Image) -> NDArray[np.uint8]:
    """The first frame of a PIL image as RGB, uint8 ``[H, W, 3]``, with its EXIF orientation applied.

    Transparent parts are laid on white. White is 65535 in 16-bit grey and 1 in floats. 32-bit integers do not say what
    white is: it is 255, or 65535 where a value is above 255.

    Raises:
        ImageError: there are no pixels, or a grey value of more than 8 bits is negative, not finite or above white.
    """
    image.load()
    if not image.width or not image.height:
        raise ImageError(f"{image.width} x {image.height} px: the image has no pixels")
    rgb = np.empty((*upright_size(image), 3), np.uint8)
    stored = _as_stored(rgb, _orientation(image))
    white = _white(image)
    for top, band in _bands(image):
        stored[top : top + band.height] = _wide_to_rgb(band, white) if white else _to_rgb(band)
    return rgb


def on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA, uint8 ``[h, w, 4]``, laid on white: RGB, uint8 ``[h, w, 3]``, rounded to the nearest integer."""
    rgb = np.empty((*rgba.shape[:2], 3), np.uint8)
    rows = max(1, BAND // rgba.shape[1])
    for top in range(0, len(rgba), rows):
        band = rgba[top : top + rows].astype(np.uint16)
        alpha = band[..., 3:]
        rgb[top : top + rows] = (band[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255  # 65152 at most
    return rgb


def _bands(image: PilImage.Image) -> Iterator[tuple[int, PilImage.Image]]:
    """Bands of whole rows from top to bottom, each with the index of its first row."""
    rows = max(1, BAND // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def upright_size(image: PilImage.Image) -> tuple[int, int]:
    """Height and width of a PIL image with its EXIF orientation applied."""
    return (image.height, image.width) if _orientation(image) < 5 else (image.width, image.height)


def _orientation(image: PilImage.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where it is missing or cannot be read."""
    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # Pillow raises many kinds for damaged EXIF, which viewers ignore
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _as_stored(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """A view of upright pixels ``[H, W, 3]`` in the order in which the file stores them (EXIF 2.32, 4.6.5)."""
    views = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.swapaxes(0, 1), 6: np.rot90(upright), 7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }
    return views[orientation]


def _to_rgb(band: PilImage.Image) -> NDArray[np.uint8]:
    if band.mode in WITH_ALPHA or "transparency" in band.info:
        return on_white(np.asarray(band.convert("RGBA")))
    return np.asarray(band.convert("RGB"))


def _white(image: PilImage.Image) -> float:
    """The value of white in a grey image of more than 8 bits; 0 for images of 8 bits a channel."""
    if image.mode.startswith("I;16"):
        return 65535.0
    if image.mode not in WIDE:
        return 0.0
    ends = np.array([(part.min(), part.max()) for part in (np.asarray(band) for _, band in _bands(image))], float)
    low, high, known = ends.min(), ends.max(), WIDE[image.mode]
    if not (low >= 0 and high <= known[-1]):  # NaN too
        words = " or ".join(f"{white:g}" for white in known)
        raise ImageError(f"grey values from {low:g} to {high:g}: expected 0 to {words}; scale the image first")
    return next(white for white in known if high <= white)


def _wide_to_rgb(band: PilImage.Image, white: float) -> NDArray[np.uint8]:
    grey = (np.asarray(band).astype(np.float64) * (255 / white)).round().astype(np.uint8)
    return grey[..., None].repeat(3, axis=-1)
