"""A decoded photograph, from a file, a PIL image, an array or a tensor."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import UnidentifiedImageError

from detcam.errors import ImageError
from detcam.imaging.decode import on_white, pil_to_rgb


@dataclass(frozen=True)
class Image:
    """A decoded photograph. Its pixels are the source pixels of every box.

    Attributes:
        rgb: uint8 ``[H, W, 3]``, with the EXIF orientation applied.
        name: its path, or another name for an image that came from no file.
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
    """Decode a photograph.

    Transparent parts, of files and of arrays, are laid on white. Of an animation, and of a file with several pages, the
    first frame is taken.

    Args:
        source: a path, a PIL image, a NumPy array, a torch tensor or an :class:`Image`. Arrays are ``[H, W]`` (grey) or
            ``[H, W, 1 | 3 | 4]`` (grey, RGB, RGBA). Tensors are ``[1 | 3, H, W]`` or ``[1, 1 | 3, H, W]``. Both are
            uint8, or floats in 0..1.
        name: what the photograph is called; None takes its path, or a word for what it came from.

    Returns:
        The photograph, RGB uint8 ``[H, W, 3]``. An :class:`Image` is returned as it is.

    Raises:
        ImageError: the file is missing or cannot be decoded, or the array has another shape, type or range.
    """
    if isinstance(source, Image):
        return source
    if isinstance(source, (str, Path)):
        return _from_file(Path(source), name)
    if isinstance(source, PilImage.Image):
        return Image(pil_to_rgb(source), name or getattr(source, "filename", "") or "PIL image")
    if hasattr(source, "detach"):  # a torch tensor
        return Image(_array_to_rgb(_channels_last(source.detach().cpu().numpy())), name or "tensor")
    if isinstance(source, np.ndarray):
        return Image(_array_to_rgb(source), name or "array")
    raise ImageError(f"cannot read an image from {type(source).__name__}: give a path, PIL image, array or tensor")


def _from_file(path: Path, name: str | None) -> Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PilImage.DecompressionBombWarning)  # large, and within Pillow's limit
            with PilImage.open(path) as opened:
                return Image(pil_to_rgb(opened), name or str(path))
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise ImageError(f"{path}: is a folder, expected one photograph") from None
    except UnidentifiedImageError:
        raise ImageError(f"{path}: not a photograph that Pillow can read (empty, damaged or of another type)") from None
    except PilImage.DecompressionBombError:
        limit = 2 * (PilImage.MAX_IMAGE_PIXELS or 0) / 1e6
        raise ImageError(f"{path}: has more than {limit:.0f} million pixels, Pillow's limit against decompression "
                         "bombs: make it smaller first, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it") from None
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from None
    except (OSError, SyntaxError, ValueError, ImportError) as error:
        if isinstance(error, OSError) and error.filename is not None:  # it was not opened at all
            raise ImageError(f"{path}: cannot be opened ({error.strerror})") from None
        raise ImageError(f"{path}: cannot be decoded ({error}); the file may be damaged or incomplete") from None


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
    if array.dtype != np.uint8:
        array = _floats_to_bytes(array)
    if array.shape[-1] == 1:
        array = array.repeat(3, axis=-1)
    return on_white(array) if array.shape[-1] == 4 else np.ascontiguousarray(array)


def _floats_to_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    if not np.issubdtype(array.dtype, np.floating):
        raise ImageError(f"array of {array.dtype}: expected uint8, or floats in 0..1")
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
        raise ImageError("float array with values outside 0..1: scale it to 0..1, or give uint8")
    return (array * 255).round().astype(np.uint8)
