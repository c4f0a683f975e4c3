"""A decoded photograph, and the many things that users hand over as one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageOps, UnidentifiedImageError

from detcam.errors import ImageError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})
"""File name endings that are taken for photographs when a folder is searched."""


@dataclass(frozen=True)
class Image:
    """A photograph as the detector's user sees it.

    Attributes:
        rgb: uint8 ``[H, W, 3]``, with the EXIF orientation applied.
        name: where it came from: a path, or a word for an array.
    """

    rgb: NDArray[np.uint8]
    name: str = "array"

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])


def load_image(source: Any, name: str | None = None) -> Image:
    """Make an :class:`Image` of a path, a PIL image, a NumPy array, a torch tensor or an :class:`Image`.

    Arrays are ``[H, W]`` or ``[H, W, 1 | 3 | 4]`` (RGB), uint8 or floats in 0..1; tensors are ``[3, H, W]`` or
    ``[1, 3, H, W]``, floats in 0..1 or uint8.

    Raises:
        ImageError: the file is missing or cannot be decoded, or the array has another shape or range.
    """
    if isinstance(source, Image):
        return source
    if isinstance(source, (str, Path)):
        return _from_file(Path(source), name)
    if isinstance(source, PilImage.Image):
        return Image(_pil_to_rgb(source), name or getattr(source, "filename", "") or "PIL image")
    if hasattr(source, "detach"):  # a torch tensor
        return Image(_array_to_rgb(_channels_last(source.detach().cpu().numpy())), name or "tensor")
    if isinstance(source, np.ndarray):
        return Image(_array_to_rgb(source), name or "array")
    raise ImageError(f"cannot read an image from {type(source).__name__}: give a path, PIL image, array or tensor")


def _from_file(path: Path, name: str | None) -> Image:
    if not path.exists():
        raise ImageError(f"{path}: no such file")
    if path.is_dir():
        raise ImageError(f"{path}: is a folder, expected one photograph")
    try:
        with PilImage.open(path) as opened:
            return Image(_pil_to_rgb(opened), name or str(path))
    except UnidentifiedImageError:
        raise ImageError(f"{path}: not a photograph that Pillow can read (empty, damaged or of another type)") from None
    except (OSError, SyntaxError, ValueError, ImportError, PilImage.DecompressionBombError) as error:
        raise ImageError(f"{path}: cannot be decoded ({error}); is the file damaged or cut off?") from None


def _pil_to_rgb(image: PilImage.Image) -> NDArray[np.uint8]:
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16 and 32 bit grey: Pillow would clip at 255 instead of scaling
        wide = np.asarray(upright, dtype=np.float64)
        top = 65535 if wide.max() > 255 else 255
        return _array_to_rgb((wide / top * 255).round().clip(0, 255).astype(np.uint8))
    return np.array(upright.convert("RGB"), dtype=np.uint8)


def _channels_last(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 3 or array.shape[0] not in (1, 3):
        raise ImageError(f"tensor of shape {list(array.shape)}: expected [3, H, W] or [1, 3, H, W]")
    return np.moveaxis(array, 0, -1)


def _array_to_rgb(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4) or 0 in array.shape:
        raise ImageError(f"array of shape {list(array.shape)}: expected [H, W] or [H, W, 1, 3 or 4] in RGB order")
    if array.shape[-1] == 1:
        array = array.repeat(3, axis=-1)
    array = array[..., :3]
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise ImageError(f"array of {array.dtype}: expected uint8, or floats in 0..1")
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
        raise ImageError("float array with values outside 0..1: scale it to 0..1, or hand over uint8")
    return (array * 255).round().astype(np.uint8)
